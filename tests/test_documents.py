"""What the documents say is so: designs parse, commands and findings exist, the picture is what is drawn."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edviz.comparison.statements import similarity, structure
from edviz.comparison.where import TRAITS
from edviz.errors import GrammarError
from edviz.grammar import loads
from edviz.infer import findings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    "README.md",
    "SKILL.md",
    "references/language.md",
    "references/inference.md",
    "references/comparison.md",
    "references/statistics.md",
    "CONTRIBUTING.md",
]
FENCES = [
    (document, language, body)
    for document in DOCUMENTS
    for language, body in re.findall(
        r"^```(\w+)\n(.*?)^```", (ROOT / document).read_text(encoding="utf-8"), re.S | re.M
    )
]


@pytest.mark.parametrize(("document", "text"), [(document, body) for document, kind, body in FENCES if kind == "edviz"])
def test_every_design_in_a_document_parses(document, text):
    try:
        assert loads(text).factors
    except GrammarError as error:
        pytest.fail(f"{document}: {error}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_script_that_a_document_names_exists(document):
    named = set(re.findall(r"\b(?:scripts/)?(\w+\.py)\b", (ROOT / document).read_text(encoding="utf-8")))
    scripts = {path.name for path in (ROOT / "scripts").glob("*.py")}
    known = {path.name for path in ROOT.glob("**/*.py") if ".venv" not in path.parts}
    assert named <= known, named - known
    if document == "SKILL.md":
        assert {name for name in scripts if not name.startswith("_")} <= named


def test_the_arguments_of_commands_in_the_skill_exist():
    commands = [
        shlex.split(line)
        for document, kind, body in FENCES
        if document == "SKILL.md" and kind == "bash"
        for line in body.splitlines()
    ]
    assert commands
    for _, script, *words in commands:
        shown = subprocess.run(
            [sys.executable, ROOT / script, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert all(word in shown for word in words if word.startswith("--"))


def test_every_finding_is_explained():
    source = Path(findings.__file__).read_text(encoding="utf-8")
    used = set(re.findall(r'Finding\(\s*"(\w+)"', source))
    explained = set(re.findall(r"`(\w+)`", (ROOT / "references/inference.md").read_text(encoding="utf-8")))
    assert len(used) > 15
    assert used <= explained, used - explained


def test_the_picture_in_the_readme_is_what_the_command_draws(tmp_path):
    command = [
        sys.executable,
        ROOT / "scripts/write_card.py",
        ROOT / "tests/data/wu2020_tcells_200.h5ad",
        "-o",
        tmp_path / "card.md",
    ]
    drawn = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONIOENCODING": "utf-8", "PATH": ""}
    ).stdout
    picture = next(body for document, kind, body in FENCES if document == "README.md" and kind == "text")
    assert picture.strip() in drawn


def test_every_word_of_a_condition_is_explained():
    explained = set(re.findall(r"`(\w+)`", (ROOT / "references/comparison.md").read_text(encoding="utf-8")))
    assert set(TRAITS) <= explained, set(TRAITS) - explained


def test_the_similarity_in_the_document_is_so():
    text = next(body for document, kind, body in FENCES if document == "references/comparison.md" and kind == "edviz")
    assert similarity(structure(loads(text)), structure(loads("Donor(3) > Sample(2)"))) == 0.5
