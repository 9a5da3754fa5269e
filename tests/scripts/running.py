"""Running a script as a person does."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.h5ad.files import REPOSITORY

SCRIPTS = REPOSITORY / "scripts"
NAMES = (
    "inspect_h5ad",
    "list_factors",
    "infer_design",
    "analyze_design",
    "render_design",
    "write_card",
    "compare_designs",
    "plan_training",
)


def run(
    name: str,
    *arguments: str | Path,
    scripts: Path = SCRIPTS,
    cwd: Path | None = None,
    text: str = "",
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run a script in a terminal of 80 columns that knows UTF-8, unless the environment says otherwise."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, str(scripts / f"{name}.py"), *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        env=inherited | {"PYTHONIOENCODING": "utf-8", **environment},
        input=text,
        timeout=120,
    )


def run_json(name: str, *arguments: str | Path, cwd: Path | None = None, text: str = "") -> dict:
    """Run a script with --json and return what it says."""
    done = run(name, *arguments, "--json", cwd=cwd, text=text)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)
