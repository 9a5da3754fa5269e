"""Single odd columns, each in a file written for it."""

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edviz.errors import DesignError
from edviz.h5ad import open_h5ad, read_factors
from edviz.h5ad.columns import Labelled
from edviz.h5ad.values import Values
from tests.h5ad.files import TEXT, texts, write_categorical, write_frame, write_h5ad, write_texts

N = 12


@pytest.fixture
def frame(tmp_path):
    """Yield an obs of twelve rows to write into, and the file it is in."""
    file = h5py.File(tmp_path / "tiny.h5ad", "w")
    yield write_frame(file, "obs", N)
    file.close()


def _column(frame, name, **options):
    """Close the file and read one column of it."""
    path = frame.file.filename
    frame.file.close()
    return read_factors(path, **options).listing.column(name)


def _levels(column):
    return [(level.level, level.n) for level in column.levels]


def test_a_boolean_column_lists_the_values_that_occur(frame):
    frame["flag"] = np.arange(N) < 5
    assert _levels(_column(frame, "flag")) == [("False", 7), ("True", 5)]


def test_integers_are_sorted_as_numbers_and_said_to_have_no_labels(frame):
    frame["day"] = [10, 9, -1] * 4
    column = _column(frame, "day")
    assert _levels(column) == [("-1", 4), ("9", 4), ("10", 4)]
    assert column.note == "whole numbers without labels"


@pytest.mark.parametrize("dtype", ["i4", "i8", ">i4"])
def test_the_missing_integer_of_r_is_missing(frame, dtype):
    frame.create_dataset("day", data=np.array([0, 7, -(2**31)] * 4, dtype=dtype))
    column = _column(frame, "day")
    assert (_levels(column), column.missing) == ([("0", 4), ("7", 4)], 4)
    assert "R's missing integer and counted as missing: 4" in column.note


def test_a_float_column_is_a_measurement_unless_it_is_asked_for(frame):
    frame["dose"] = [0.1, 1.0, np.nan] * 4
    path = frame.file.filename
    frame.file.close()
    plain = read_factors(path).listing.column("dose")
    assert (plain.kind, plain.set_aside, plain.levels) == ("float", "floating-point measurement", None)
    wanted = read_factors(path, also=["dose"])
    assert _levels(wanted.listing.column("dose")) == [("0.1", 4), ("1.0", 4)]
    assert wanted.listing.column("dose").set_aside == "floating-point measurement"
    assert wanted.codes("dose").tolist() == [0, 1, -1] * 4


def test_whole_numbers_with_gaps_are_ids_that_pandas_stored_as_floats(frame):
    frame["donor"] = [1.0, 2.0, np.nan] * 4
    frame["age"] = [31.0, 42.0, 53.0] * 4
    path = frame.file.filename
    frame.file.close()
    listing = read_factors(path).listing
    assert (listing.column("donor").set_aside, _levels(listing.column("donor"))) == (None, [("1.0", 4), ("2.0", 4)])
    assert listing.column("age").set_aside == "floating-point measurement"


def test_a_categorical_with_float_levels_is_categorical(frame):
    write_categorical(frame, "dose", [0, 1, 2] * 4, np.array([0.1, 1, 10], dtype="f4"))
    column = _column(frame, "dose")
    assert (column.kind, _levels(column)) == ("categorical", [("0.1", 4), ("1.0", 4), ("10.0", 4)])


def test_levels_that_do_not_occur_are_listed_and_not_counted(frame):
    write_categorical(frame, "sample", [0, 2] * 6, ["a", "b", "c"])
    column = _column(frame, "sample")
    assert (column.n_levels, _levels(column)) == (2, [("a", 6), ("b", 0), ("c", 6)])


def test_a_masked_value_is_missing_whatever_it_is(frame):
    group = frame.create_group("batch")
    write_texts(group, "values", ["a", "b", "secret"] * 4)
    group["mask"] = [False, False, True] * 4
    column = _column(frame, "batch")
    assert (column.kind, _levels(column), column.missing) == ("string", [("a", 4), ("b", 4)], 4)


def test_a_mask_that_does_not_fit_leaves_the_column_out(frame):
    group = frame.create_group("batch")
    write_texts(group, "values", ["a", "b"] * 6)
    group["mask"] = [False, True]
    assert _column(frame, "batch").set_aside == "its mask does not fit its values"


