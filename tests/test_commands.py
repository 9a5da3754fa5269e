"""What documents tell the reader to run is run, as it is written, on a file that has the columns they speak of."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from tests.h5ad.files import REPOSITORY

DOCUMENTS = ["README.md", "SKILL.md", "CONTRIBUTING.md", *(
    path.relative_to(REPOSITORY).as_posix()
    for pattern in ("references/*.md", "skills/*/SKILL.md")
    for path in sorted(REPOSITORY.glob(pattern))
)]  # fmt: skip
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.S | re.M)
CODE = re.compile(r"`((?:python |uv run )?[./]*(?:scripts/)?\w+\.py [^`]+)`")
NOT_RUN = {
    r"^make |bash \.ci/judges": "makes an environment from a package registry",
    r"git clone ": "needs the address of the repository",
    r"claude mcp add ": "needs the client, and is run by .ci/judges",
    r"uv run |pip install ": "fetches packages from a registry",
    r"(train_scvi|embed_cells)\.py |embed(ding)?\.py (RUN|FOLDER|SOURCE)": "trains, or takes what was trained",
    r"(search_geo|list_geo_files|download_geo|geo_trend)\.py |\bGSE\d+": "asks NCBI",
}
"""Commands that a test cannot run, and why."""
SYNOPSIS = re.compile(r"\[|\.\.\.|\\\||FILE\.\.\.")
"""Of what can be written, where one thing stands for several; the argument is in the help of the script."""
FOUND = 3
"""Exit status of --fail-on."""


@dataclass(frozen=True)
class Block:
    """Commands that are run one after the other."""

    document: str
    commands: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document}: {self.commands[0]}"


def _fenced() -> list[Block]:
    return [
        Block(document, tuple(filter(None, body.splitlines())))
        for document in DOCUMENTS
        for language, body in FENCE.findall(_text(document))
        if language == "bash"
    ]


def _in_line() -> list[Block]:
    return [
        Block(document, (command,))
        for document in DOCUMENTS
        for command in dict.fromkeys(CODE.findall(FENCE.sub("", _text(document))))
        if not SYNOPSIS.search(command)
    ]


def _text(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def _reason(command: str) -> str | None:
    return next((reason for start, reason in NOT_RUN.items() if re.search(start, command)), None)


def _obs() -> pd.DataFrame:
    """Return two samples of each of eight donors, with the columns that the documents name."""
    samples = pd.DataFrame(
        [
            {
                "donor": f"D{donor}",
                "sample_id": f"D{donor}{part}",
                "genotype": "KO" if donor % 2 else "WT",
                "disease": "healthy" if donor < 4 else "COPD",
                "batch": f"b{donor % 4 // 2}",
                "C": f"c{part}",
            }
            for donor in range(8)
            for part in range(2)
        ]
    )
    cells = samples.loc[samples.index.repeat(10)].reset_index(drop=True)
    return cells.astype("category").set_index("cell" + cells.index.astype(str))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder as a reader has it: the skill, and data of the names that the documents use."""
    place = tmp_path / "skill"
    place.mkdir()
    for part in ("scripts", "edviz", "mcp_server", "references", "SKILL.md"):
        (place / part).symlink_to(REPOSITORY / part)
    for skill in (REPOSITORY / "skills").iterdir():
        (place / "skills" / skill.name).mkdir(parents=True)
    counts = np.random.default_rng(1).poisson(2, (160, 60)).astype("float32")
    anndata.AnnData(counts, _obs(), pd.DataFrame(index=[f"GENE{number}" for number in range(60)])).write_h5ad(
        place / "FILE.h5ad"
    )
    for name in ("FILE", "B.h5ad", "my_data.h5ad", "data/one.h5ad", "FOLDER/two.h5ad"):
        (place / name).parent.mkdir(exist_ok=True)
        shutil.copy(place / "FILE.h5ad", place / name)
    for skill in (place / "skills").iterdir():
        shutil.copy(place / "FILE.h5ad", skill)
    (place / "cards").mkdir()
    card = [sys.executable, REPOSITORY / "scripts/write_card.py", "FILE.h5ad", "-o", "A.design-card.md"]
    subprocess.run(card, cwd=place, check=True, capture_output=True)
    return place


def _run(command: str, place: Path, folder: Path) -> str:
    # In a sentence a script is called by its name alone.
    said = command.removeprefix("python ")
    said = f"python {said}" if "/" in said.split(".py")[0] else f"python scripts/{said}"
    done = subprocess.run(
        ["bash", "-c", said],
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "EDVIZ_RUNS": str(place / "runs"),
            "PYTHONIOENCODING": "utf-8",
        },
        timeout=120,
    )
    allowed = (0, FOUND) if "--fail-on" in command else (0,)
    assert done.returncode in allowed, f"{command}: {done.stderr}"
    return done.stdout


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("block", [*_fenced(), *_in_line()], ids=str)
def test_what_a_document_shows_works(block: Block, place: Path) -> None:
    # References are read from the folder of the skill.
    folder = (place / block.document).parent if block.document.startswith("skills/") else place
    printed = ""
    for command in block.commands:
        if reason := _reason(command):
            pytest.skip(f"{shlex.quote(command)} {reason}")
        if " ID" in command:
            command = command.replace(" ID", f" {json.loads(printed)['id']}")
        printed = _run(command, place, folder)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_arguments_that_a_document_names_exist(document: str) -> None:
    fenced = [command for block in _fenced() if block.document == document for command in block.commands]
    written = [*fenced, *CODE.findall(FENCE.sub("", _text(document)))]
    for command in (part for each in written for part in each.split(" && ")):
        if not (named := re.search(r"(\w+\.py)", command)):
            continue
        name = named[1]
        shown = subprocess.run(
            [sys.executable, REPOSITORY / "scripts" / name, "--help"], capture_output=True, check=True, text=True
        ).stdout
        assert all(word in shown for word in re.findall(r"--[a-z-]+", command)), command


@pytest.mark.parametrize("document", DOCUMENTS)
def test_other_blocks_are_what_they_say(document: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for language, body in FENCE.findall(_text(document)):
        assert language in ("bash", "edviz", "json", "python", "text"), language
        if language == "json":
            assert json.loads(body)
        if language == "python":
            done = subprocess.run([sys.executable, "-c", body], cwd=place, capture_output=True, check=False, text=True)
            assert done.returncode == 0, done.stderr
