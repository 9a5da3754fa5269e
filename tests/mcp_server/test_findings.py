"""The findings of a file are the same wherever they are shown: id, severity, text, columns and order."""

import json
import re
from pathlib import Path

import pytest

from edviz.card.markdown import prose
from tests.mcp_server.serving import answer, whole
from tests.scripts.running import run, run_json

pytestmark = pytest.mark.anyio

FILES = [
    "kang_pbmc_stim_ctrl_14039",
    "pancreas_4datasets_obs_only",
    "merfish_mouse_brain_zstd",
    "htan_exemplar_breast_liver_met",
    "lung_lca_3donors_2methods",
]
SEVERITIES = ["error", "warning", "note"]


@pytest.mark.parametrize("file", FILES)
async def test_findings_are_the_same_everywhere(file: str, shared: Path, tmp_path: Path) -> None:
    path = (shared / f"{file}.h5ad").resolve()
    findings = run_json("infer_design", path)["findings"]
    assert findings
    assert findings == sorted(findings, key=lambda finding: SEVERITIES.index(finding["severity"]))

    assert (await whole(tmp_path, "infer_design", path=str(path)))["findings"] == findings
    assert run_json("analyze_design", path)["analysis"]["findings"] == findings
    assert (await whole(tmp_path, "analyze_design", path=str(path)))["analysis"]["findings"] == findings
    written = await answer(tmp_path, "write_design_card", path=str(path))
    assert written["findings"] == findings
    card = Path(written["path"]).read_text(encoding="utf-8")
    assert run_json("write_card", path, cwd=tmp_path)["findings"] == findings
    assert run("write_card", path, "-o", "-").stdout == card

    assert on_card(card) == [
        f"{finding['severity'].capitalize()}: {prose(finding['text'])} (`{finding['id']}`)" for finding in findings
    ]
    assert in_front_matter(card) == findings
    as_words = [" ".join(f"{each['severity']} {each['text']} ({each['id']})".split()) for each in findings]
    assert printed(run("infer_design", path).stdout, "Findings") == " ".join(as_words)
    assert printed(run("analyze_design", path).stdout, "Findings") == " ".join(as_words)
    assert printed(run("write_card", path, cwd=tmp_path).stdout, "What to know first") == " ".join(as_words)


@pytest.mark.parametrize("file", FILES[:2])
def test_findings_of_many_files_are_those_of_each(file: str, shared: Path, shipped: Path, tmp_path: Path) -> None:
    path = shared / f"{file}.h5ad"
    findings = run_json("infer_design", path)["findings"]
    for script in ("infer_design", "write_card"):
        lines = run(script, path, shipped, "--json", cwd=tmp_path).stdout.splitlines()
        assert json.loads(lines[0])["result"]["findings"] == findings
    row = json.loads(run("infer_design", path, "--table", "--json").stdout)["result"]
    assert row["findings"] == list(dict.fromkeys(finding["id"] for finding in findings))
    numbers = {severity: sum(each["severity"] == severity for each in findings) for severity in SEVERITIES}
    assert {severity: row[f"{severity}s"] for severity in SEVERITIES} == numbers


def on_card(card: str) -> list[str]:
    """Return the bullets of the card's section on findings, without stars of emphasis around the severity."""
    section = re.search(r"\n## What to know first\n(.*?)\n## ", card, re.S).group(1)
    bullets = [line.removeprefix("- ") for line in section.splitlines() if line.startswith("- ")]
    return [re.sub(r"^\*\*(\w+:)\*\*", r"\1", bullet) for bullet in bullets]


def in_front_matter(card: str) -> list[dict]:
    listed = re.search(r"\nfindings:\n((?:  - .*\n)+)", card).group(1)
    return [json.loads(line.removeprefix("  - ")) for line in listed.splitlines()]


def printed(text: str, heading: str) -> str:
    """Return the words of a part of the output, up to the next blank line."""
    return " ".join(text.split(f"\n{heading}\n")[1].split("\n\n")[0].split())
