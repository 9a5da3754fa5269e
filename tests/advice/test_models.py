"""Models as they are written: each fits data of its design, and its model matrix has full rank."""

import shutil
import subprocess

import anndata
import numpy as np
import pandas as pd
import patsy
import pytest
from formulaic import model_matrix

from edviz.advice import analyze_design
from edviz.advice.conditions import advise_conditions
from edviz.advice.models import ModelTerms, model_terms, models, python_name, r_name
from edviz.h5ad import read_factors
from edviz.infer import infer_design
from tests.advice.cases import CELLS_A_ROW, of_columns, of_file

PAIRED = {"stim": "AB" * 6, "donor": "112233445566", "sample": "abcdefghijkl"}
NESTED = {"disease": "AAAAAAAABBBBBBBB", "donor": "1122334455667788", "sample": "abcdefghijklmnop"}
BLOCKED = {"drug": "ABABABAB", "batch": "11223344", "sample": "abcdefgh"}
DESIGNS = {"paired": PAIRED, "nested": NESTED, "blocked": BLOCKED}
CONDITIONS = {"paired": "stim", "nested": "disease", "blocked": "drug"}


def written(inference, condition):
    advice = next(each for each in advise_conditions(inference.facts, inference.roles) if each.condition == condition)
    return {model.library: model for model in models(model_terms(inference.facts, advice))}


def samples_of(columns):
    return pd.DataFrame({name: list(values) for name, values in columns.items()})


def cells_of(columns, condition, rng):
    """Cells with effects of the condition, of every other column's levels, and of their own."""
    cells = samples_of(columns).loc[lambda table: table.index.repeat(CELLS_A_ROW)].reset_index(drop=True)
    y = 1.0 * (cells[condition] == "B") + rng.normal(size=len(cells))
    for name in columns:
        if name != condition:
            y += cells[name].map({level: rng.normal() for level in cells[name].unique()})
    return cells.assign(y=y, total_counts=1000)


@pytest.mark.parametrize("design", DESIGNS)
def test_formulas_on_samples_have_full_rank_and_leave_residual_degrees_of_freedom(design):
    columns = DESIGNS[design]
    model = written(of_columns(**columns), CONDITIONS[design])["PyDESeq2"]
    matrix = model_matrix(model.formula, samples_of(columns))
    assert np.linalg.matrix_rank(matrix) == matrix.shape[1] < matrix.shape[0]


@pytest.mark.parametrize("design", DESIGNS)
def test_pydeseq2_fits_the_call_as_it_is_written(design):
    from pydeseq2.dds import DeseqDataSet

    columns = DESIGNS[design]
    samples = samples_of(columns)
    counts = pd.DataFrame(np.random.default_rng(0).negative_binomial(5, 0.05, (len(samples), 20)))
    counts.index = samples.index = [f"s{number}" for number in range(len(samples))]
    counts.columns = [f"g{number}" for number in range(20)]
    call = written(of_columns(**columns), CONDITIONS[design])["PyDESeq2"].call
    fitted = eval(call, {"DeseqDataSet": DeseqDataSet, "counts": counts, "samples": samples})
    fitted.deseq2()
    assert np.isfinite(fitted.varm["LFC"].to_numpy()).all()


@pytest.mark.parametrize("design", DESIGNS)
def test_statsmodels_fits_the_call_as_it_is_written(design):
    import statsmodels.formula.api as smf

    columns, condition = DESIGNS[design], CONDITIONS[design]
    model = written(of_columns(**columns), condition)["statsmodels"]
    cells = cells_of(columns, condition, np.random.default_rng(1))
    *before, last = model.call.splitlines()
    names = {"smf": smf, "cells": cells}
    for line in before:
        exec(line, names)
    fitted = eval(last, names)
    matrix = fitted.model.exog
    assert np.linalg.matrix_rank(matrix) == matrix.shape[1]
    assert np.isfinite(fitted.params[f"{condition}[T.B]"])


def test_a_paired_design_is_written_as_its_textbooks_do():
    # lme4: Bates et al. 2015, a random intercept for each donor; unit below it: sample. DESeq2: ~ donor + condition.
    found = written(of_columns(**PAIRED), "stim")
    assert found["DESeq2"].formula == "~ donor + stim"
    assert found["lme4"].formula == "y ~ stim + (1 | donor) + (1 | sample)"
    assert found["statsmodels"].call == (
        "smf.mixedlm('y ~ stim', cells, groups='donor', vc_formula={'sample': '0 + C(sample)'}).fit()"
    )


def test_rows_that_are_samples_need_no_mixed_model():
    found = written(of_file("airway_bulk_8.h5ad"), "dex")
    assert set(found) == {"DESeq2", "edgeR, limma", "PyDESeq2"}
    assert {model.rows for model in found.values()} == {"rows"}


