"""What is said of the project to those who install it: one version, one name, files that exist, skills that run."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edviz import __version__
from edviz.grammar import loads

ROOT = Path(__file__).resolve().parents[1]
NAME = "anndata-design-inspector"
SKILLS = sorted((ROOT / "skills").glob("*/SKILL.md"))
MANIFESTS = [".claude-plugin/plugin.json", ".claude-plugin/marketplace.json", "manifest.json", "server.json"]


def _read(path: str) -> dict:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def _versions(entries: object) -> list[str]:
    if isinstance(entries, list):
        return [version for entry in entries for version in _versions(entry)]
    if not isinstance(entries, dict):
        return []
    own = [entries["version"]] if "version" in entries else []
    return own + [version for entry in entries.values() for version in _versions(entry)]


@pytest.mark.parametrize("path", MANIFESTS)
def test_every_manifest_has_the_version_of_the_project(path: str) -> None:
    assert set(_versions(_read(path))) == {__version__}


def test_the_name_is_the_same_everywhere() -> None:
    plugin, marketplace, manifest, server = map(_read, MANIFESTS)
    assert plugin["name"] == manifest["name"] == marketplace["plugins"][0]["name"] == NAME
    assert server["packages"][0]["identifier"] == NAME
    assert list(_read(".mcp.json")["mcpServers"]) == [NAME]
    assert f"mcp-name: {server['name']}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_plugin_names_the_root_skill_and_the_others() -> None:
    assert _read(".claude-plugin/plugin.json")["skills"] == ["./", "./skills/"]
    assert (ROOT / "SKILL.md").is_file()
    assert SKILLS


@pytest.mark.parametrize("path", [ROOT / "SKILL.md", *SKILLS], ids=lambda path: path.parent.name)
def test_skills_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 500
    # A token of English and code is at least three characters long.
    assert len(text) / 3 < 5_000
    assert len(yaml.safe_load(text.split("---\n")[1])["description"]) <= 1_024


@pytest.mark.parametrize("path", SKILLS, ids=lambda path: path.parent.name)
def test_what_a_skill_shows_works(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for design in re.findall(r"^```edviz\n(.*?)^```", text, re.S | re.M):
        assert loads(design).factors
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (path.parent / link).exists()
    commands = [line for body in re.findall(r"^```bash\n(.*?)^```", text, re.S | re.M) for line in body.splitlines()]
    assert commands
    for command in commands:
        python, script, *words = shlex.split(command)
        assert python == "python"
        # What stands for a file or a job of the reader's cannot be run: its options exist.
        stands = any(re.fullmatch(r"[A-Z]{2,}(\.\w+)*", word) for word in words)
        arguments = [script, "--help"] if stands else [script, *words]
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, check=False, cwd=path.parent, text=True
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert not stands or all(word in done.stdout for word in words if word.startswith("--")), command
