"""What all scripts share: where the library is, arguments, output and errors."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
# Counting needs no linear algebra; without this numpy starts a thread for every core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from edviz import __version__
from edviz.diagram.width import display_width, hard_pieces, pad, printable
from edviz.errors import EdvizError
from edviz.model import KINDS, Kind
from edviz.plain import to_plain

if TYPE_CHECKING:
    from edviz.checks import Remark
    from edviz.infer.result import Finding, Overrides, Question, Severity
    from edviz.remote import RemoteReport

NARROWEST, WIDEST = 40, 100
INDENT = "  "
SPELLED = str.maketrans(
    {
        "×": "x",
        "◊": "<>",
        "≈": "~",
        "→": "->",
        "–": "-",
        "—": "-",
        "…": "...",
        "·": "-",
        "≥": ">=",
        "≤": "<=",
        "µ": "u",
        "∧": "^",
        "∨": "|",
        "σ": "s",
        "²": "^2",
        "−": "-",
    }
)
"""How ASCII says the signs that the program itself uses."""
RANK: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
BOLD, RED, YELLOW, CYAN = "1", "1;31", "33", "36"
COLOURS: dict[Severity, str] = {"error": RED, "warning": YELLOW, "note": ""}


def run(main: Callable[[], None]) -> None:
    """Run a script: exit 0 done, 1 an error of ours in one sentence, 2 wrong arguments, 3 as `--fail-on` says."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name need not be text, and a terminal need not know every character.
            stream.reconfigure(errors="backslashreplace")
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except (EdvizError, OSError) as error:
        sys.exit(said(error))


def _open_what_is_closed() -> None:
    """Open on nothing what a launcher has closed of input, output and errors, before a file gets its place."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


class _Parser(argparse.ArgumentParser):
    """A parser whose errors can name any file without acting on the terminal, and that knows `--` among many files."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments."""
        super().error(printable(message))

    def parse_intermixed(self) -> argparse.Namespace:
        """Parse options that stand between files; what follows `--` is files, whatever it looks like."""
        words = sys.argv[1:]
        after: list[str] = []
        if "--" in words:
            place = words.index("--")
            words, after = words[:place], words[place + 1 :]
        args = self.parse_intermixed_args(words)
        args.paths = [*args.paths, *after]
        if not args.paths:
            self.error("the following arguments are required: FILE")
        return args


