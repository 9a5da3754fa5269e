"""Every script on real files, as a person and as a program see it."""

import json
import re
from pathlib import Path

import pytest

from edviz.diagram.width import display_width
from tests.h5ad.files import REAL_FILES
from tests.scripts.running import NAMES, SCRIPTS, run, run_json

READERS = ("inspect_h5ad", "list_factors", "infer_design", "analyze_design")
REFUSED = {
    "edge/git_lfs_pointer.h5ad": "LFS",
    "edge/pandas_hdfstore.h5ad": "HDFStore",
    "encodings/not-h5ad_loompy.loom": "loom",
    "encodings/not-h5ad_seuratdisk.h5Seurat": "Seurat",
}


@pytest.mark.parametrize("name", [*READERS, "render_design"])
def test_every_script_reads_the_shipped_file(name: str, shipped: Path) -> None:
    done = run(name, shipped)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize("file", REAL_FILES)
@pytest.mark.parametrize("name", READERS)
def test_pages_fit_into_80_columns_and_hold_no_escapes(name: str, file: str, shared: Path) -> None:
    done = run(name, shared / file)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [line for line in done.stdout.splitlines() if display_width(line) > 80 or line != line.rstrip()]
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("file", ["lung_lca_3donors_2methods.h5ad", "encodings/anndata-0.13.4_odd_columns.h5ad"])
@pytest.mark.parametrize("name", NAMES)
def test_ascii_pages_are_ascii(name: str, file: str, shared: Path, tmp_path: Path) -> None:
    asked = run(name, shared / file, "--ascii", cwd=tmp_path)
    # A file of few cells is refused by a plan, whose page is printed all the same.
    assert (asked.returncode, asked.stderr) == (int(name == "plan_training" and "odd" in file), "")
    assert asked.stdout.isascii()
    needed = run(name, shared / file, cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    free_memory = r"[\d,]+ MB that are free"
    assert re.sub(free_memory, "", needed.stdout) == re.sub(free_memory, "", asked.stdout)


@pytest.mark.parametrize("width", ["20", "40", "60", "200"])
def test_pages_follow_the_width_of_the_terminal(width: str, shipped: Path) -> None:
    lines = [line for name in READERS for line in run(name, shipped, COLUMNS=width).stdout.splitlines()]
    assert max(map(display_width, lines)) <= min(max(int(width), 40), 100)


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_examples_that_name_the_script(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert f"  {name}.py " in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_json_is_ascii_and_has_no_nan(name: str, shared: Path, tmp_path: Path) -> None:
    done = run(name, shared / "encodings" / "anndata-0.13.4_odd_columns.h5ad", "--json", cwd=tmp_path)
    assert done.stdout.isascii()
    json.loads(done.stdout, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))


def test_json_of_inspect_h5ad_keeps_its_names(shipped: Path) -> None:
    summary = run_json("inspect_h5ad", shipped)
    names = {"n_obs", "n_vars", "species", "counts", "obs", "var", "obsm", "layers", "raw", "encoding"}
    assert names <= set(summary)
    assert (summary["n_obs"], summary["n_vars"], summary["species"]["name"]) == (200, 3000, "human")
    assert set(summary["counts"]) == {"location", "checked"}
    assert summary["counts"]["location"] == "X"


def test_json_of_list_factors_keeps_its_names(shipped: Path) -> None:
    listing = run_json("list_factors", shipped)
    assert listing["n_obs"] == 200
    column = next(column for column in listing["columns"] if column["name"] == "source")
    assert {"name", "kind", "ordered", "n_levels", "missing", "levels", "set_aside"} <= set(column)
    assert column["levels"] == [{"level": "Blood", "n": 20}, {"level": "NAT", "n": 85}, {"level": "Tumor", "n": 95}]


def test_column_lists_the_levels_of_a_column_set_aside(shipped: Path) -> None:
    without = run_json("list_factors", shipped)["columns"]
    asked = run_json("list_factors", shipped, "--column", "clonotype_orig")["columns"]
    levels = {column["name"]: column["levels"] for column in asked}["clonotype_orig"]
    assert {column["name"]: column["levels"] for column in without}["clonotype_orig"] is None
    assert len(levels) == 197


def test_json_of_infer_design_keeps_its_names(shipped: Path) -> None:
    report = run_json("infer_design", shipped)
    assert {"n_obs", "unit", "factors", "pairs", "unit_relations", "set_aside"} <= set(report)
    assert {"design", "findings", "questions"} <= set(report)
    assert {"column", "columns", "n_units"} <= set(report["unit"])
    assert {"name", "column", "n_levels", "kind", "evidence", "same_as"} <= set(report["factors"][0])
    assert set(report["pairs"][0]) == {"a", "b", "relation", "filled", "possible", "components", "n_obs"}
    assert {"a", "b", "relation", "strays"} <= set(report["unit_relations"][0])
    assert set(report["set_aside"][0]) == {"column", "reason"}
    assert set(report["findings"][0]) == {"id", "severity", "text", "factors"}


def test_json_of_render_design_keeps_its_names() -> None:
    drawn = run_json("render_design", "Genotype(2) > Mouse(4) > Cell(~5000) : Type(12)")
    assert {"name", "n", "kind"} <= set(drawn["factors"][0])
    assert {"from", "type", "to"} <= set(drawn["relations"][0])
    assert drawn["observations"] == {"low": 40000, "high": 40000, "approximate": True}


def test_overrides_are_reported_as_given(shipped: Path) -> None:
    words = ["--unit", "patient", "--kind", "source=treatment", "--ignore", "batch", "--split", "patient"]
    report = run_json("infer_design", shipped, *words)
    given = " ".join(report["given"])
    assert report["unit"]["columns"] == ["patient"]
    assert report["unit"]["given"]
    assert "batch" not in [factor["column"] for factor in report["factors"]]
    assert all(word in given for word in ("patient", "source", "batch"))


def test_a_column_name_may_hold_an_equals_sign(shipped: Path) -> None:
    done = run("infer_design", shipped, "--kind", "dose=high=treatment")
    assert done.returncode == 1
    assert "dose=high" in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_missing_arguments_exit_2(name: str) -> None:
    done = run(name)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("words", [["--kind", "source"], ["--kind", "source=colour"], ["--kind", "=batch"], ["--nope"]])
def test_wrong_arguments_exit_2(words: list[str], shipped: Path) -> None:
    done = run("infer_design", shipped, *words)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    _assert_one_sentence(run(name, tmp_path / "none.h5ad", cwd=tmp_path), "none.h5ad")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*READERS, "write_card"])
