"""The skill of this project over MCP (SEP-2640): its text as resources, listed with sizes and digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver.resources import TextResource
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, PaginatedRequestParams, RequestParams

PACKAGED = Path(__file__).parent / "skill"
"""Where a wheel has the texts; in a checkout they are at its root."""
FRESH_MS = 3_600_000
Entry = dict[str, Any]


class GetSkillParams(RequestParams):
    """Which skill is asked for."""

    uri: str


class Skills(Extension):
    """Serves the texts of one skill; what its scripts do, the tools do.

    Attributes
    ----------
    folder
        Where SKILL.md and references/ are.
    """

    identifier = "io.modelcontextprotocol/skills"

    def __init__(self, folder: Path) -> None:
        self._frontmatter = frontmatter_of((folder / "SKILL.md").read_text(encoding="utf-8"))
        base = f"skill://{self._frontmatter['name']}"
        self._texts = {f"{base}/{file.relative_to(folder).as_posix()}": file for file in _files(folder)}
        self._entry: Entry = {
            "uri": f"{base}/SKILL.md",
            "frontmatter": self._frontmatter,
            "resources": [_listed(uri, file.read_bytes()) for uri, file in self._texts.items()],
        }

    def resources(self) -> Sequence[ResourceBinding]:
        """Offer every file of the skill."""
        return [
            ResourceBinding(
                TextResource(
                    uri=uri,
                    name=uri.removeprefix("skill://"),
                    description=_description(uri, self._frontmatter),
                    mime_type="text/markdown",
                    text=file.read_text(encoding="utf-8"),
                )
            )
            for uri, file in self._texts.items()
        ]

    def methods(self) -> Sequence[MethodBinding]:
        """Offer the list of skills, which has one, and that one."""
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list),
            MethodBinding("skills/get", GetSkillParams, self._get),
        ]

    async def _list(self, _: object, __: PaginatedRequestParams) -> Entry:
        return _cacheable({"skills": [self._entry]})

    async def _get(self, _: object, params: GetSkillParams) -> Entry:
        if params.uri != self._entry["uri"]:
            raise MCPError(INVALID_PARAMS, f"no skill {params.uri!r}; the skill is {self._entry['uri']}")
        return _cacheable({"skill": self._entry})


def skill_folder() -> Path:
    """Return the folder with SKILL.md, of the installed package or of the checkout."""
    return PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[1]


def frontmatter_of(text: str) -> dict[str, str]:
    """Read the front matter of a SKILL.md, which has one plain entry a line.

    >>> frontmatter_of("---\\nname: a\\ndescription: What: and when.\\n---\\n# A")
    {'name': 'a', 'description': 'What: and when.'}
    """
    lines = text.split("---\n")[1].splitlines()
    return {key: value for key, _, value in (line.partition(": ") for line in lines)}


def _files(folder: Path) -> Iterator[Path]:
    yield folder / "SKILL.md"
    yield from sorted((folder / "references").glob("*.md"))


def _listed(uri: str, content: bytes) -> Entry:
    return {"uri": uri, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def _description(uri: str, frontmatter: dict[str, str]) -> str:
    return frontmatter["description"] if uri.endswith("/SKILL.md") else "What the skill reads on demand."


def _cacheable(result: Entry) -> Entry:
    return result | {"ttlMs": FRESH_MS, "cacheScope": "public"}
