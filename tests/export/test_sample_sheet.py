"""Sample sheets, against pandas on the same files."""

import csv
import io

import anndata
import pandas
import pytest

from edviz.errors import DesignError
from edviz.export.sample_sheet import sample_sheet, sample_sheet_to_pandas, write_sample_sheet
from edviz.export.spreadsheet import harmless_cell, write_csv
from edviz.h5ad import read_factors
from edviz.infer import Overrides, infer_design
from edviz.table import table_of

FILES = {
    "kang_pbmc_stim_ctrl_14039": ["sample"],
    "lung_lca_3donors_2methods": ["donor_method"],
    "wu2020_tcells_200_v0_6": ["sample"],
    "pancreas_4datasets_obs_only": ["donor_id"],
}


def _written(sheet) -> str:
    stream = io.StringIO()
    write_sample_sheet(sheet, stream)
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore::anndata.OldFormatWarning")
@pytest.mark.parametrize(("file", "unit"), FILES.items())
def test_a_sheet_equals_a_groupby_of_pandas(file, unit, shared):
    path = shared / f"{file}.h5ad"
    sheet = sample_sheet(infer_design(read_factors(path)))
    read = pandas.read_csv(io.StringIO(_written(sheet)), dtype=str, keep_default_na=False)
    obs = anndata.read_h5ad(path, backed="r").obs
    groups = obs.groupby(unit, observed=True)
    assert list(read.columns[: len(unit)]) == unit
    read = read.set_index(unit)
    expected = groups.size()
    assert read["n_obs"].astype(int).to_dict() == {str(key): n for key, n in expected.items()}
    assert sheet.n_without_unit == len(obs) - expected.sum()
    for name in read.columns.drop("n_obs"):
        most = groups[name].agg(lambda values: str(values.mode().iloc[0]))
        assert read[name].to_dict() == {str(key): value for key, value in most.items()}, name


def test_units_of_several_columns_have_a_column_each():
    rows = [(donor, stim) for donor in "PQR" for stim in ("ctrl", "IFN") for _ in range(10)]
    table = table_of({"donor": [row[0] for row in rows], "stim": [row[1] for row in rows]})
    sheet = sample_sheet(infer_design(table, Overrides(unit=("donor", "stim"))))
    assert sheet.columns == ("donor", "stim", "n_obs")
    assert sheet.rows == tuple((donor, stim, 10) for donor in "PQR" for stim in ("IFN", "ctrl"))


def test_strays_missing_values_and_observations_without_unit():
    donors = ["P"] * 100 + ["Q"] * 100 + ["R"] * 100 + [None] * 3
    sex = ["f"] * 99 + ["m"] + [None] * 100 + ["m"] * 100 + ["f"] * 3
    table = table_of({"donor": donors, "sex": sex, "batch": (["1"] * 50 + ["2"] * 50) * 3 + ["1"] * 3})
    sheet = sample_sheet(infer_design(table, Overrides(unit=("donor",), kinds={"sex": "observational"})))
    by_name = [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]
    assert [(row["donor"], row["sex"], row["n_obs"]) for row in by_name] == [
        ("P", "f", 100),
        ("Q", None, 100),
        ("R", "m", 100),
    ]
    assert sheet.n_without_unit == 3
    assert "batch" not in sheet.columns


def test_rows_that_are_units_are_numbered(shared):
    sheet = sample_sheet(infer_design(read_factors(shared / "airway_bulk_8.h5ad")))
    assert sheet.columns[0] == "row"
    assert [row[0] for row in sheet.rows] == list(range(1, 9))
    assert {row[-1] for row in sheet.rows} == {1}


def test_constants_are_added_when_asked_for():
    table = table_of({"donor": ["P"] * 9 + ["Q"] * 9 + ["R"] * 9, "tissue": ["blood"] * 27})
    inference = infer_design(table, Overrides(unit=("donor",)))
    assert sample_sheet(inference).columns == ("donor", "n_obs")
    with_constants = sample_sheet(inference, constants=True)
    assert with_constants.columns == ("donor", "tissue", "n_obs")
    assert {row[1] for row in with_constants.rows} == {"blood"}


def test_a_column_that_is_called_n_obs_keeps_its_name():
    table = table_of({"donor": list("PPQQ") * 5, "n_obs": list("aabb") * 5})
    sheet = sample_sheet(infer_design(table, Overrides(unit=("donor",))))
    assert sheet.columns == ("donor", "n_obs", "n_obs_")


def test_without_units_there_is_no_sheet():
    with pytest.raises(DesignError, match="--unit"):
        sample_sheet(infer_design(table_of({"leiden": list("0123") * 200})))


def test_pandas_has_the_same_table():
    table = table_of({"donor": list("PPQQ") * 5, "sex": list("ffmm") * 5})
    frame = sample_sheet_to_pandas(sample_sheet(infer_design(table, Overrides(unit=("donor",)))))
    assert frame.to_dict("list") == {"donor": ["P", "Q"], "sex": ["f", "m"], "n_obs": [10, 10]}


def test_a_sheet_asks_for_no_observation_again(monkeypatch):
    table = table_of({"donor": list("PPQQ") * 500, "sex": list("ffmm") * 500})
    inference = infer_design(table, Overrides(unit=("donor",)))
    monkeypatch.setattr(type(table.counts), "codes", None)
    monkeypatch.setattr(type(table.counts), "rows", None)
    assert len(sample_sheet(inference).rows) == 2


def test_cells_that_look_like_formulas_do_nothing():
    stream = io.StringIO()
    write_csv(stream, ["=cmd|' /C calc'!A0", "b"], [["+1+1", "-2.5"], ["@SUM(A1)", 'a,"b"\nc'], [None, "\ud800"]])
    rows = list(csv.reader(io.StringIO(stream.getvalue())))
    assert rows == [["'=cmd|' /C calc'!A0", "b"], ["'+1+1", "-2.5"], ["'@SUM(A1)", 'a,"b"\nc'], ["", "\\ud800"]]
    assert [harmless_cell(text) for text in ("\t=1", "-x", "1-2", "")] == ["'\t=1", "'-x", "1-2", ""]
