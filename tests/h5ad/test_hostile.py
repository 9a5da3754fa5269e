"""Files made to mislead or to harm a reader: each column is read or left out for a reason."""

import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from edviz.h5ad import read_factors, summarise
from tests.h5ad.files import REPOSITORY, SHARED, shared_file

OUTSIDE_LINK = "a link into another file, which is not followed"
OUTSIDE_STORAGE = "stored outside the file, which is not followed"
LEADS_OUT = "a name that leads out of its frame, which is not followed"
DAMAGED = "damaged or not readable"

LEFT_OUT = {
    "external_link_column": {"secret": OUTSIDE_LINK},
    "external_link_inner": {"secret": OUTSIDE_LINK},
    "external_link_absolute": {"secret": OUTSIDE_LINK},
    "external_link_via_name": {"ext/secret": OUTSIDE_LINK},
    "external_storage_codes": {"leak": OUTSIDE_STORAGE},
    "external_storage_column": {"leak": OUTSIDE_STORAGE, "relative": OUTSIDE_STORAGE},
    "virtual_dataset": {"secret": "a virtual dataset of other files, which are not followed"},
    "name_traversal": {
        "/uns/token": LEADS_OUT,
        "../uns/token": LEADS_OUT,
        ".": LEADS_OUT,
        "(no name)": LEADS_OUT,
        "genotype/codes": "a part of another column",
    },
    "soft_link_loop": {
        "a": "a link that goes round in circles",
        "b": "a link that goes round in circles",
        "up": "not one value per observation: a group of type anndata",
        "self": "not one value per observation: a group of type dataframe",
    },
    "huge_shape": {
        "huge": "not one value per observation: 1,099,511,627,776 values for 12 observations",
        "huge_num": "not one value per observation: 1,099,511,627,776 values for 12 observations",
        "huge_levels": "1,099,511,627,776 level names are declared for 12 observations",
    },
    "huge_index": {},
    "deflate_bomb": {"bomb": "stored in chunks of 134,217,728 bytes, which is too much to unpack"},
    "hostile_text": {"inject": "nearly unique: 12 levels in 12 observations"},
    "invalid_utf8": {"caf\ufffd": "not one value per observation: a group of unknown type"},
    "deep_nesting": {},
    "bad_codes": {
        "short": "not one value per observation: 9 values for 12 observations",
        "twod": "not one value per observation",
        "floatcodes": "no values",
        "nolevels": "no values",
        "codes_group": "its codes are no list",
        "strcodes": "its codes are not numbers",
    },
    "unknown_filter": {"blosc": f"{DAMAGED} with the filter Blosc (32001)"},
    "vlen_pointer_far": {"secret": DAMAGED},
    "vlen_index_out_of_range": {"secret": DAMAGED},
    "vlen_pointer_to_header": {},
    "chunk_rank_mismatch": {"c": DAMAGED},
    "chunk_rank_33": {"c": DAMAGED},
    "chunk_size_zero": {"c": DAMAGED},
    "chunk_size_max": {"c": "stored in chunks of 4,294,967,295 bytes, which is too much to unpack"},
    "victim_target": {},
}
SECRETS = ("TOP-SECRET", "root:", "/bin/")


@pytest.mark.parametrize("name", LEFT_OUT)
def test_the_columns_that_cannot_be_trusted_are_left_out_for_a_reason(name):
    listing = read_factors(shared_file(f"hostile/{name}.h5ad")).listing
    expected = LEFT_OUT[name]
    found = {column.name: column.set_aside for column in listing.columns if column.set_aside}
    assert found.keys() == expected.keys()
    for column, reason in expected.items():
        assert found[column].startswith(reason), column


@pytest.mark.parametrize("name", [name for name in LEFT_OUT if name not in ("victim_target", "reference_abuse")])
def test_the_sound_columns_are_read_and_nothing_comes_from_outside(name):
    path = shared_file(f"hostile/{name}.h5ad")
    table, summary = read_factors(path), summarise(path)
    assert table.n_obs == summary.n_obs == 12
    levels = {column.name: [(level.level, level.n) for level in column.levels] for column in table.listing.candidates}
    assert levels["genotype"] == [("WT", 6), ("KO", 6)]
    assert levels["sample"] == [("s1", 4), ("s2", 4), ("s3", 4)]
    output = json.dumps([asdict(table.listing), asdict(summary)], ensure_ascii=False)
    assert not any(secret in output for secret in SECRETS)
    # Escapes of JSON itself apart, nothing that acts on a terminal is left.
    assert output.isprintable()


