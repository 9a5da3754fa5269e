"""What the documents say is so: designs parse, commands and findings exist, the picture is what is drawn."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from edviz import checks
from edviz.comparison.statements import similarity, structure
from edviz.comparison.where import TRAITS
from edviz.errors import GrammarError
from edviz.grammar import loads
from edviz.infer import findings
from edviz.infer.result import FindingId
from edviz.model import KINDS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    "README.md",
    "SKILL.md",
    "CONTRIBUTING.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("references/*.md")),
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("skills/*/SKILL.md")),
]
FENCES = [
    (document, language, body)
    for document in DOCUMENTS
    for language, body in re.findall(
        r"^```(\w+)\n(.*?)^```", (ROOT / document).read_text(encoding="utf-8"), re.S | re.M
    )
]


FINDINGS_TEXT = (ROOT / "references/findings.md").read_text(encoding="utf-8")
FINDINGS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", FINDINGS_TEXT, re.S | re.M))


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


def test_every_finding_is_explained_and_no_other():
    assert set(FINDINGS) == set(get_args(FindingId))
    for name, text in FINDINGS.items():
        parts = re.findall(r"^- \*\*(\w+)\*\* \S", text, re.M)
        assert parts == ["Severity", "Cause", "Consequence", "Remedy", "Literature"], name


def test_severities_of_findings_are_those_of_the_code():
    source = Path(findings.__file__).read_text(encoding="utf-8")
    made = re.findall(r'Finding\(\s*"(\w+)",\s*"(\w+)"(?: if [^,]* else "(\w+)")?', source)
    assert len({name for name, *_ in made}) > 20
    for name, *severities in made:
        assert set(filter(None, severities)) <= _severities(name), name


def test_every_id_in_the_code_is_used():
    source = Path(findings.__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in source for name in get_args(FindingId))


def test_every_remark_on_a_design_is_explained_and_no_other():
    source = Path(checks.__file__).read_text(encoding="utf-8")
    made = set(re.findall(r'Remark\(\s*"([\w-]+)",\s*"(\w+)"', source))
    assert len(made) > 5
    assert made == set(re.findall(r"^\| `([\w-]+)` \| (error|warning|note) \|", FINDINGS_TEXT, re.M))


def test_every_reference_is_cited_and_every_citation_is_a_reference():
    listed = re.findall(r"^- (\w+ \d{4}): ", FINDINGS_TEXT, re.M)
    assert listed == sorted(listed)
    assert set(listed) == set(re.findall(r"\[(\w+ \d{4})\]\(#literature\)", FINDINGS_TEXT))


def test_arguments_of_remedies_exist():
    shown = subprocess.run(
        [sys.executable, ROOT / "scripts/infer_design.py", "--help"], capture_output=True, text=True, check=True
    ).stdout
    given = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", FINDINGS_TEXT))
    assert {"--unit", "--kind", "--ignore", "--split", "--fail-on"} <= given
    assert all(argument in shown for argument in given)
    assert set(re.findall(r"--kind C=([a-z]+)", FINDINGS_TEXT)) <= set(KINDS)


def _severities(name):
    first = re.search(r"\*\*Severity\*\*(.*?)- \*\*Cause", FINDINGS[name], re.S).group(1)
    return set(re.findall(r"\b(error|warning|note)\b", first))


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