def test_numbers_that_stand_for_levels_are_said_to_be_levels(tmp_path):
    donors = np.repeat([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], CELLS_A_ROW)
    obs = {"stim": np.tile(np.repeat(["A", "B"], CELLS_A_ROW), 6), "donor": donors}
    obs["sample"] = [f"{donor}{stim}" for donor, stim in zip(donors, obs["stim"], strict=True)]
    cells = pd.DataFrame(obs, index=[f"c{number}" for number in range(len(donors))])
    path = tmp_path / "numbers.h5ad"
    anndata.AnnData(obs=cells).write_h5ad(path)
    found = written(infer_design(read_factors(path)), "stim")
    assert found["DESeq2"].formula == "~ factor(donor) + stim"
    assert found["PyDESeq2"].formula == "~ C(donor) + stim"
    assert model_matrix(found["PyDESeq2"].formula, cells).shape[1] == 1 + 5 + 1


def test_units_that_cross_are_components_of_one_group_in_statsmodels():
    terms = ModelTerms("drug", blocks=("donor", "plate"), unit=("sample",), nested=False)
    call = next(model.call for model in models(terms) if model.library == "statsmodels")
    assert call.splitlines()[0] == 'cells["all_rows"] = 1'
    assert "'donor': '0 + C(donor)', 'plate': '0 + C(plate)', 'sample': '0 + C(sample)'" in call


@pytest.mark.parametrize("name", ["donor id", "a.b", "naïve", "2nd", "if", 'quo"te', "back`tick", "C", "class", "_x"])
def test_any_column_name_is_read_as_one_name(name):
    table = pd.DataFrame({name: list("abab")})
    assert patsy.dmatrix(f"~ {python_name(name)}", table).shape == (4, 2)
    if '"' not in name:  # formulaic 1.2 has no way to name such a column
        assert model_matrix(f"~ {python_name(name)}", table).shape == (4, 2)
    quoted = r_name(name)
    assert quoted == name or quoted.startswith("`")


@pytest.mark.parametrize("name", ["if", "TRUE", "2nd", "_x", ".2x", "donor id", "NA"])
def test_names_that_r_does_not_take_are_in_backticks(name):
    # R-lang, 10.3.2: no digit, underscore, or dot and digit first; no other signs; no reserved word.
    assert r_name(name) == f"`{name}`"


@pytest.mark.parametrize("name", ["donor", "donor_id", ".x", "a.b", "T1"])
def test_names_that_r_takes_stay_as_they_are(name):
    assert r_name(name) == name


GROUPED = {
    "grp": [*"XXXXXXYYYYYY"],
    "cnd": [*"ABABABABABAB"],
    "ind": ["x1", "x1", "x2", "x2", "x3", "x3", "y1", "y1", "y2", "y2", "y3", "y3"],
    "sample": [*"abcdefghijkl"],
}


def test_individuals_nested_in_groups_are_numbered_anew_in_each():
    # DESeq2 vignette, "Group-specific condition effects, individuals nested within groups": rank 8 of 8 columns.
    inference = of_columns(**GROUPED, kinds={"grp": "treatment", "cnd": "treatment", "ind": "unit"})
    found = next(each for each in analyze_design(inference).conditions if each.advice.condition == "cnd")
    (model,) = found.in_groups
    assert model.formula == "~ grp + grp:factor(nth) + grp:cnd"
    samples = samples_of(GROUPED).assign(nth=[1, 1, 2, 2, 3, 3] * 2)
    matrix = model_matrix("~ grp + grp:C(nth) + grp:cnd", samples)
    assert np.linalg.matrix_rank(matrix) == matrix.shape[1] == 8
    assert np.linalg.matrix_rank(model_matrix("~ ind + grp * cnd", samples)) == 8  # of 9: not of full rank


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
@pytest.mark.parametrize("rows", [slice(None), slice(0, 10)], ids=["balanced", "unbalanced"])
def test_r_runs_the_call_for_groups(rows, tmp_path):
    inference = of_columns(**GROUPED, kinds={"grp": "treatment", "cnd": "treatment", "ind": "unit"})
    found = next(each for each in analyze_design(inference).conditions if each.advice.condition == "cnd")
    samples_of(GROUPED).iloc[rows].to_csv(tmp_path / "samples.csv", index=False)
    call = found.in_groups[0].call.rsplit("\n", 1)[0]
    script = f'samples <- read.csv("samples.csv")\n{call}\ncat(qr(design)$rank, ncol(design))'
    done = subprocess.run(["Rscript", "-e", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    rank, columns = map(int, done.stdout.split())
    assert rank == columns == (8 if rows == slice(None) else 7)


def test_patients_between_hospitals_and_biopsies_are_random_too():
    columns = {
        "drug": [*"A" * 12, *"B" * 12],
        "hospital": [f"h{number // 4}" for number in range(24)],
        "patient": [f"p{number // 2}" for number in range(24)],
        "biopsy": [f"b{number}" for number in range(24)],
    }
    kinds = {"drug": "treatment", "hospital": "unit", "patient": "unit", "biopsy": "unit"}
    found = written(of_columns(**columns, kinds=kinds), "drug")
    assert found["lme4"].formula == "y ~ drug + (1 | hospital) + (1 | patient) + (1 | biopsy)"
    assert "'patient': '0 + C(patient)', 'biopsy': '0 + C(biopsy)'" in found["statsmodels"].call
