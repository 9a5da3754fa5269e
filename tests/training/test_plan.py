"""What is said before a training: every thing that users trip over has its sentence."""

import gzip

import anndata
import numpy as np
import pandas
import pytest
from scipy import sparse

from edviz.errors import DesignError, H5adError
from mcp_server.training.errors import TrainingError
from mcp_server.training.estimates import estimate
from mcp_server.training.hardware import Hardware, threads_for
from mcp_server.training.plan import plan_training
from mcp_server.training.settings import TrainingRequest, settings_for
from tests.h5ad.files import shared_file
from tests.scripts.running import run
from tests.training.files import cells, counts, written

REFUSED = {
    "airway_bulk_8": "few_cells",
    "anndatar_example_nullable_csc": "few_cells",
    "krumsiek11_nullable": "no_counts",
    "pancreas_4datasets_obs_only": "no_counts",
    "pbmc68k_reduced_compound_obs": "no_counts",
}
TRAINED = {
    "lung_lca_3donors_2methods": ("X", "method"),
    "kang_pbmc_stim_ctrl_14039": ("X", None),
    "wu2020_tcells_200_v0_6": ("X", None),
    "h1_vcc_perturbseq_600": ("X", None),
    "htan_exemplar_breast_liver_met": ("raw/X", None),
    "merfish_retina_113k": ("X", "sample_id"),
}


def ids(plan):
    return [problem.id for problem in plan.problems]


def planned(data, folder, **asked):
    return plan_training(written(data, folder), TrainingRequest(**asked))


@pytest.mark.parametrize(("name", "problem"), REFUSED.items())
def test_files_without_counts_of_cells_are_refused_with_a_remedy(name, problem):
    plan = plan_training(shared_file(f"{name}.h5ad"))
    assert ids(plan) == [problem]
    assert not plan.can_train
    assert plan.problems[0].remedy


@pytest.mark.parametrize(("name", "expected"), TRAINED.items())
def test_counts_are_found_and_the_batch_key_is_what_the_design_allows(name, expected):
    plan = plan_training(shared_file(f"{name}.h5ad"))
    assert plan.can_train
    assert (plan.counts.location, plan.batch_key) == expected


def test_a_batch_that_is_the_condition_is_refused_unless_forced():
    path = shared_file("kang_pbmc_stim_ctrl_14039.h5ad")
    refused = plan_training(path, TrainingRequest(batch_key="batch"))
    assert (ids(refused), refused.can_train) == (["condition_removed"], False)
    assert "read like the conditions" in refused.problems[0].text
    forced = plan_training(path, TrainingRequest(batch_key="batch", force=True))
    assert (ids(forced), forced.can_train, forced.forced) == (["condition_removed"], True, True)
    assert any("sample is not integrated out" in notice for notice in plan_training(path).notices)


def test_what_integration_would_remove_is_counted():
    path = shared_file("wu2020_tcells_200_v0_6.h5ad")
    plan = plan_training(path, TrainingRequest(batch_key="sample", force=True))
    assert plan.lost["source"] == [2, 2] or plan.lost["source"] == (2, 2)
    assert any("sample is integrated out with care" in notice for notice in plan.notices)


def test_a_condition_itself_is_no_batch():
    plan = plan_training(shared_file("h1_vcc_perturbseq_600.h5ad"), TrainingRequest(batch_key="target_gene"))
    assert "condition_removed" in ids(plan)


def test_too_many_batches_are_refused_and_not_chosen():
    path = shared_file("h1_vcc_perturbseq_600.h5ad")
    assert "batch: 48 levels" in plan_training(path).batch_reason
    assert ids(plan_training(path, TrainingRequest(batch_key="batch"))) == ["too_many_batches"]


def test_barcodes_are_no_batches(tmp_path):
    plan = planned(cells(barcode=[f"AC{number}" for number in range(200)]), tmp_path, batch_key="barcode")
    assert "too_many_batches" in ids(plan)


def test_measurements_are_no_batches(tmp_path):
    plan = planned(cells(score=np.random.default_rng(0).normal(size=200)), tmp_path, batch_key="score", force=True)
    assert "continuous_batch" in ids(plan)
    assert not plan.can_train


def test_cells_without_a_batch_are_refused_unless_forced(tmp_path):
    donor = pandas.Categorical([None, *(f"d{number % 2}" for number in range(1, 200))])
    plan = planned(cells(donor=donor), tmp_path, batch_key="donor")
    assert "missing_batches" in ids(plan)
    assert "1 cell has" in plan.problems[ids(plan).index("missing_batches")].text
    assert planned(cells(donor=donor), tmp_path, batch_key="donor", force=True).can_train


