"""The scripts in a copied skill folder, with nothing but their own dependencies."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.h5ad.files import REPOSITORY
from tests.scripts.running import NAMES, run

ALLOWED = {"_cli", "edviz", "h5py", "hdf5plugin", "lark", "markdown_it", "mdurl", "numpy", "pygments", "rich"}
OPTIONAL = {"typing_extensions"}
PROBE = """
import runpy, sys
from importlib.metadata import packages_distributions
script, *arguments = sys.argv[1:]
sys.path.insert(0, str(__import__("pathlib").Path(script).parent))
sys.argv = [script, *arguments]
before = set(sys.modules)
try:
    runpy.run_path(script, run_name="__main__")
finally:
    loaded = {name.partition(".")[0] for name in {*sys.modules} - before}
    print(*(loaded & set(packages_distributions())), file=sys.stderr)
"""


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    """Copy what a skill folder holds, to a place with a space in its name."""
    folder = tmp_path / "my skills" / "anndata-design-inspector"
    for part in ("scripts", "edviz", "mcp_server"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_copy_uses_its_own_library(skill: Path) -> None:
    package = skill / "edviz" / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "copied-'))
    assert "copied-" in run("inspect_h5ad", "--version", scripts=skill / "scripts").stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_script_runs_from_the_copy_and_from_any_folder(
    name: str, skill: Path, shipped: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run(name, shipped, scripts=skill / "scripts", cwd=elsewhere)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_scripts_import_nothing_beyond_their_dependencies(
    name: str, skill: Path, shipped: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PROBE, str(skill / "scripts" / f"{name}.py"), str(shipped)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path, encoding="utf-8")
    assert set(done.stderr.split()) <= ALLOWED | OPTIONAL


def test_jobs_are_listed_from_the_copy_without_what_runs_them(skill: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROBE, str(skill / "scripts" / "jobs.py"), "list"]
    environment = {**os.environ, "EDVIZ_RUNS": str(tmp_path / "runs")}
    done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path, encoding="utf-8", env=environment)
    assert done.stdout.startswith("0 jobs in")
    assert set(done.stderr.split()) <= ALLOWED | OPTIONAL


def test_scripts_are_no_package() -> None:
    assert not (REPOSITORY / "scripts" / "__init__.py").exists()


@pytest.mark.parametrize("name", NAMES)
def test_no_script_hides_a_module_of_python(name: str) -> None:
    assert name not in sys.stdlib_module_names
