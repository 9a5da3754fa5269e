"""What a training was begun with, written down: enough to do it again, and to go on with it."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edviz import __version__
from edviz.output import writing
from edviz.plain import from_plain, to_plain
from mcp_server.training.errors import TrainingError
from mcp_server.training.plan import Plan
from mcp_server.training.settings import TrainingRequest

STARTED = "started.json"
PACKAGES = ("scvi-tools", "torch", "lightning", "anndata", "numpy", "scipy", "pandas", "h5py")
READ_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Started:
    """What a training was begun with.

    Attributes
    ----------
    path, sha256
        The file, and the hash of its content.
    environment
        Versions of programs, and the machine.
    """

    path: str
    sha256: str
    request: TrainingRequest
    plan: Plan
    environment: dict[str, str]


def environment() -> dict[str, str]:
    """Say which programs and which machine these are; nothing is imported for it."""
    found = {"anndata-design-inspector": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"system": platform.platform(), "processor": _processor(), "byte order": sys.byteorder}


def hash_of(path: str | Path) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    TrainingError
        If it cannot be read.
    """
    hashed = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(READ_AT_ONCE):
                hashed.update(block)
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror}") from error
    return hashed.hexdigest()


def write_started(folder: Path, started: Started) -> None:
    """Write down what a training is begun with.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with writing(folder / STARTED) as stream:
        json.dump(to_plain(started), stream, allow_nan=False, indent=1)


def read_started(folder: Path) -> Started:
    """Read what a training was begun with.

    Raises
    ------
    TrainingError
        If that is not there or damaged.
    """
    try:
        plain = json.loads((folder / STARTED).read_text(encoding="utf-8"))
        return from_plain(Started, plain)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise TrainingError(f"{folder} holds no training that was begun; train anew") from error


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
