"""Designs from wherever they are written: a text, JSON, a text file, a design card or an .h5ad file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edviz.errors import DesignError
from edviz.export.document import from_json
from edviz.grammar import loads
from edviz.model import Design

if TYPE_CHECKING:
    from edviz.infer import Inference, Overrides
    from edviz.supervised.reading import Reading

LARGEST_TEXT = 1_000_000
"""A design is a few lines; a file with more bytes than this is something else."""
FIRST_BYTES = (b"\x89HDF", b"\x1f\x8b")
"""Of an HDF5 file, and of one compressed with gzip."""
FILE_SUFFIXES = (".h5ad", ".h5ad.gz", ".md", ".txt", ".edviz", ".json")


@dataclass(frozen=True)
class KnownDesign:
    """A design, and what its source tells beside it; None where it does not.

    Attributes
    ----------
    design
        The design.
    totals
        Levels in all that were counted, by factor.
    levels
        Names of the levels that occur, by factor.
    n_obs
        Number of observations.
    unit
        Columns that together name the experimental unit; empty if every row is one.
    n_units
        Number of experimental units.
    species
        As the file tells, `unknown` if it does not.
    has_counts
        Whether some matrix holds raw counts.
    """

    design: Design
    totals: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    n_obs: int | None = None
    unit: tuple[str, ...] | None = None
    n_units: int | None = None
    species: str | None = None
    has_counts: bool | None = None


def known_design_of(text_or_path: str, *, contents: bool = False) -> KnownDesign:
    """Return the design in a text, or in the file of that path if there is one, with what the source tells.

    Parameters
    ----------
    text_or_path
        A text, a path, or the address of a file on a server.
    contents
        Whether to look for species and raw counts in an .h5ad file, too.

    Raises
    ------
    DesignError
        If this is the name of a file that does not exist, or of one without a design.
    GrammarError
        If the text is not in the edviz language.
    H5adError
        If it is an .h5ad file that cannot be read.
    """
    if text_or_path and _exists(text_or_path):
        return known_design_of_file(Path(text_or_path), contents=contents)
    if "://" in text_or_path and "\n" not in text_or_path:
        return _infer(text_or_path, contents=contents)
    if text_or_path.strip().lower().endswith(FILE_SUFFIXES):
        raise DesignError(f"no such file: {text_or_path}")
    return known_design_of_text(text_or_path)


def known_design_of_file(path: Path, *, contents: bool = False) -> KnownDesign:
    """Return the design in a text file or a design card, or infer that of an .h5ad file.

    Parameters
    ----------
    path
        The file.
    contents
        Whether to look for species and raw counts in an .h5ad file, too.

    Raises
    ------
    DesignError
        If the file holds no design.
    GrammarError
        If its text is not in the edviz language.
    H5adError
        If it is an .h5ad file that cannot be read.
    """
    if path.is_dir():
        raise DesignError(f"{path} is a folder; name a file with a design, a design card or an .h5ad file")
    with path.open("rb") as file:
        start = file.read(LARGEST_TEXT + 1)
    if path.suffix == ".h5ad" or start.startswith(FIRST_BYTES):
        return _infer(path, contents=contents)
    if len(start) > LARGEST_TEXT:
        raise DesignError(f"{path} holds more than {LARGEST_TEXT:,} bytes, which is too long for a design")
    try:
        return known_design_of_text(start.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise DesignError(f"{path} is neither text nor an .h5ad file") from None


def known_design_of_text(text: str) -> KnownDesign:
    """Return the design that a text, JSON or a design card holds.

    Raises
    ------
    DesignError
        If the text has the front matter of a card, but no design in it, or is JSON of something else.
    GrammarError
        If it is not in the edviz language.
    """
    if text.startswith(("---\n", "---\r\n")):
        known = _of_card(_front_matter(text))
    else:
        known = _of_design(from_json(text) if _is_json(text) else loads(text))
    if not known.design.factors:
        raise DesignError("the text holds no design; write one such as 'donor(8) > sample(2)'")
    return known


@contextmanager
def inferring(
    text_or_path: str, overrides: Overrides | None = None, *, trusted: bool = False
) -> Iterator[tuple[Inference, Reading | None]]:
    """Infer the design of an .h5ad file, or take a text for the table of units that it promises.

    Of a text, batches are left out: it does not say which units each of them holds.

    Parameters
    ----------
    text_or_path
        An .h5ad file or its address; or a text, a text file or a card with a design that says all.
    overrides
        What the user says.
    trusted
        As for `edviz.supervised.start_reading`.

    Yields
    ------
    The inference, of use while the file is open, and the reading of the file if there is one.

    Raises
    ------
    DesignError
        If the design leaves open which combinations occur or how many, or an override does not fit.
    GrammarError
        If a text is not in the edviz language.
    H5adError
        If it is an .h5ad file that cannot be read.
    """
    from edviz.infer import Overrides

    overrides = overrides or Overrides()
    if _is_h5ad(text_or_path):
        from edviz.supervised import start_reading

        with start_reading(text_or_path, factors=True, also=overrides.columns, trusted=trusted) as reading:
            from edviz.infer import infer_design  # while the file is being read

            yield infer_design(reading.factors(), overrides), reading
    else:
        yield inference_of_design(design_of(text_or_path), overrides), None


def inference_of_design(design: Design, overrides: Overrides | None = None) -> Inference:
    """Infer a design from the table of units that it promises; batches are left out, as `inferring` does.

    Raises
    ------
    DesignError
        If the design leaves open which combinations occur or how many, or an override does not fit.
    """
    from edviz.infer import Overrides, infer_design
    from edviz.nominal import kinds_of, nominal_table, unit_columns

    overrides = overrides or Overrides()
    table = nominal_table(design)
    unit = unit_columns(design)
    batches = {effect.batch for effect in design.batch_effects} & set(table.counts.names)
    given = replace(
        overrides,
        unit=overrides.unit or (unit if len(unit) == 1 else ()),
        kinds={name: kind for name, kind in kinds_of(design).items() if name not in batches} | dict(overrides.kinds),
        ignore=(*overrides.ignore, *sorted(batches - set(overrides.ignore))),
    )
    return infer_design(table, given)


def _is_h5ad(text_or_path: str) -> bool:
    if "://" in text_or_path and "\n" not in text_or_path:
        return True
    if not _exists(text_or_path) or Path(text_or_path).is_dir():
        return text_or_path.strip().lower().endswith((".h5ad", ".h5ad.gz")) or _exists(text_or_path)
    if Path(text_or_path).suffix == ".h5ad":
        return True
    if not Path(text_or_path).is_file():
        return True  # a pipe or a device, which the reader of .h5ad files refuses
    with Path(text_or_path).open("rb") as file:
        return file.read(len(max(FIRST_BYTES, key=len))).startswith(FIRST_BYTES)


def design_of(text_or_path: str) -> Design:
    """Return the design in a text, or in the file of that path if there is one; raises as `known_design_of` does."""
    return known_design_of(text_or_path).design


def _of_design(design: Design) -> KnownDesign:
    return KnownDesign(design, levels={factor.name: factor.levels for factor in design.factors if factor.levels})


def _infer(path: Path | str, *, contents: bool) -> KnownDesign:
    # Only this kind of source needs numpy.
    from edviz.infer import infer_design
    from edviz.supervised import start_reading

    with start_reading(path, factors=True, summary=contents) as reading:
        inference = infer_design(reading.factors())
        summary = reading.summary() if contents else None
    unit = inference.report.unit
    return KnownDesign(
        design=inference.design,
        totals=inference.totals,
        levels={name: inference.facts.tables.occurring(name) for name in inference.roles.shown},
        n_obs=inference.report.n_obs,
        unit=None if unit is None else unit.columns,
        n_units=None if unit is None else unit.n_units,
        species=None if summary is None else summary.species.name,
        has_counts=None if summary is None else summary.counts.location is not None,
    )


def _of_card(entries: Mapping[str, Any]) -> KnownDesign:
    """Take from the front matter of a card what it tells; entries of another form tell nothing."""
    design = loads(_written_on_card(entries))
    factors = [
        each for each in (entries.get("factors") or []) if isinstance(each, dict) and each.get("name") in design.names
    ]
    totals = {each["name"]: each["n_levels"] for each in factors if isinstance(each.get("n_levels"), int)}
    n_obs = entries.get("n_obs") if isinstance(entries.get("n_obs"), int) else None
    rows = [name for name in design.names if name not in totals]
    if len(rows) == 1 and n_obs is not None:
        totals[rows[0]] = n_obs
    unit: dict[str, Any] = entries["unit"] if isinstance(entries.get("unit"), dict) else {}
    return KnownDesign(
        design=design,
        totals=totals,
        levels={
            each["name"]: tuple(map(str, each["levels"])) for each in factors if isinstance(each.get("levels"), list)
        },
        n_obs=n_obs,
        unit=tuple(map(str, unit["columns"])) if isinstance(unit.get("columns"), list) else None,
        n_units=unit.get("n_units") if isinstance(unit.get("n_units"), int) else None,
        species=entries["species"] if isinstance(entries.get("species"), str) else None,
        has_counts=entries["counts"] is not None if "counts" in entries else None,
    )


def _front_matter(card: str) -> dict[str, Any]:
    """Read the front matter of a card, whose values are JSON; lines of another form are passed over."""
    entries: dict[str, Any] = {}
    key = ""
    for line in card.splitlines()[1:]:
        if line == "---":
            break
        if line.startswith("  - ") and isinstance(entries.get(key), list):
            entries[key].append(_json_or_none(line[4:]))
            continue
        key, _, value = line.partition(":")
        entries[key] = _json_or_none(value) if value.strip() else []
    return entries


def _written_on_card(entries: Mapping[str, Any]) -> str:
    if "design" not in entries:
        raise DesignError("the text starts like a design card, but its front matter has no entry 'design'")
    text = entries["design"]
    if not isinstance(text, str):
        raise DesignError("the entry 'design' of the card is not a string in double quotes")
    return text


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_json(text: str) -> bool:
    """Whether a text is JSON; one in the edviz language may begin with a brace, too, but is never JSON."""
    return text.lstrip().startswith("{") and _json_or_none(text) is not None


def _exists(text_or_path: str) -> bool:
    try:
        return Path(text_or_path).exists()
    except (OSError, ValueError):
        # Longer than a path may be, or with a character that no path has.
        return False