def test_an_enumeration_is_a_factor_with_its_names_and_a_number_without_name_is_missing(frame):
    dtype = h5py.enum_dtype({"low": 10, "high": 30}, basetype="u1")
    frame.create_dataset("level", data=np.array([30, 10, 20] * 4, dtype="u1"), dtype=dtype)
    column = _column(frame, "level")
    assert (column.kind, _levels(column), column.missing) == ("categorical", [("low", 4), ("high", 4)], 4)


def test_float_codes_that_are_not_whole_leave_the_column_out(frame):
    write_categorical(frame, "sample", [0.5, 1.0] * 6, ["a", "b"])
    assert _column(frame, "sample").set_aside == "its codes are not whole numbers"


def test_unsigned_codes_beyond_every_level_are_missing(frame):
    write_categorical(frame, "sample", np.array([0, 1, 2**64 - 1] * 4, dtype="u8"), ["a", "b"])
    assert _column(frame, "sample").missing == 4


def test_codes_of_levels_that_cannot_be_true_cost_no_memory(frame):
    column = write_categorical(frame, "sample", [0, 2**39] * 6, ["a"])
    del column["categories"]
    column.create_dataset("categories", shape=(2**40,), chunks=(1024,), dtype=TEXT)
    assert _column(frame, "sample").set_aside == "1,099,511,627,776 level names are declared for 12 observations"


def test_level_names_that_are_a_nullable_array_are_read(frame):
    column = write_categorical(frame, "sample", [0, 1] * 6, ["x"])
    del column["categories"]
    write_texts(column.create_group("categories"), "values", ["a", "b"])
    assert _levels(_column(frame, "sample")) == [("a", 6), ("b", 6)]


@pytest.mark.parametrize("ordered", [True, np.uint8(1), np.array([True])])
def test_ordered_may_be_stored_in_several_ways(frame, ordered):
    write_categorical(frame, "stage", [0, 1] * 6, ["P0", "P7"], ordered=ordered)
    assert _column(frame, "stage").ordered


def test_columns_that_are_matrices_or_groups_are_left_out_for_what_they_are(frame):
    frame["twod"] = np.zeros((N, 2))
    frame.create_group("sparse").attrs["encoding-type"] = "csr_matrix"
    frame.create_dataset("complex", data=np.zeros(N, dtype="c16"))
    path = frame.file.filename
    frame.file.close()
    found = {column.name: column.set_aside for column in read_factors(path).listing.columns}
    assert found == {
        "twod": "not one value per observation",
        "sparse": "not one value per observation: a group of type csr_matrix",
        "complex": "values of the type complex128, neither text nor numbers",
    }


def test_a_column_compressed_twice_is_left_out(frame):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((N,))
    plan.set_deflate(1)
    plan.set_deflate(9)
    space = h5py.h5s.create_simple((N,))
    h5py.h5d.create(frame.id, b"bomb", h5py.h5t.NATIVE_INT8, space, plan)
    assert _column(frame, "bomb").set_aside == "compressed more than once"


def test_a_type_that_numpy_does_not_have_is_left_out(frame):
    h5py.h5d.create(frame.id, b"time", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((N,)))
    assert _column(frame, "time").set_aside.startswith("damaged or not readable: No NumPy equivalent")


def test_a_name_with_a_slash_is_one_column(frame):
    write_categorical(frame, "dose/day", [0, 1] * 6, ["a", "b"])
    frame.attrs.create("column-order", texts(["dose/day"]), dtype=TEXT)
    path = frame.file.filename
    frame.file.close()
    assert [column.name for column in read_factors(path).listing.columns] == ["dose/day"]


def test_names_that_look_the_same_are_numbered(frame):
    for ending in ("x", "y"):
        write_categorical(frame, "n" * 130 + ending, [0, 1] * 6, [ending, "b"])
    path = frame.file.filename
    frame.file.close()
    table = read_factors(path)
    shown = "n" * 119 + "…"
    assert table.counts.names == (shown, f"{shown} (2)")
    assert [column.levels[0].level for column in table.listing.columns] == ["x", "y"]


def test_a_reference_into_another_frame_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        obs, var = write_frame(file, "obs", N), write_frame(file, "var", 2)
        write_texts(var, "names", ["x", "y"])
        obs["sample"] = np.array([0, 1] * 6, dtype="i1")
        obs["sample"].attrs["categories"] = var["names"].ref
    column = read_factors(tmp_path / "old.h5ad").listing.column("sample")
    assert (column.kind, _levels(column)) == ("integer", [("0", 6), ("1", 6)])