@pytest.mark.parametrize("covariate", ["donor", "site"])
def test_one_partition_is_not_integrated_twice(covariate, tmp_path):
    donor = [f"d{number % 2}" for number in range(200)]
    data = cells(donor=donor, site=[name.replace("d", "s") for name in donor])
    plan = planned(data, tmp_path, batch_key="donor", covariates=(covariate,))
    assert "same_columns" in ids(plan)
    assert not plan.can_train


def test_a_handful_of_genes_is_nothing_to_learn_from(tmp_path):
    assert "few_genes" in ids(planned(cells(n_genes=1), tmp_path))
    assert "few_genes" not in ids(planned(cells(n_genes=10), tmp_path))


def test_what_force_cannot_overrule_is_not_called_overruled(tmp_path):
    plan = planned(cells(n_genes=1), tmp_path, force=True)
    assert (plan.can_train, plan.forced) == (False, False)


def test_one_level_is_nothing_to_integrate(tmp_path):
    assert "one_batch" in ids(planned(cells(site=["a"] * 200), tmp_path, batch_key="site"))


def test_normalised_values_are_refused_and_the_counts_beside_them_are_named(tmp_path):
    data = cells()
    data.layers["counts"] = data.X.copy()
    data.X = np.log1p(data.X.toarray())
    assert planned(data, tmp_path).counts.location == "layers/counts"
    plan = planned(data, tmp_path, layer="X")
    assert ids(plan) == ["fractional_values"]
    assert "layers/counts" in plan.problems[0].remedy


def test_a_few_negative_values_that_a_sample_would_miss_are_found_and_their_cells_named(tmp_path):
    values = counts(20_000, 40)
    values[15_001, 3] = -1
    obs = pandas.DataFrame({"batch": ["a", "b"] * 10_000}, index=[f"c{row}" for row in range(20_000)])
    plan = planned(anndata.AnnData(X=sparse.csr_matrix(values), obs=obs), tmp_path, layer="X")
    assert ids(plan) == ["negative_values"]
    assert "c15001" in plan.problems[0].text


def test_values_that_are_no_numbers_are_refused(tmp_path):
    data = cells()
    data.X[5, 0] = np.nan
    assert "missing_values" in ids(planned(data, tmp_path, layer="X"))


def test_genes_of_one_name_are_refused(tmp_path):
    data = cells()
    data.var_names = ["ACTB", "ACTB", *data.var_names[2:]]
    plan = planned(data, tmp_path)
    assert ids(plan) == ["duplicate_genes"]
    assert "ACTB" in plan.problems[0].text


def test_antibodies_beside_genes_are_left_out_and_it_is_said(tmp_path):
    data = cells()
    data.var["feature_types"] = ["Gene Expression"] * 25 + ["Antibody Capture"] * 5
    plan = planned(data, tmp_path)
    assert (plan.can_train, plan.n_genes) == (True, 25)
    assert "5 Antibody Capture are no genes and are left out" in plan.notices
    data.var["feature_types"] = "Antibody Capture"
    assert ids(planned(data, tmp_path)) == ["only_other_features"]


def test_cells_without_counts_are_left_out_and_it_is_said(tmp_path):
    data = cells()
    data.X[3] = 0
    plan = planned(data, tmp_path)
    assert plan.n_cells == 199
    assert "1 of 200 cells have no counts and are left out" in plan.notices


def test_columns_stored_first_are_said(tmp_path):
    data = cells()
    data.X = sparse.csc_matrix(data.X)
    assert any("CSC" in notice for notice in planned(data, tmp_path).notices)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"batch_key": "donr"}, DesignError, "no column 'donr' in obs"),
        ({"layer": "none"}, H5adError, "has no matrix layers/none"),
    ],
)
def test_what_is_not_there_is_one_sentence(asked, error, words, tmp_path):
    with pytest.raises(error, match=words):
        planned(cells(), tmp_path, **asked)


def test_an_address_is_to_be_downloaded_first():
    with pytest.raises(TrainingError, match="download the file first"):
        plan_training("https://example.org/cells.h5ad")


@pytest.mark.parametrize(
    "words",
    [
        ["plan_training", "GSE123456"],
        ["plan_training", "gsm99/cells.h5ad"],
        ["train_scvi", "GSE123456"],
        ["embed_cells", "scvi", "GSE123456"],
    ],
)
def test_an_accession_is_to_be_downloaded_first(words, tmp_path):
    done = run(*words, cwd=tmp_path, COLUMNS="1000")
    accession = words[-1].partition("/")[0].upper()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{words[-1]} is of GEO and not on this machine: download it first" in done.stderr
    assert f"scripts/download_geo.py {accession}" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["plan_training"], ["train_scvi"]])
