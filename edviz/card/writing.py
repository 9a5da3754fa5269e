"""Make a design card of a file, and write it without losing anything."""

from __future__ import annotations

import datetime
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edviz import __version__
from edviz.advice import analyze_design
from edviz.card import sections
from edviz.card.comparisons import comparisons
from edviz.card.context import EMPTY, block, context_of
from edviz.card.markdown import prose, yaml_scalar
from edviz.card.words import classify
from edviz.contents import H5adSummary
from edviz.deposit import Deposit
from edviz.diagram import render
from edviz.errors import OutputError
from edviz.h5ad.strings import harmless
from edviz.infer import Inference, Overrides, infer_design
from edviz.infer.result import Finding, Question, UnitReport
from edviz.output import is_same_file, writing
from edviz.progress import report_stage
from edviz.remote import RemoteReport
from edviz.supervised import start_reading

CARD_VERSION = 1
SUFFIX = ".design-card.md"


@dataclass(frozen=True)
class CardResult:
    """A card that was written.

    Attributes
    ----------
    path
        Absolute path of the card.
    diagram
        The design as drawn on the card.
    totals
        Levels in all of every factor in the diagram.
    kept_context
        Whether a reader's own section was found in an earlier card and kept.
    remote
        What reading the file from a server took, or None if it is a local one.
    """

    path: str
    design: str
    diagram: str
    totals: dict[str, int]
    unit: UnitReport | None
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    kept_context: bool
    remote: RemoteReport | None = None


def write_card(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    overrides: Overrides | None = None,
    *,
    today: datetime.date | None = None,
    trusted: bool = False,
    deposit: Deposit | None = None,
) -> CardResult:
    """Write the design card of an .h5ad file.

    Parameters
    ----------
    path
        The .h5ad file; it is opened read-only.
    output
        Path of the card; by default the name of the file with `.design-card.md`, in the working
        directory. An earlier card there is replaced, and what a person wrote into its section
        "Biological context" is kept.
    overrides
        What a person says against what would be inferred.
    today
        Date on the card; by default the present one.
    trusted
        Read the file in this process, without limits.
    deposit
        Where an archive holds the file, for the head of the card.

    Raises
    ------
    H5adError
        If the file cannot be read.
    DesignError
        If an override does not fit the file.
    OutputError
        If the card cannot be written, is called like an .h5ad file, or is to replace something that is no design card.
    """
    target = Path(output) if output is not None else Path.cwd() / (stem_of(path) + SUFFIX)
    if is_same_file(target, path):
        raise OutputError(f"the card would overwrite {path}, the file that it is about; choose another output")
    if target.name.lower().endswith((".h5ad", ".h5ad.gz")):
        raise OutputError(
            f"{target} would be taken for an .h5ad file; a card is a text, such as {stem_of(path)}{SUFFIX}"
        )
    earlier = _earlier_context(target)
    about = _About(path, overrides or Overrides(), context=earlier, today=today, trusted=trusted, deposit=deposit)
    inference, text, remote = _made(about)
    report_stage("writing the card")
    with writing(target) as stream:
        stream.write(text)
    return CardResult(
        path=str(target.absolute()),
        design=inference.report.design,
        diagram=_drawing(inference),
        totals=inference.totals,
        unit=inference.report.unit,
        findings=inference.report.findings,
        questions=inference.report.questions,
        kept_context=earlier is not None and earlier != EMPTY,
        remote=remote,
    )


def make_card(
    path: str | os.PathLike[str],
    overrides: Overrides | None = None,
    *,
    context: str | None = None,
    today: datetime.date | None = None,
    trusted: bool = False,
    deposit: Deposit | None = None,
) -> tuple[Inference, str]:
    """Infer the design of an .h5ad file and write its card as text; the same input gives the same text, date aside.

    Parameters
    ----------
    path, overrides, today, trusted, deposit
        As for `write_card`.
    context
        Text of the section "Biological context"; by default a form to fill in.
    """
    about = _About(path, overrides or Overrides(), context=context, today=today, trusted=trusted, deposit=deposit)
    inference, text, _ = _made(about)
    return inference, text


@dataclass(frozen=True)
class _About:
    """What a card is to be about, and what is known of it beforehand."""

    path: str | os.PathLike[str]
    overrides: Overrides
    context: str | None
    today: datetime.date | None
    trusted: bool
    deposit: Deposit | None

    @property
    def name(self) -> str:
        """The name of the file."""
        return harmless(name_of(self.path))


def _made(about: _About) -> tuple[Inference, str, RemoteReport | None]:
    columns = about.overrides.columns
    with start_reading(about.path, factors=True, summary=True, also=columns, trusted=about.trusted) as reading:
        inference = infer_design(reading.factors(), about.overrides)
        return inference, _card(inference, reading.summary(), about), reading.report()


