"""Calls as they are written for R are run by R: each fits data of its design and finds the effect that was put in."""

import shutil
import subprocess

import numpy as np
import pytest

from tests.advice.cases import of_columns
from tests.advice.test_models import CONDITIONS, DESIGNS, cells_of, samples_of, written

N_GENES, CHANGED = 200, 20
FOLD = 8
"""Of the first genes in level B; log2 is 3."""

SAMPLES = {
    "DESeq2": """
fitted <- DESeq({call}, quiet = TRUE)
effects <- results(fitted, name = "{condition}_B_vs_A")$log2FoldChange
""",
    "edgeR, limma": """
design <- {call}
y <- calcNormFactors(DGEList(counts))
y <- estimateDisp(y, design)
effects <- glmQLFTest(glmQLFit(y, design), coef = "{condition}B")$table$logFC
""",
}
OBSERVATIONS = {
    "lme4": """
fitted <- {call}
effects <- fixef(fitted)[["{condition}B"]]
""",
    "glmmTMB": """
fitted <- {call}
effects <- fixef(fitted)$cond[["{condition}B"]]
""",
}


def packages_in_r(*names):
    """Whether R is there with these packages."""
    if shutil.which("Rscript") is None:
        return False
    asked = " && ".join(f"requireNamespace('{name}', quietly = TRUE)" for name in names)
    done = subprocess.run(["Rscript", "-e", f"quit(status = if ({asked}) 0 else 1)"], capture_output=True, check=False)
    return done.returncode == 0


def run_in_r(packages, body, folder):
    loaded = "\n".join(f"suppressMessages(library({name}))" for name in packages)
    script = f"{loaded}\n{body}\ncat(effects)"
    done = subprocess.run(["Rscript", "-e", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.array([float(effect) for effect in done.stdout.split()])


@pytest.mark.skipif(not packages_in_r("DESeq2", "edgeR", "limma"), reason="R has no DESeq2, edgeR and limma")
@pytest.mark.parametrize("library", SAMPLES)
@pytest.mark.parametrize("design", DESIGNS)
def test_r_fits_the_call_on_samples_as_it_is_written(design, library, tmp_path):
    condition, samples = CONDITIONS[design], samples_of(DESIGNS[design])
    means = np.full((N_GENES, len(samples)), 100.0)
    means[:CHANGED, (samples[condition] == "B").to_numpy()] *= FOLD
    counts = np.random.default_rng(0).negative_binomial(20, 20 / (20 + means))
    np.savetxt(tmp_path / "counts.csv", counts, delimiter=",", fmt="%d")
    samples.to_csv(tmp_path / "samples.csv", index=False)
    read = (
        'counts <- as.matrix(read.csv("counts.csv", header = FALSE))\n'
        'samples <- read.csv("samples.csv", colClasses = "factor")\n'
    )
    call = written(of_columns(**DESIGNS[design]), condition)[library].call
    body = read + SAMPLES[library].format(call=call, condition=condition)
    effects = run_in_r(library.split(", "), body, tmp_path)
    assert abs(np.median(effects[:CHANGED]) - np.median(effects[CHANGED:]) - np.log2(FOLD)) < 0.3


@pytest.mark.skipif(not packages_in_r("lme4", "glmmTMB"), reason="R has no lme4 and glmmTMB")
@pytest.mark.parametrize("library", OBSERVATIONS)
@pytest.mark.parametrize("design", DESIGNS)
def test_r_fits_the_call_on_observations_as_it_is_written(design, library, tmp_path):
    condition = CONDITIONS[design]
    rng = np.random.default_rng(1)
    cells = cells_of(DESIGNS[design], condition, rng)
    effect = cells[condition] == "B"
    if library == "glmmTMB":
        cells["y"] = rng.negative_binomial(5, 5 / (5 + 10 * np.exp(1.0 * effect)))
    expected = cells["y"][effect].mean() - cells["y"][~effect].mean()
    if library == "glmmTMB":
        expected = np.log(cells["y"][effect].mean() / cells["y"][~effect].mean())
    cells.to_csv(tmp_path / "cells.csv", index=False)
    classes = ", ".join(f"{name} = 'factor'" for name in DESIGNS[design])
    read = f'cells <- read.csv("cells.csv", colClasses = c({classes}))\n'
    call = written(of_columns(**DESIGNS[design]), condition)[library].call
    (found,) = run_in_r([library], read + OBSERVATIONS[library].format(call=call, condition=condition), tmp_path)
    # The designs are balanced, so that the difference of the means is the estimate.
    assert found == pytest.approx(expected, abs=0.05)
