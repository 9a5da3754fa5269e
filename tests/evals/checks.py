"""The checks of evals: a command, and what its output says."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.h5ad.files import REPOSITORY

STEP = re.compile(r"\*\[(\w+)=(.+)\]")


def output_of(command: str, skill: Path, folder: Path) -> str:
    """Run a command as the skill shows it, in the folder of the skill; OUTPUT is a folder that may be written."""
    done = subprocess.run(
        ["bash", "-c", command.replace("OUTPUT", shlex.quote(str(folder)))],
        capture_output=True,
        check=False,
        cwd=skill,
        encoding="utf-8",
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONIOENCODING": "utf-8"},
        timeout=120,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def value_at(value: Any, path: str) -> Any:
    """Return what a path leads to: names and numbers with dots between, `*` for all, `*[name=x]` for the one.

    >>> value_at({"a": [{"b": 1, "n": "x"}, {"b": 2, "n": "y"}]}, "a.*[n=y].b")
    2
    >>> value_at({"a": [{"b": 1}, {"b": 2}]}, "a.*.b")
    [1, 2]
    """
    head, _, rest = path.partition(".")
    if not head:
        return value
    if head == "*":
        return [value_at(each, rest) for each in value]
    if named := STEP.fullmatch(head):
        return value_at(next(each for each in value if each[named[1]] == named[2]), rest)
    return value_at(value[int(head)] if isinstance(value, list) else value[head], rest)


def holds(check: dict[str, Any], skill: Path, folder: Path) -> tuple[bool, object]:
    """Say whether a check holds, and what was found."""
    found = output_of(check["command"], skill, folder)
    if "path" in check:
        value = value_at(json.loads(found), check["path"])
        return value == check["equals"], value
    return re.search(check["matches"], found) is not None, found


def skills() -> list[Path]:
    """Return the folders of all skills."""
    return [REPOSITORY, *sorted(path.parent for path in (REPOSITORY / "skills").glob("*/SKILL.md"))]