def test_a_reference_to_a_table_of_another_name_is_followed(tmp_path):
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        obs = write_frame(file, "obs", N)
        table = write_texts(obs.create_group("__categories"), "old name", ["x", "y"])
        table.attrs["ordered"] = True
        obs["sample"] = np.array([0, 1] * 6, dtype="i1")
        obs["sample"].attrs["categories"] = table.ref
    column = read_factors(tmp_path / "old.h5ad").listing.column("sample")
    assert (column.kind, column.ordered, _levels(column)) == ("categorical", True, [("x", 6), ("y", 6)])


def test_a_compound_frame_takes_level_tables_by_name_even_one_that_is_a_scalar(tmp_path):
    dtype = [("index", "S3"), ("sample", "i1"), ("assay", "i1"), ("n", "i4"), ("note", TEXT)]
    rows = [(f"c{row}".encode(), row % 2 - (row == 3), 0, row, "same") for row in range(N)]
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        file["obs"] = np.array(rows, dtype=dtype)
        file["uns/sample_categories"] = np.array([b"s1", b"s2"])
        file["uns/assay_categories"] = b"10x"
        file["uns/note_categories"] = np.array([b"never", b"used"])
        file["uns/sample_colors"] = np.array([b"#fff", b"#000"])
    table = read_factors(tmp_path / "old.h5ad").listing
    assert [column.name for column in table.columns] == ["sample", "assay", "n", "note"]
    assert _levels(table.column("sample")) == [("s1", 7), ("s2", 5)]
    assert _levels(table.column("assay")) == [("10x", N)]
    assert _levels(table.column("note")) == [("same", N)]


def test_without_attributes_the_only_unique_text_is_the_index(tmp_path):
    with h5py.File(tmp_path / "bare.h5ad", "w") as file:
        obs = file.create_group("obs")
        write_texts(obs, "barcode", [f"c{row}" for row in range(N)])
        write_texts(obs, "sample", ["a", "b"] * 6)
    with open_h5ad(tmp_path / "bare.h5ad") as h5ad:
        assert h5ad.obs.index.name == "barcode"
        assert [column.name for column in h5ad.obs.columns] == ["sample"]


def test_a_file_without_observations_has_columns_without_values(tmp_path):
    table = read_factors(write_h5ad(tmp_path / "none.h5ad", {"sample": (np.empty(0, "i1"), ["a"])}, 0))
    assert table.n_obs == 0
    assert table.listing.column("sample").set_aside == "no values"
    assert table.counts.names == ()


def test_a_column_that_is_not_there_is_said_to_be_missing_with_the_nearest_names(tmp_path):
    path = write_h5ad(tmp_path / "two.h5ad", {"batch": ([0, 1] * 6, ["a", "b"]), "sample": ([0, 1] * 6, ["a", "b"])}, N)
    listing = read_factors(path, also=["bacth"]).listing
    with pytest.raises(DesignError, match=r"no column 'bacth' in obs; did you mean 'batch'\?"):
        listing.column("bacth")
    with pytest.raises(DesignError, match=r"no column '\?' in obs; the columns are batch, sample"):
        listing.column("?")


def test_the_index_is_not_a_column(tmp_path):
    with pytest.raises(DesignError, match="no column '_index'"):
        read_factors(write_h5ad(tmp_path / "none.h5ad", {}, N), also=["_index"]).listing.column("_index")


LARGE = 50_000