def _card(inference: Inference, summary: H5adSummary, about: _About) -> str:
    report = inference.report
    parts = [
        _front_matter(inference, summary, about),
        f"# Design card: {prose(about.name)}",
        *([] if about.deposit is None else [sections.origin(about.deposit)]),
        sections.opening(inference, summary),
        "## Design",
        sections.diagram(_drawing(inference), report.design),
        "## What to know first",
        sections.findings(report.findings),
        "## Open questions",
        sections.questions(report),
        "## Biological context",
        block(EMPTY if about.context is None else about.context),
        "## What can be compared",
        comparisons(inference.facts, analyze_design(inference)),
        "## Integration",
        sections.integration(inference),
        "## Factors",
        sections.factors(inference),
        "## Classes",
        sections.classes(inference),
        "## The file",
        sections.file_contents(summary),
        "## Columns set aside",
        sections.set_aside(inference),
        "## How the numbers were obtained",
        sections.provenance(inference, __version__, _command(about)),
    ]
    return "\n\n".join(parts) + "\n"


def _drawing(inference: Inference) -> str:
    return render(inference.design, text=inference.report.design, totals=inference.totals)


def _front_matter(inference: Inference, summary: H5adSummary, about: _About) -> str:
    report = inference.report
    today = about.today or datetime.datetime.now(tz=datetime.UTC).date()
    unit = None if report.unit is None else {"columns": report.unit.columns, "n_units": report.unit.n_units}
    entries: dict[str, object] = {
        "card": "design",
        "card_version": CARD_VERSION,
        "program": f"anndata-design-inspector {__version__}",
        "date": today.isoformat(),
        "file": about.name,
        "file_size": summary.file_size,
        **_entries_of(about.deposit),
        "n_obs": summary.n_obs,
        "n_vars": summary.n_vars,
        "species": summary.species.name,
        "counts": summary.counts.location,
        "classification": classify(inference.facts, inference.roles, report.findings),
        "design": report.design,
        "unit": unit,
        "given": report.given,
        "questions": [question.id for question in report.questions],
    }
    factors = [
        {
            "name": factor.name,
            "kind": factor.kind,
            "n_levels": factor.n_levels,
            "same_as": factor.same_as,
            **_few_levels(inference, factor.name),
        }
        for factor in report.factors
        if factor.in_design
    ]
    lines = [f"{key}: {yaml_scalar(value)}" for key, value in entries.items()]
    found = [asdict(finding) for finding in report.findings]
    return "\n".join(["---", *lines, *_entries("findings", found), *_entries("factors", factors), "---"])


def _entries_of(deposit: Deposit | None) -> dict[str, object]:
    """Return what the front matter tells of the study."""
    if deposit is None:
        return {}
    return {
        "accession": deposit.accession,
        "url": deposit.url,
        "title": deposit.title,
        "organism": deposit.organism,
        "n_samples": deposit.n_samples,
        "links": [deposit.page, *(each.url for each in deposit.links)],
    }


def _entries(key: str, entries: Sequence[Mapping[str, object]]) -> list[str]:
    """List entries under a key, each on a line."""
    return [f"{key}:" if entries else f"{key}: []", *(f"  - {yaml_scalar(entry)}" for entry in entries)]


def _few_levels(inference: Inference, name: str) -> dict[str, tuple[str, ...]]:
    """Name the levels by which cards are compared, unless they are too many to list anywhere on the card."""
    levels = inference.facts.tables.occurring(name)
    return {"levels": levels} if len(levels) <= sections.MOST_LEVELS_LISTED else {}


def _command(about: _About) -> str:
    overrides = about.overrides
    words = ["write_card.py", about.name if about.deposit is None else about.deposit.file]
    words += [word for column in overrides.unit for word in ("--unit", column)]
    words += [word for column, kind in overrides.kinds.items() for word in ("--kind", f"{column}={kind}")]
    words += [word for column in overrides.ignore for word in ("--ignore", column)]
    words += [word for column in overrides.split for word in ("--split", column)]
    return shlex.join(words)


def name_of(path: str | os.PathLike[str]) -> str:
    """Return the name of a file, also of one on a server, whose address may hold passwords."""
    if "://" not in os.fspath(path):
        return Path(path).name
    from edviz.remote import location_of

    location = location_of(os.fspath(path))
    return Path(path).name if location is None else location.name


def stem_of(path: str | os.PathLike[str]) -> str:
    """Return the name of a file without its endings.

    >>> stem_of("data/lung.h5ad.gz")
    'lung'
    """
    return name_of(path).removesuffix(".gz").removesuffix(".h5ad")


def _earlier_context(target: Path) -> str | None:
    if not target.exists():
        return None
    if not target.is_file():
        raise OutputError(f"{target} is not a file; name the card itself, for instance {target / ('card' + SUFFIX)}")
    try:
        text = target.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise OutputError(
            f"{target} exists and is not a design card; choose another output, or remove it first"
        ) from None
    except OSError as error:
        raise OutputError(f"cannot read the earlier card {target}: {error.strerror}") from error
    return context_of(text, str(target))