@pytest.mark.parametrize("file", REFUSED)
def test_a_file_of_another_kind_is_named_in_one_sentence(name: str, file: str, shared: Path, tmp_path: Path) -> None:
    done = run(name, shared / file, cwd=tmp_path)
    _assert_one_sentence(done, REFUSED[file])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["--unit", "q"], ["--kind", "q=batch"], ["--ignore", "q"], ["--split", "q"]])
def test_an_unknown_column_is_one_sentence(words: list[str], shipped: Path, tmp_path: Path) -> None:
    for name in ("infer_design", "write_card"):
        _assert_one_sentence(run(name, shipped, *words, cwd=tmp_path), "q")
    assert not list(tmp_path.iterdir())


def test_an_unknown_column_to_list_is_one_sentence(shipped: Path) -> None:
    _assert_one_sentence(run("list_factors", shipped, "--column", "pateint"), "patient")


def test_a_file_name_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    done = run("inspect_h5ad", tmp_path / "\x1b[31mred.h5ad")
    assert "\x1b" not in done.stderr
    assert "\\x1b[31mred.h5ad" in done.stderr


SERVER_ONLY = ("mcp", "pydantic")
GEO_ONLY = ("filelock", "httpx", "pyrate-limiter", "tenacity")
OF_GEO = tuple(path.stem for path in SCRIPTS.glob("*_geo*.py") if not path.stem.startswith("_"))


def test_the_header_for_uv_lists_the_dependencies_of_the_project() -> None:
    import tomllib

    project = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text())["project"]
    for name in (*NAMES, *OF_GEO):
        text = (SCRIPTS / f"{name}.py").read_text()
        # Scripts that take accessions ask GEO, too.
        unneeded = SERVER_ONLY if re.search(r"^from (_geo|mcp_server\.geo)", text, re.M) else SERVER_ONLY + GEO_ONLY
        header = re.search(r"# /// script\n(.*?)# ///\n", text, re.DOTALL)
        assert header is not None
        stated = tomllib.loads(header[1].replace("# ", ""))
        needed = [each for each in project["dependencies"] if not each.startswith(unneeded)]
        assert sorted(stated["dependencies"]) == sorted(needed)
        assert stated["requires-python"] == project["requires-python"]


def _assert_one_sentence(done, word: str) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert word in done.stderr
    assert "Traceback" not in done.stderr
