"""What is said of the project to those who install it: one version, one name, files that exist, skills that run."""

import json
from pathlib import Path

import pytest
import yaml

from edviz import __version__

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
