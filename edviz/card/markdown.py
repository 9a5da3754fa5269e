"""Small pieces of Markdown that hold text from a file: it shows as written and does nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

MARKS_OF_ADDRESSES = "%/:=&?~+;,@-._"
"""Characters that mean something in an address and nothing in Markdown."""


def code(text: str) -> str:
    """Show a name as it is, in a code span that no character of it can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def prose(text: str) -> str:
    """Escape what Markdown or HTML would interpret; underscores inside words are safe and stay readable."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = re.sub(r"([\\`*\[\]|~#])", r"\\\1", escaped)
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", escaped)


def link(text: str, url: str) -> str:
    """Write a link whose address no character can end."""
    return f"[{prose(text)}]({quote(url, safe=MARKS_OF_ADDRESSES)})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; a pipe in a cell is escaped, also inside code spans."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def fenced(text: str, language: str) -> str:
    """Write a code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def folded(summary: str, body: str) -> str:
    """Write a part that a reader opens."""
    return f"<details>\n<summary>{prose(summary)}</summary>\n\n{body}\n\n</details>"


def bullets(lines: Iterable[str]) -> str:
    """Write a list."""
    return "\n".join(f"- {line}" for line in lines)


def yaml_scalar(value: object) -> str:
    """Write a value as JSON, which is YAML, too; no tag can begin in it where front matter is shown as Markdown."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text).replace("\n", " ")
