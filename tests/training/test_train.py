"""Training on tiny files: what is left, what is refused on the way, and going on after a kill."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas
import pytest

from mcp_server.training.errors import TrainingError
from mcp_server.training.hardware import Hardware
from mcp_server.training.settings import TrainingRequest
from tests.h5ad.files import REPOSITORY, shared_file
from tests.training.files import QUIET, cells, needs_scvi, silent, written

pytestmark = needs_scvi

WORK = """
import sys
from pathlib import Path
from mcp_server.training.settings import TrainingRequest
from mcp_server.training.train import resume, train
tell = lambda fraction, message: print(message, flush=True)
how, path, folder, how_fast = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
asked = TrainingRequest(epochs=8, batch_key="batch", check=False, checkpoint_seconds=0.0, fast=how_fast == "fast")
resume(folder, tell) if how == "resume" else train(path, asked, folder, tell)
"""
LOAD = """
import sys, anndata, numpy, scvi
model = scvi.model.SCVI.load(sys.argv[1], adata=anndata.read_h5ad(sys.argv[2]))
numpy.save(sys.argv[3], model.get_latent_representation())
print(model.adata_manager.registry["setup_args"]["batch_key"], model.history["elbo_validation"].shape[0])
assert "edviz" not in sys.modules and "mcp_server" not in sys.modules
"""


SAME = """
import numpy
found = model.get_latent_representation()
print(numpy.allclose(found, latent.obsm["X_scVI"], atol=1e-4), model.adata.n_obs, model.adata.n_vars)
"""

PROSE_OF_KEY = r"batch \\x1b\[31m\`&lt;script&gt;alert(1) \[l\](e.vil)"


def trained(path, folder, **asked):
    from mcp_server.training.train import train

    return train(path, TrainingRequest(**QUIET | asked), folder, silent)


def latent(folder):
    return anndata.read_h5ad(folder / "latent.h5ad").obsm["X_scVI"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train once for the tests that look at what is left."""
    folder = tmp_path_factory.mktemp("run")
    path = written(cells(), folder)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    result = trained(path, folder / "scvi", batch_key="batch", check=True, seed=3)
    return path, before, result