def _write_large(path):
    with h5py.File(path, "w") as file:
        obs = write_frame(file, "obs", LARGE)
        write_texts(obs, "barcode", [f"bc{row}" for row in range(LARGE)])
        write_texts(obs, "clone", [f"clone{row // 2 % 9000}" for row in range(LARGE)])
        write_texts(obs, "site", ["north", "south"] * (LARGE // 2))
        obs["n_genes"] = np.arange(LARGE) % 5000
        obs["day"] = np.arange(LARGE) % 3
    return path


def test_large_columns_are_read_only_as_far_as_they_may_be_factors(tmp_path):
    listing = read_factors(_write_large(tmp_path / "large.h5ad")).listing
    assert {column.name: column.set_aside for column in listing.columns} == {
        "barcode": "nearly unique: no text was found twice",
        "clone": "too many levels for a plain string column: more than 2000",
        "site": None,
        "n_genes": "too many levels for a plain integer column: more than 100",
        "day": None,
    }
    assert _levels(listing.column("site")) == [("north", LARGE // 2), ("south", LARGE // 2)]


def test_names_of_cells_are_told_from_a_spread_of_blocks(tmp_path, monkeypatch):
    path, seen = _write_large(tmp_path / "large.h5ad"), []
    read = Values.read

    def counting_read(values, start, stop):
        seen.append((values.dataset.name, stop - start))
        return read(values, start, stop)

    monkeypatch.setattr(Values, "read", counting_read)
    read_factors(path)
    assert 0 < sum(n for name, n in seen if name == "/obs/barcode") <= 8 * 4096


def test_a_large_column_that_is_asked_for_is_read_whole(tmp_path):
    table = read_factors(_write_large(tmp_path / "large.h5ad"), also=["barcode", "n_genes"])
    assert len(table.listing.column("barcode").levels) == LARGE
    assert len(table.listing.column("n_genes").levels) == 5000
    assert table.listing.column("barcode").set_aside.startswith("nearly unique")
    assert table.codes("barcode").shape == (LARGE,)


def test_columns_are_counted_together_whatever_their_chunks(tmp_path):
    rng = np.random.default_rng(0)
    n = 300_000
    sample = rng.integers(0, 40, n)
    columns = {"sample": sample, "donor": sample // 4, "leiden": rng.integers(0, 12, n)}
    columns["donor"] = np.where(rng.random(n) < 0.01, rng.integers(-1, 10, n), columns["donor"])
    path = tmp_path / "chunks.h5ad"
    with h5py.File(path, "w") as file:
        obs = write_frame(file, "obs", n)
        for (name, codes), chunk in zip(columns.items(), (1000, 70_001, None), strict=True):
            group = write_categorical(obs, name, codes[:1], [f"{name}{code}" for code in range(40)])
            del group["codes"]
            group.create_dataset("codes", data=codes.astype("i1"), chunks=chunk and (chunk,))
    counts = read_factors(path).counts
    for a, b in [("sample", "donor"), ("sample", "leiden"), ("donor", "leiden")]:
        expected = pd.DataFrame({a: columns[a], b: columns[b]}).value_counts(sort=False).sort_index()
        rows = counts.rows(a, b)
        assert list(zip(rows.codes[a], rows.codes[b], strict=True)) == expected.index.tolist()
        assert rows.n.tolist() == expected.tolist()
    three = pd.DataFrame(columns).value_counts(sort=False).sort_index()
    assert counts.rows("sample", "donor", "leiden").n.tolist() == three.tolist()


def test_a_soft_link_through_another_file_is_not_followed(frame):
    frame["elsewhere"] = h5py.ExternalLink("other.h5ad", "/obs")
    frame["soft"] = h5py.SoftLink("elsewhere/sample")
    frame.attrs.create("column-order", texts(["soft"]), dtype=TEXT)
    assert _column(frame, "soft").set_aside == "a link into another file, which is not followed"


def test_a_frame_knows_codes_from_labels(tmp_path):
    path = write_h5ad(tmp_path / "one.h5ad", {"sample": ([0, 1] * 6, ["a", "b"])}, N)
    with open_h5ad(path) as h5ad:
        assert isinstance(h5ad.obs.column("sample").content, Labelled)
        assert h5ad.obs.column("nothing") is None


@given(codes=st.lists(st.integers(-1, 4), min_size=1, max_size=60))
@settings(deadline=None, max_examples=40)
def test_codes_come_back_as_they_were_written(codes, tmp_path_factory):
    path = tmp_path_factory.mktemp("codes") / "any.h5ad"
    table = read_factors(write_h5ad(path, {"sample": (codes, list("abcde"))}, len(codes)), also=["sample"])
    assert table.codes("sample").tolist() == codes


@given(values=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), min_size=1))
@settings(deadline=None, max_examples=40)
def test_texts_are_numbered_in_sorted_order(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "any.h5ad"
    with h5py.File(path, "w") as file:
        write_texts(write_frame(file, "obs", len(values)), "note", values)
    codes = read_factors(path, also=["note"]).codes("note")
    levels = sorted(set(values))
    assert [levels[code] for code in codes] == values