def test_references_that_lead_elsewhere_make_plain_integers_and_it_is_said():
    listing = read_factors(shared_file("hostile/reference_abuse.h5ad")).listing
    assert [level.level for level in listing.column("ok").levels] == ["WT", "KO"]
    for name in ("to_matrix", "to_group", "null", "not_ref"):
        column = listing.column(name)
        assert column.kind == "integer"
        assert [level.level for level in column.levels] == ["0", "1"]
        assert column.note.startswith("its reference to level names does not lead to any in this frame")


@pytest.mark.parametrize("name", ["beyond", "below"])
def test_codes_outside_the_levels_are_missing_and_it_is_said(name):
    column = read_factors(shared_file("hostile/bad_codes.h5ad")).listing.column(name)
    assert (column.missing, column.note) == (1, "outside the levels and counted as missing: 1")


def test_level_names_that_are_all_empty_are_noted():
    column = read_factors(shared_file("hostile/vlen_pointer_to_header.h5ad")).listing.column("secret")
    assert column.note == "all level names are empty"


def test_an_index_that_cannot_be_true_is_noted():
    summary = summarise(shared_file("hostile/huge_index.h5ad"))
    assert summary.notes == ("the index has 8,589,934,592 values for 12 rows and is not used",)


def test_hostile_level_names_are_shown_harmless():
    table = read_factors(shared_file("hostile/hostile_text.h5ad"), also=["inject"])
    shown = [level.level for level in table.listing.column("inject").levels]
    assert shown[0] == r"\x1b[2J\x1b[31mred\x1b]0;title\x07"
    assert r"\u202eabc\u202c" in shown
    assert r"\ud7ff\ufeff\u200b" in shown
    assert max(len(level.level) for level in table.listing.column("long").levels) == 120


def _run_child(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=REPOSITORY)


LISTING = """
import sys
from edviz.h5ad import read_factors
for column in read_factors(sys.argv[1]).listing.columns:
    print(column.name, column.kind, column.set_aside, sep="|")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
def test_text_of_a_false_length_is_left_out_within_an_address_space_limit():
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n" + LISTING
    child = _run_child(limited, str(shared_file("hostile/vlen_length_huge.h5ad")))
    assert child.returncode == 0, child.stderr
    assert "secret|categorical|damaged or not readable" in child.stdout


def test_without_hdf5plugin_the_filter_is_named_with_the_remedy():
    absent = "import sys; sys.modules['hdf5plugin'] = None\n" + LISTING
    child = _run_child(absent, str(shared_file("hostile/unknown_filter.h5ad")))
    assert "blosc|categorical|the filter Blosc (32001) is not available: pip install hdf5plugin" in child.stdout
    child = _run_child(absent, str(shared_file("merfish_mouse_brain_zstd.h5ad")))
    assert "cell_type|categorical|the filter zstd (32015) is not available: pip install hdf5plugin" in child.stdout


def test_hdf5plugin_is_imported_only_for_a_file_that_needs_it():
    code = LISTING + "print('hdf5plugin' in sys.modules)"
    assert _run_child(code, str(shared_file("airway_bulk_8.h5ad"))).stdout.endswith("False\n")
    assert _run_child(code, str(shared_file("merfish_mouse_brain_zstd.h5ad"))).stdout.endswith("True\n")


def test_every_hostile_file_is_accounted_for():
    from tests.h5ad.test_refusals import SHARED_REFUSALS

    shared_file("hostile")
    known = {f"{name}.h5ad" for name in LEFT_OUT} | {name.removeprefix("hostile/") for name in SHARED_REFUSALS}
    files = {path.name for path in (SHARED / "hostile").iterdir()} - {"README.md"}
    # They have tests of their own.
    assert files - known == {"reference_abuse.h5ad", "vlen_length_huge.h5ad", "gzipped.h5ad.gz"}