def test_a_training_leaves_all_that_is_needed_to_use_it_and_to_do_it_again(run):
    path, before, result = run
    folder = Path(result.folder)
    assert sorted(place.name for place in folder.iterdir()) == [
        "latent.h5ad",
        "losses.csv",
        "losses.png",
        "model",
        "report.md",
        "training.json",
    ]
    record = json.loads((folder / "training.json").read_text())
    assert record["sha256"] == before == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["plan"]["settings"]["seed"] == 3
    assert {"scvi-tools", "torch", "python"} <= set(record["environment"])
    assert (folder / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert "SCVI.load" in (folder / "report.md").read_text()


def test_the_latents_carry_the_names_of_the_cells(run):
    path, _, result = run
    data, source = anndata.read_h5ad(result.latent), anndata.read_h5ad(path)
    assert data.obs_names.tolist() == source.obs_names.tolist()
    assert data.obsm["X_scVI"].shape == (200, 10)
    assert data.obs["batch"].tolist() == source.obs["batch"].tolist()


def test_cells_of_one_name_are_trained_on_and_stay_in_the_order_of_the_file(tmp_path):
    data = cells()
    data.obs_names = ["AAAC"] * 3 + ["TTTG"] * 197
    result = trained(written(data, tmp_path), tmp_path / "scvi")
    assert any(notice.startswith("200 of 200 cells have a name") for notice in result.notices)
    latents = anndata.read_h5ad(result.latent)
    assert latents.obs_names.tolist() == data.obs_names.tolist()
    assert latents.obsm["X_scVI"].shape == (200, 10)


def test_plain_scvi_tools_loads_the_model_and_finds_the_same_latents(run, tmp_path):
    path, _, result = run
    words = [sys.executable, "-c", LOAD, result.model, str(path), str(tmp_path / "latent.npy")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "batch 2"
    assert np.allclose(np.load(tmp_path / "latent.npy"), latent(Path(result.folder)), atol=1e-5)


def a_file_of_which_much_is_left_out(folder):
    """Cells without counts, without a batch and of one name, features that are no genes, counts in a layer."""
    data = cells()
    data.layers["umis"] = data.X.copy()
    data.layers["umis"][[3, 7]] = 0
    data.X = np.log1p(data.X.toarray())
    data.obs_names = ["AAAC"] * 20 + ["TTTG"] * 180
    data.obs["donor"] = pandas.Categorical([None] * 60 + [f"d{number % 2}" for number in range(140)])
    data.var["feature_types"] = ["Gene Expression"] * 25 + ["Antibody Capture"] * 5
    return written(data, folder)


@pytest.fixture(params=["as it is", "raw", "cells left out", "much left out"])
def use(request, tmp_path):
    """Return a file to train on, and what is asked for."""
    if request.param == "raw":
        return shared_file("htan_exemplar_breast_liver_met.h5ad"), {}
    if request.param == "much left out":
        return a_file_of_which_much_is_left_out(tmp_path), {"batch_key": "donor", "force": True}
    data = cells()
    if request.param == "cells left out":
        data.X[3] = 0
    return written(data, tmp_path), {"batch_key": "batch"}


def test_the_program_in_the_report_runs_as_it_stands(use, tmp_path):
    path, asked = use
    result = trained(path, tmp_path / "scvi", **asked)
    (program,) = re.findall(r"```python\n(.*?)```", Path(result.report).read_text(), re.DOTALL)
    assert str(path.resolve()) in program
    done = subprocess.run([sys.executable, "-c", program + SAME], cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"True {result.n_cells} {result.n_genes}"


def test_the_losses_are_written_for_every_epoch_with_the_weight_of_the_divergence(run):
    losses = pandas.read_csv(Path(run[2].folder) / "losses.csv")
    assert losses["epoch"].tolist() == [0, 1]
    # As long as the training: half the epochs, half the weight.
    assert losses["kl_weight"].tolist() == [0.0, 0.5]
    assert np.isfinite(losses.to_numpy()).all()


def test_integration_is_checked_with_and_without_the_key_in_words(run):
    check = run[2].check
    assert (check.key, check.label, check.n_cells) == ("batch", "cell_type", 200)
    assert 0 <= check.with_key.batch_mixing <= 1
    assert any("with the key" in sentence for sentence in check.words)
    assert check.words[0] in (Path(run[2].folder) / "report.md").read_text()
    assert "X_scVI_other_key" in anndata.read_h5ad(run[2].latent).obsm


def test_neighbours_of_the_own_batch_are_those_that_scikit_learn_finds_in_the_latents(tmp_path):
    from sklearn.neighbors import NearestNeighbors

    path = shared_file("lung_lca_3donors_2methods.h5ad")
    result = trained(path, tmp_path / "scvi", batch_key="method", check=True, epochs=10)
    data = anndata.read_h5ad(result.latent)
    methods = data.obs["method"].to_numpy()
    by_chance = (data.obs["method"].value_counts(normalize=True) ** 2).sum()
    for scores, name in ((result.check.with_key, "X_scVI"), (result.check.without_key, "X_scVI_other_key")):
        nearest = NearestNeighbors(n_neighbors=30).fit(data.obsm[name]).kneighbors(return_distance=False)
        share = (methods[nearest] == methods[:, None]).mean()
        assert scores.own_batch.share == pytest.approx(share, abs=1e-4)
        assert scores.own_batch.chance == pytest.approx(by_chance, abs=1e-4)
        assert f"{share:.0%}" in result.check.words[0]
    assert f"{by_chance:.0%} by chance" in result.check.words[0]
    assert result.check.words[0] in Path(result.report).read_text()


@pytest.mark.parametrize("how_fast", ["fast", "by scvi-tools"])
def test_a_training_that_is_killed_goes_on_to_the_same_result(how_fast, tmp_path):
    path = written(cells(), tmp_path)
    # With one thread sums are made in one order, so that results are equal to the last bit.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

    def start(how, name):
        words = [sys.executable, "-c", WORK, how, str(path), str(tmp_path / name), how_fast]
        return subprocess.Popen(
            words, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    killed = start("train", "killed")
    for line in killed.stdout:
        if line.startswith("epoch 5 of 8"):
            os.kill(killed.pid, signal.SIGKILL)
            break
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    for how, name in (("resume", "killed"), ("train", "whole")):
        process = start(how, name)
        process.communicate()
        assert process.returncode == 0
    assert (latent(tmp_path / "killed") == latent(tmp_path / "whole")).all()
    columns = ["epoch", "kl_weight", "elbo_train", "elbo_validation"]
    losses = [pandas.read_csv(tmp_path / name / "losses.csv")[columns] for name in ("killed", "whole")]
    pandas.testing.assert_frame_equal(*losses, check_exact=True)


def test_a_file_that_has_changed_is_not_gone_on_with(tmp_path):
    from mcp_server.training.plan import plan_training
    from mcp_server.training.record import Started, environment, write_started
    from mcp_server.training.resuming import unfinished
    from mcp_server.training.train import resume

    path = written(cells(), tmp_path)
    place = unfinished(tmp_path / "scvi")
    place.mkdir()
    write_started(place, Started(str(path), "0" * 64, TrainingRequest(), plan_training(path), environment()))
    with pytest.raises(TrainingError, match="has changed since the training was begun"):
        resume(tmp_path / "scvi", silent)


def test_one_seed_makes_one_result_and_another_one_another(tmp_path):
    path = written(cells(), tmp_path)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        trained(path, tmp_path / name, seed=seed, threads=2)
    a, b, c = (latent(tmp_path / name) for name in "abc")
    assert (a == b).all()
    assert not np.allclose(a, c, atol=1e-2)


def test_a_last_minibatch_of_one_cell_does_no_harm(tmp_path):
    # Of 143 cells 129 are trained on: one minibatch of 128, and one more cell.
    result = trained(written(cells(143), tmp_path), tmp_path / "scvi", batch_size=128)
    assert np.isfinite(result.train_elbo)


def test_cells_without_a_batch_become_a_level_of_their_own_when_forced(tmp_path):
    donor = pandas.Categorical([None] * 60 + [f"d{number % 2}" for number in range(140)])
    result = trained(written(cells(donor=donor), tmp_path), tmp_path / "scvi", batch_key="donor", force=True)
    levels = anndata.read_h5ad(result.latent).obs["donor"]
    assert levels.value_counts().to_dict() == {"d0": 70, "d1": 70, "missing": 60}
    assert json.loads((tmp_path / "scvi" / "training.json").read_text())["plan"]["forced"] is True


def test_cells_without_counts_and_features_that_are_no_genes_are_not_trained_on(tmp_path):
    data = cells()
    data.X[3] = 0
    data.var["feature_types"] = ["Gene Expression"] * 25 + ["Antibody Capture"] * 5
    result = trained(written(data, tmp_path), tmp_path / "scvi")
    assert (result.n_cells, result.n_genes) == (199, 25)
    assert "cell3" not in anndata.read_h5ad(result.latent).obs_names


@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
def test_counts_in_a_layer_are_trained_on_in_every_form(form, tmp_path):
    from scipy import sparse

    from mcp_server.training.reading import read_cells

    data = cells()
    forms = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "dense": lambda each: each.toarray()}
    data.layers["counts"] = forms[form](data.X)
    data.X = np.log1p(data.X.toarray())
    path = written(data, tmp_path)
    read = read_cells(path, "layers/counts", ["batch"])
    assert read.layer == "counts"
    assert (read.data.layers["counts"].toarray() == anndata.read_h5ad(path).layers["counts"]).all()


def test_counts_in_raw_are_those_of_the_file():
    from mcp_server.training.reading import read_cells

    path = shared_file("htan_exemplar_breast_liver_met.h5ad")
    read, raw = read_cells(path, "raw/X"), anndata.read_h5ad(path).raw
    assert (read.data.X != raw.X).nnz == 0
    assert read.data.var_names.tolist() == raw.var_names.tolist()


def test_names_that_could_act_on_a_reader_are_trained_with_and_shown_as_written(tmp_path):
    from mcp_server.training.train import train

    key = "batch \x1b[31m`<script>alert(1) [l](e.vil)"
    shown = key.replace("\x1b", "\\x1b")
    data = cells()
    data.obs = data.obs.rename(columns={"batch": key})
    path, said = written(data, tmp_path), []
    asked = TrainingRequest(epochs=1, batch_key=shown, check=True)
    result = train(path, asked, tmp_path / "scvi", lambda fraction, message: said.append(message))
    assert said[:5] == ["planning", "hashing the file", "reading the counts", "starting", "the first epoch"]
    assert anndata.read_h5ad(result.latent).obs[shown].tolist() == data.obs[key].tolist()
    text, program = Path(result.report).read_text().split("```python\n")
    assert f"- Integrated out: ``{shown}`` (" in text
    assert f"- {PROSE_OF_KEY}" in text
    unmarked = re.sub(r"``.*?``", "", text)
    assert not re.search(r"<script|(?<!\\)\]\(e", unmarked)
    done = subprocess.run([sys.executable, "-c", program.replace("```", "")], cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_trained_on_leaves_nothing(tmp_path):
    data = cells()
    data.X = np.log1p(data.X.toarray())
    with pytest.raises(TrainingError, match="no matrix holds raw counts"):
        trained(written(data, tmp_path), tmp_path / "scvi")
    assert [place.name for place in tmp_path.iterdir()] == ["cells.h5ad"]


def test_a_folder_that_is_there_is_not_written_into(tmp_path):
    path = written(cells(), tmp_path)
    (tmp_path / "scvi").mkdir()
    with pytest.raises(TrainingError, match="is there already"):
        trained(path, tmp_path / "scvi")
    (tmp_path / "other.unfinished").mkdir()
    with pytest.raises(TrainingError, match="was begun and not ended"):
        trained(path, tmp_path / "other")


def test_a_training_ends_when_the_held_out_loss_falls_no_more(tmp_path):
    result = trained(written(cells(100), tmp_path), tmp_path / "scvi", epochs=150, learning_rate=0.05)
    assert result.stopped_early
    losses = pandas.read_csv(tmp_path / "scvi" / "losses.csv")["elbo_validation"]
    # A tenth of the epochs after the best one.
    assert losses.idxmin() == len(losses) - 1 - 15


def test_a_model_that_learns_cells_by_heart_is_said_with_the_epochs_that_are_enough():
    from mcp_server.training.results import about_end

    rows = [{"kl_weight": 0.1, "elbo_validation": loss} for loss in (100.0, 90.0, 95.0, 99.0)]
    (said,) = about_end(rows)
    assert "lowest in epoch 2 (90.0) and rose to 99.0" in said
    assert "with 2 epochs" in said
    (early,) = about_end(rows[:2])
    assert "had reached 0.10 of 1" in early
    assert list(about_end([{"kl_weight": 0.9, "elbo_validation": 90.0}])) == []


def test_a_held_out_loss_far_above_that_of_training_after_few_steps_is_said_with_both(tmp_path):
    path = shared_file("h1_vcc_perturbseq_600.h5ad")
    result = trained(path, tmp_path / "scvi", epochs=1)
    losses = pandas.read_csv(tmp_path / "scvi" / "losses.csv").iloc[-1]
    # Of 600 cells 540 are trained on, in minibatches of 128.
    numbers = f"({losses['elbo_validation']:,.1f}) is far above that of training ({losses['elbo_train']:,.1f}) after 5"
    assert losses["elbo_validation"] > 2 * losses["elbo_train"]
    (said,) = [notice for notice in result.notices if "batch normalisation has not settled" in notice]
    assert numbers in said
    assert said in (tmp_path / "scvi" / "report.md").read_text()


@pytest.mark.parametrize(
    ("last", "steps"),
    [
        ({"elbo_train": 100.0, "elbo_validation": 130.0}, 10),
        ({"elbo_train": 100.0, "elbo_validation": 900.0}, 4_000),
        ({"elbo_train": 100.0}, 10),
    ],
)
def test_losses_that_are_close_or_had_time_to_settle_are_no_news(last, steps):
    from mcp_server.training.results import about_settling

    assert list(about_settling(last, steps)) == []


def test_a_device_that_is_not_there_is_replaced_by_the_processor_and_its_settings(tmp_path, monkeypatch):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    path = written(cells(), tmp_path)
    asked = trained(path, tmp_path / "asked", accelerator="cuda")
    # A driver without a torch that knows it looks like a device, too.
    seen = Hardware("cuda", 2, 0.0, 2, None)
    monkeypatch.setattr("mcp_server.training.train.look_at_hardware", lambda: seen)
    chosen = trained(path, tmp_path / "chosen")
    given = trained(path, tmp_path / "given", batch_size=64)
    for result, words, batch_size in (
        (asked, "there seems to be no cuda device here; the processor trains", 128),
        (chosen, "torch finds no cuda device here; the processor trains", 128),
        (given, "torch finds no cuda device here; the processor trains", 64),
    ):
        assert result.device == "cpu"
        assert len([notice for notice in result.notices if words in notice]) == 1
        settings = json.loads((Path(result.folder) / "training.json").read_text())["plan"]["settings"]
        assert (settings["accelerator"], settings["batch_size"]) == ("cpu", batch_size)


def test_checkpoints_are_read_as_data(tmp_path):
    import torch

    from mcp_server.training.running import CarefulTrainer

    class Harm:
        def __reduce__(self):
            return os.system, ("true",)

    torch.save({"harm": Harm()}, tmp_path / "checkpoint.ckpt")
    trainer = CarefulTrainer(max_epochs=1, accelerator="cpu", devices=1, logger=False, enable_progress_bar=False)
    from lightning.pytorch.demos.boring_classes import BoringModel

    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        trainer.fit(BoringModel(), ckpt_path=str(tmp_path / "checkpoint.ckpt"))
