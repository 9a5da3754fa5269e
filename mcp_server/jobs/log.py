"""What the workers of a job have printed; text of others, and made harmless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from edviz.h5ad.strings import harmless
from mcp_server.jobs.folder import JobFolder

TAIL_LINES = 20
TAIL_BYTES = 64 << 10
LONGEST_LINE = 500


def log_lines(folder: JobFolder, *, lines: int = TAIL_LINES, share: int | None = None) -> tuple[str, ...]:
    """Return the last lines of the log of a job, made harmless; with several workers, of one or of all."""
    logs = sorted(folder.path.glob("log-*.txt"), key=_share_of_log) if share is None else [folder.log(share)]
    if not any(map(_size, logs)):
        logs = [*sorted(folder.engine.glob("*_log.*")), folder.launch_log]
    found: list[str] = []
    for log in logs:
        tail = _tail(log, lines)
        found += [f"-- {log.name} --", *tail] if len(logs) > 1 and tail else tail
    return tuple(found)


def _share_of_log(log: Path) -> tuple[int, str]:
    return len(log.name), log.name


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _tail(path: Path, lines: int) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(_size(path) - TAIL_BYTES, 0))
            text = file.read()
    except OSError:
        return []
    return list(_harmless_lines(text.splitlines()[-lines:] if lines > 0 else []))


def _harmless_lines(lines: Sequence[bytes]) -> Iterator[str]:
    for line in lines:
        yield harmless(line.rstrip(), longest=LONGEST_LINE)