def arguments(description: str | None, *, examples: str = "") -> _Parser:
    """Return a parser with the arguments that every script has."""
    parser = _Parser(
        description=textwrap.fill(description or "", 79),
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text for people")
    parser.add_argument("--ascii", action="store_true", help="print nothing but ASCII characters")
    parser.add_argument("--version", action="version", version=f"anndata-design-inspector {__version__}")
    return parser


def add_file(
    parser: argparse.ArgumentParser,
    what: str = "the .h5ad file, or a series of GEO that has one (GSE123456, GSE123456/NAME)",
) -> None:
    """Add the file to read, and whether it is trusted."""
    parser.add_argument("path", metavar="FILE", help=what)
    add_trusted(parser)


def add_trusted(parser: argparse.ArgumentParser) -> None:
    """Add whether what is read is trusted."""
    parser.add_argument(
        "--trusted",
        action="store_true",
        help="read the file in this process and without limits, because its writer is trusted",
    )


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Add the arguments by which a person overrules what is inferred."""
    group = parser.add_argument_group("what you know better (each may be given several times)")
    group.add_argument(
        "--unit", metavar="C", action="append", default=[], help="column of the experimental unit, or one of several"
    )
    group.add_argument(
        "--kind",
        metavar="C=KIND",
        action="append",
        default=[],
        type=_kind_of_column,
        help=f"kind of a column: {', '.join(KINDS)}",
    )
    group.add_argument("--ignore", metavar="C", action="append", default=[], help="column to leave out")
    group.add_argument(
        "--split", metavar="C", action="append", default=[], help="column whose level names are composites"
    )


def overrides_of(args: argparse.Namespace) -> Overrides:
    """Return what the person said."""
    from edviz.infer.result import Overrides

    return Overrides(unit=tuple(args.unit), kinds=dict(args.kind), ignore=tuple(args.ignore), split=tuple(args.split))


def print_json(result: object, remote: RemoteReport | None = None) -> None:
    """Print a result as JSON, and what reading from a server took.

    Every character that is not ASCII is escaped, so that none can act on a terminal.
    """
    plain: Any = to_plain(result)
    if remote is not None:
        plain["remote"] = to_plain(remote)
    print(json.dumps(plain, indent=2, ensure_ascii=True, allow_nan=False))


@dataclass(frozen=True)
class Page:
    """Standard output as a page for people."""

    ascii: bool
    width: int
    coloured: bool
    is_terminal: bool

    def text(self, text: str) -> str:
        """Return text as this page can show it."""
        return printable(text.translate(SPELLED) if self.ascii else text, ascii=self.ascii)

    def heading(self, text: str) -> None:
        """Print a heading with a blank line above it."""
        print(f"\n{self.styled(self.text(text), BOLD)}")

    def block(self, text: str) -> None:
        """Print lines as they are."""
        print(text)

    def paragraph(
        self, text: str, *, first: str = "", indent: str = "", colour: str = "", file: TextIO | None = None
    ) -> None:
        """Print text in lines that fit, the first of them after `first`, the others after `indent`."""
        margin = indent or " " * display_width(first)
        start = self.styled(first, colour)
        for line in _lines(self.text(text), self.width - display_width(margin)):
            print(start + line, file=file)
            start = margin

    def fields(self, rows: Iterable[tuple[str, str]]) -> None:
        """Print names and what they stand for, one below the other."""
        rows = [(self.text(name), value) for name, value in rows]
        widest = max((display_width(name) for name, _ in rows), default=0)
        for name, value in rows:
            self.paragraph(value, first=f"{INDENT}{pad(name, widest)}  ", colour=BOLD)

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = ()) -> None:
        """Print a table; the columns named in `numbers` are flush right, and cells may have several lines."""
        from rich.box import SIMPLE, Box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        plain = Box("    \n    \n -- \n    \n    \n -- \n    \n    \n", ascii=True)
        table = Table(box=plain if self.ascii else SIMPLE, show_edge=False, pad_edge=False)
        for name in header:
            table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text("\n".join(map(self.text, cell.split("\n")))) for cell in row))
        console = Console(
            width=self.width - len(INDENT), color_system="auto" if self.coloured else None, legacy_windows=False
        )
        with console.capture() as captured:
            console.print(table)
        for line in captured.get().splitlines():
            print(f"{INDENT}{line}".rstrip())

    def findings(self, findings: Iterable[Finding | Remark]) -> None:
        """Print findings or remarks with their ids, the gravest first."""
        for finding in sorted(findings, key=lambda finding: RANK[finding.severity]):
            first = f"{INDENT}{finding.severity:<7}  "
            self.paragraph(f"{finding.text} ({finding.id})", first=first, colour=COLOURS[finding.severity])

    def questions(self, questions: Iterable[Question]) -> None:
        """Print questions, each with the arguments that would answer it."""
        for question in questions:
            self.paragraph(question.text, first="  ? ", colour=CYAN)
            for option in question.options:
                self.paragraph(option, first="      ")

    def styled(self, text: str, style: str) -> str:
        """Return text in a style, where the page has any."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.coloured and style and text else text


def counted(n: int, noun: str) -> str:
    """Say how many there are of something.

    >>> counted(1, "column"), counted(2000, "column")
    ('1 column', '2,000 columns')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def amount_read(remote: RemoteReport) -> str:
    """Say what reading from a server took."""
    return f"{remote.bytes / 1e6:,.1f} MB in {counted(remote.requests, 'request')} and {remote.seconds:.1f} s"


def page_of(args: argparse.Namespace) -> Page:
    """Return the page to print on: as wide as the terminal, in colour and beyond ASCII where both sides can."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
    is_terminal = sys.stdout.isatty()
    return Page(
        ascii=args.ascii or not encoding.startswith("utf"),
        width=min(max(shutil.get_terminal_size((80, 24)).columns, NARROWEST), WIDEST),
        coloured=is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        is_terminal=is_terminal,
    )


def _lines(text: str, columns: int) -> Iterator[str]:
    """Break text at spaces into lines of at most so many columns of a terminal."""
    line = ""
    for word in text.split():
        if line and display_width(f"{line} {word}") > columns:
            yield line
            line = ""
        *pieces, rest = hard_pieces(f"{line} {word}" if line else word, columns)
        yield from pieces
        line = rest
    yield line


def _kind_of_column(text: str) -> tuple[str, Kind]:
    column, equals, name = text.rpartition("=")
    for kind in KINDS:
        if equals and column and name == kind:
            return column, kind
    raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=KIND with a kind of {', '.join(KINDS)}")


def said(error: EdvizError | OSError) -> str:
    """Say an error; what comes from outside cannot act on the terminal."""
    message = str(error)
    if not isinstance(error, EdvizError) and error.strerror:
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return "\n".join(printable(line) for line in message.splitlines())