def test_a_compressed_file_is_to_be_unpacked_first(words, tmp_path):
    packed = tmp_path / "cells.h5ad.gz"
    packed.write_bytes(gzip.compress(written(cells(), tmp_path).read_bytes()))
    done = run(*words, packed, cwd=tmp_path, COLUMNS="1000")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is compressed, and training reads it again and again: unpack it first (gunzip -k)" in done.stderr
    assert sorted(place.name for place in tmp_path.iterdir()) == ["cells.h5ad", "cells.h5ad.gz"]


def test_a_file_that_was_downloaded_is_a_file(tmp_path):
    (tmp_path / "GSE123456").mkdir()
    written(cells(), tmp_path / "GSE123456")
    assert run("plan_training", "GSE123456/cells.h5ad", cwd=tmp_path).returncode == 0
    done = run("plan_training", "GSE123456", cwd=tmp_path)
    assert "GSE123456 is a folder; name an .h5ad file in it" in done.stderr


@pytest.mark.parametrize(
    "asked", [{"n_latent": 0}, {"epochs": 0}, {"batch_size": 1}, {"learning_rate": 2.0}, {"seed": -1}]
)
def test_settings_that_make_no_sense_are_refused(asked):
    with pytest.raises(TrainingError):
        TrainingRequest(**asked)


def test_the_weight_of_the_divergence_grows_over_the_whole_training_however_short():
    machine = Hardware("cpu", 8, 0.0, 8, None)
    for n_cells, epochs in ((1_000, None), (100_000, None), (1_000, 7)):
        settings = settings_for(TrainingRequest(epochs=epochs), n_cells, machine)
        assert settings.kl_warmup_epochs == settings.epochs


def test_a_gpu_gets_larger_minibatches():
    machine = Hardware("cuda", 8, 0.0, 8, None)
    assert settings_for(TrainingRequest(), 10_000, machine).batch_size == 512
    assert settings_for(TrainingRequest(accelerator="cpu"), 10_000, machine).batch_size == 128


def test_a_device_that_seems_to_be_missing_gets_the_settings_of_the_processor_unless_they_are_given(monkeypatch):
    machine = Hardware("cpu", 8, 0.0, 8, None)
    monkeypatch.setattr("mcp_server.training.plan.look_at_hardware", lambda: machine)
    path = shared_file("lung_lca_3donors_2methods.h5ad")
    plan = plan_training(path, TrainingRequest(accelerator="cuda"))
    assert plan.settings == plan_training(path, TrainingRequest(accelerator="cpu")).settings
    assert plan.settings.batch_size == 128
    assert plan.estimate.seconds is not None
    assert any("no cuda device here" in notice for notice in plan.notices)
    assert plan_training(path, TrainingRequest(accelerator="cuda", batch_size=512)).settings.batch_size == 512


def test_memory_that_is_not_there_is_found_out_before():
    machine = Hardware("cpu", 8, 0.0, 8, 2 << 30)
    settings = settings_for(TrainingRequest(), 5_000_000, machine)
    needed = estimate(settings, machine, n_cells=5_000_000, n_genes=30_000, n_counts=10_000_000_000)
    # A value and its column are eight bytes.
    assert needed.memory_mb > 8 * 10_000_000_000 / 2**20
    assert not needed.fits


