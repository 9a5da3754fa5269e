"""Every encoding of obs gives the columns that its writer meant."""

import json
from functools import cache
from typing import Any

import numpy as np

from edviz.h5ad import open_h5ad, read_factors
from edviz.h5ad.codes import R_MISSING_INTEGER
from edviz.table import reason_to_set_aside
from tests.h5ad.files import SHARED, shared_file

# Kinds in expected_obs.json are those of the storage, ours are those of the values.
KINDS = {
    "categorical": "categorical",
    "string": "string",
    "nullable-string-array": "string",
    "int": "integer",
    "nullable-integer": "integer",
    "bool": "boolean",
    "nullable-boolean": "boolean",
    "float": "float",
}


@cache
def _expectations() -> dict[str, Any]:
    return json.loads((SHARED / "encodings" / "expected_obs.json").read_text())


def _expected_column(column: dict[str, Any]) -> dict[str, Any]:
    """Put an expected column into our terms: R's missing integer is missing, and unsaid order is none."""
    counts = dict(zip(column["levels"], column["counts"], strict=True))
    sentinels = counts.pop(str(R_MISSING_INTEGER), 0)
    return {
        "kind": KINDS[column["kind"]],
        "ordered": bool(column.get("ordered")),
        "levels": list(counts.items()),
        "missing": column["missing"] + sentinels,
    }


def test_every_column_has_its_kind_levels_counts_and_missing_values(expected_file):
    expected = _expectations()[expected_file]
    table = read_factors(shared_file(f"encodings/{expected_file}"), also=list(expected["columns"]))
    assert table.n_obs == expected["n"]
    found = {
        column.name: {
            "kind": column.kind,
            "ordered": column.ordered,
            "levels": [(level.level, level.n) for level in column.levels],
            "missing": column.missing,
        }
        for column in table.listing.columns
    }
    assert found == {name: _expected_column(column) for name, column in expected["columns"].items()}


def test_codes_agree_with_the_counts_of_their_levels(expected_file):
    table = read_factors(shared_file(f"encodings/{expected_file}"))
    for column in table.listing.candidates:
        codes = table.codes(column.name)
        assert codes.shape == (table.n_obs,)
        assert codes.min() >= -1
        assert [level.n for level in column.levels] == np.bincount(
            codes[codes >= 0], minlength=len(column.levels)
        ).tolist()
        assert column.missing == np.count_nonzero(codes < 0)


def test_columns_are_set_aside_for_the_reasons_of_the_table(expected_file):
    expected = _expectations()[expected_file]
    for column in read_factors(shared_file(f"encodings/{expected_file}")).listing.columns:
        if column.kind == "float":
            assert column.set_aside == "floating-point measurement"
        else:
            n_levels = sum(n > 0 for _, n in _expected_column(expected["columns"][column.name])["levels"])
            assert column.set_aside == reason_to_set_aside(column.kind, n_levels, expected["n"])


def test_the_frame_says_its_encoding_and_its_index(expected_file):
    expected = _expectations()[expected_file]
    with open_h5ad(shared_file(f"encodings/{expected_file}")) as h5ad:
        assert h5ad.obs.encoding.startswith(expected["encoding"])
        assert h5ad.obs.index.name == expected["index"]
        assert h5ad.obs.notes == ()


HANDMADE = {
    "code_dtypes": {name: {"WT": 6, "KO": 6} for name in ("u1", "i2be", "i8", "u4", "f8")},
    "fixed_length_strings": {
        "genotype": {"WT": 6, "KO": 6},
        "sample": {"s1": 4, "s2": 4, "s3": 4},
        "plain": {"KO": 6, "WT": 6},
    },
    "inconsistent_frame": {
        "genotype": {"WT": 6, "KO": 5},
        "gone": "not in the file",
        "sample": {"s1": 4, "s2": 4, "s3": 4},
        "short": "not one value per observation: 10 values for 12 observations",
        "extra": {"WT": 6, "KO": 6},
    },
    "libver_latest_userblock": {"genotype": {"WT": 6, "KO": 6}, "sample": {"s1": 4, "s2": 4, "s3": 4}},
    "links_and_types": {
        "genotype": {"WT": 6, "KO": 6},
        "alias_soft": {"WT": 6, "KO": 6},
        "alias_hard": {"WT": 6, "KO": 6},
        "dangling": "not in the file",
        "flag": {"False": 6, "True": 6},
        "level": {"low": 4, "mid": 4, "high": 4},
    },
    "no_attributes": {
        "genotype": {"WT": 6, "KO": 6},
        "n": "nearly unique: 12 levels in 12 observations",
        "sample": {"s1": 4, "s2": 4, "s3": 4},
    },
    "no_X_raw_only": {"genotype": {"WT": 6, "KO": 6}},
    "null_and_2d": dict.fromkeys(("nullspace", "scalar", "twod"), "not one value per observation"),
    "odd_levels": {
        "lv": "nearly unique: 7 levels in 12 observations",
        "empty": "no values",
        "float": {"0.5": 4, "nan": 4, "1e+300": 4},
        "big": {"9007199254740993": 6, "9007199254740992": 6},
    },
}


def test_handmade_frames_give_their_levels_or_a_reason():
    for name, expected in HANDMADE.items():
        table = read_factors(shared_file(f"encodings/handmade_{name}.h5ad"))
        found = {
            column.name: column.set_aside or {level.level: level.n for level in column.levels}
            for column in table.listing.columns
        }
        assert found == expected, name
        assert table.n_obs == 12


def test_a_wide_frame_keeps_all_its_columns_in_order():
    columns = read_factors(shared_file("encodings/handmade_wide_frame.h5ad")).listing.columns
    assert [column.name[:3] for column in columns] == [f"c{number:02}" for number in range(60)]


def test_codes_outside_the_levels_count_as_missing_and_are_noted():
    column = read_factors(shared_file("encodings/handmade_inconsistent_frame.h5ad")).listing.column("genotype")
    assert (column.missing, column.note) == (1, "outside the levels and counted as missing: 1")


def test_equal_level_names_stay_different_levels():
    table = read_factors(shared_file("encodings/handmade_odd_levels.h5ad"), also=["lv"])
    column = table.listing.column("lv")
    assert [level.level for level in column.levels] == ["a", "a", "", " a", "nan", "None", "NA", "unused"]
    assert column.note == "different levels look the same: 'a'"
    assert sorted(set(table.codes("lv").tolist())) == list(range(7))


def test_a_column_that_column_order_omits_is_listed_and_noted():
    column = read_factors(shared_file("encodings/handmade_inconsistent_frame.h5ad")).listing.column("extra")
    assert column.note == "not named in column-order"


def test_seurat_disk_levels_are_found_by_name_and_said_so():
    column = read_factors(shared_file("encodings/seuratdisk-0.0.0.9021_factors.h5ad")).listing.column("annot")
    assert column.note == "level names taken from __categories by name"