def test_planning_writes_nothing(tmp_path):
    path = written(cells(), tmp_path)
    before = path.read_bytes()
    path.chmod(0o444)
    plan_training(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_cells_of_one_name_are_counted_and_said(tmp_path):
    data = cells()
    data.obs_names = ["AAAC", "AAAC", "AAAC", *data.obs_names[3:-1], "cell5"]
    expected = int(pandas.Index(data.obs_names).duplicated(keep=False).sum())
    plan = planned(data, tmp_path)
    assert plan.can_train
    assert plan.counts.n_namesakes == expected == 5
    (said,) = [notice for notice in plan.notices if "name that another cell has" in notice]
    assert said.startswith("5 of 200 cells have")
    assert "told apart by their number" in said


DAMAGED = {-1.0: "negative_values", 0.5: "fractional_values", np.nan: "missing_values", np.inf: "missing_values"}


@pytest.mark.parametrize(("value", "problem"), DAMAGED.items())
@pytest.mark.parametrize("form", [sparse.csr_matrix, np.asarray])
def test_counts_with_a_few_damaged_cells_are_not_called_no_counts(value, problem, form, tmp_path):
    data = cells()
    values = data.X.toarray()
    values[17, 3], values[90, 4] = value, value
    data.X = form(values)
    plan = planned(data, tmp_path)
    assert ids(plan) == [problem]
    assert not plan.can_train
    said = plan.problems[0]
    assert "X holds" in said.text
    assert said.text.endswith("in 2 cells: cell17, cell90")
    assert "leave them out in a copy of the file" in said.remedy


def test_where_a_layer_holds_damaged_counts_beside_normalised_values_the_layer_is_named(tmp_path):
    data = cells()
    data.layers["counts"] = data.X.copy()
    data.layers["counts"][17, 0] = -2
    data.X = np.log1p(data.X.toarray())
    plan = planned(data, tmp_path)
    assert ids(plan) == ["negative_values"]
    assert plan.problems[0].text == "layers/counts holds negative values in 1 cell: cell17"


def test_damaged_cells_of_a_real_file_are_named(tmp_path):
    data = anndata.read_h5ad(shared_file("lung_lca_3donors_2methods.h5ad"))
    damaged = data.obs_names[[3, 500]]
    data.X[[3, 500], 10] = -7.5
    plan = planned(data, tmp_path)
    assert ids(plan) == ["fractional_values", "negative_values"]
    for problem in plan.problems:
        assert problem.text.endswith(f"in 2 cells: {damaged[0]}, {damaged[1]}")


def test_a_matrix_that_the_file_offers_instead_is_another_one(tmp_path):
    data = cells()
    data.X[150:155] = 0.5
    data.layers["counts"] = cells().X.copy()
    plan = planned(data, tmp_path, layer="X")
    assert "train on layers/counts, which seems to hold counts" in plan.problems[0].remedy
    del data.layers["counts"]
    assert "train on" not in planned(data, tmp_path, layer="X").problems[0].remedy


def test_counts_that_floats_of_4_bytes_round_are_said(tmp_path):
    data = cells()
    assert np.float32(2**24) + np.float32(1) == np.float32(2**24)
    for largest, n_said in ((2**24, 0), (2**24 + 2, 1)):
        data.X[3, 3] = largest
        said = [notice for notice in planned(data, tmp_path).notices if "rounded" in notice]
        assert len(said) == n_said
    assert "the largest count is 16,777,218;" in said[0]


def test_raw_is_a_layer_of_that_name_before_it_is_what_anndata_calls_raw(tmp_path):
    data = cells()
    data.raw = data.copy()
    assert planned(data, tmp_path, layer="raw").counts.location == "raw/X"
    data.layers["raw"] = data.X.copy()
    data.X = np.log1p(data.X.toarray())
    assert planned(data, tmp_path, layer="raw").counts.location == "layers/raw"
    assert planned(data, tmp_path, layer="raw/X").counts.location == "raw/X"


@pytest.mark.parametrize(
    ("n_cells", "said"), [(1, "there is 1 cell with counts"), (7, "there are 7 cells with counts")]
)
def test_numbers_and_their_words_agree(n_cells, said, tmp_path):
    (problem,) = [each for each in planned(cells(n_cells), tmp_path).problems if each.id == "few_cells"]
    assert problem.text.startswith(said)


@pytest.mark.parametrize(
    ("cores", "load", "said"),
    [
        (16, 0.1, None),
        (16, 4.0, "12 of 16 processors are free, so 8 threads are used"),
        (2, 5.0, "0 of 2 processors are free, so 1 thread is used"),
    ],
)
def test_processors_are_spoken_of_where_not_all_are_free(cores, load, said, tmp_path, monkeypatch):
    machine = Hardware("cpu", cores, load, threads_for(cores, load), None)
    monkeypatch.setattr("mcp_server.training.plan.look_at_hardware", lambda: machine)
    notices = [notice for notice in planned(cells(), tmp_path).notices if "processors" in notice]
    assert notices == ([] if said is None else [said])


def test_threads_that_are_asked_for_are_taken_however_many_are_free(tmp_path):
    machine = Hardware("cpu", 4, 4.0, 1, None)
    plan = plan_training(written(cells(), tmp_path), TrainingRequest(threads=3), hardware=machine)
    assert plan.settings.threads == 3
    assert not [notice for notice in plan.notices if "processors" in notice]
    with pytest.raises(TrainingError, match="threads, not 0"):
        TrainingRequest(threads=0)


def test_a_plan_that_refuses_speaks_of_no_training(tmp_path):
    data = cells()
    data.X = np.log1p(data.X.toarray())
    refused = run("plan_training", written(data, tmp_path), COLUMNS="1000")
    assert refused.returncode == 1
    assert "cannot be trained on" in refused.stdout
    for word in ("settings", "time ", "memory", "device", "epochs", "processors", "second training"):
        assert word not in refused.stdout
    assert "settings" in run("plan_training", written(cells(), tmp_path)).stdout
