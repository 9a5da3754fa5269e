"""What the data cannot settle, with the arguments that would."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from edviz.infer.facts import Facts
from edviz.infer.findings import describe_parts, single_units
from edviz.infer.labels import reused_label_pairs
from edviz.infer.result import Question
from edviz.infer.structure import Roles

Ask = Callable[[Facts, Roles], Iterator[Question]]
ASKED: list[Ask] = []


def question(function: Ask) -> Ask:
    """Register a question."""
    ASKED.append(function)
    return function


def ask_all(facts: Facts, roles: Roles) -> tuple[Question, ...]:
    """Collect all open questions."""
    return tuple(asked for function in ASKED for asked in function(facts, roles))


@question
def which_unit(facts: Facts, roles: Roles) -> Iterator[Question]:
    """Several columns could be the unit, or none could."""
    if facts.unit is None and single_units(facts):
        return
    if facts.unit is None:
        if not facts.names:
            return
        names = tuple(
            name for name in roles.factors[:6] if facts.kinds[name] == "unit" or facts.confidence[name] == "low"
        )
        options = tuple(_argument("--unit", name) for name in names)
        text = "Which column, or combination of columns, names the samples or donors that the cells come from?"
        yield Question("unit", text, names, options or ("--unit COLUMN",))
    elif facts.unit.rivals:
        names = (*facts.unit.columns, *facts.unit.rivals)
        text = f"{' and '.join(names)} explain equally many columns: which one names the experimental units?"
        yield Question("unit", text, names, tuple(_argument("--unit", name) for name in names))
    elif len(facts.unit.columns) > 1 and not facts.unit.given:
        names = facts.unit.columns
        text = f"No column names the samples; is each combination of {' and '.join(names)} one sample?"
        yield Question("unit", text, names, (_argument(*(word for name in names for word in ("--unit", name))),))


@question
def which_kind(facts: Facts, roles: Roles) -> Iterator[Question]:
    """Factors of the design whose kind rests on next to nothing."""
    unsure = [
        name
        for name in (*roles.factors, *roles.batches)
        if facts.confidence[name] == "low" and not facts.is_unit(name) and name not in facts.given_kinds
    ]
    if unsure:
        text = f"What is {' / '.join(unsure)}: assigned by the experimenter, a property of the units, or technical?"
        text += " KIND is treatment, observational, batch or unit."
        options = tuple(_argument("--kind", f"{name}=KIND") for name in unsure)
        yield Question("kind", text, tuple(unsure), options)


@question
def class_or_factor(facts: Facts, roles: Roles) -> Iterator[Question]:
    """Columns that vary within units without saying whether they were measured or assigned."""
    unsure = [
        name
        for name in facts.names
        if facts.unit_table is not None
        and not facts.is_unit_level(name)
        and facts.confidence[name] == "low"
        and name not in facts.given_kinds
    ]
    if unsure:
        more = f" (and {len(unsure) - 6} others)" if len(unsure) > 6 else ""
        named = " / ".join(unsure[:6]) + more
        text = f"Within units the level of {named} varies: was it measured on cells, or assigned to part of a sample?"
        text += " KIND is classification, treatment, observational or batch."
        options = tuple(_argument("--kind", f"{name}=KIND") for name in unsure[:6])
        yield Question("class_or_factor", text, tuple(unsure), options)


@question
def split_composites(facts: Facts, roles: Roles) -> Iterator[Question]:
    """Level names that could be split into factors that no column holds."""
    for name, composite in facts.composites.items():
        text = f"Do the level names of {name} hold a factor of its own ({describe_parts(composite)})?"
        if composite.mixed:
            text += " One part mixes words with quantities, so it may be two factors."
        yield Question("composite", text, (name,), (_argument("--split", name),) if composite.aligned == 1 else ())


@question
def nested_labels(facts: Facts, roles: Roles) -> Iterator[Question]:
    """Bare labels that may be used again in each parent."""
    pairs = reused_label_pairs(facts)
    if facts.nested is not None and not facts.nested.given:
        pairs = [(facts.nested.label, facts.nested.parents[0]), *pairs]
    for name, parent in pairs:
        levels = facts.tables.occurring(name)
        crossed = _argument("--kind", f"{name}={facts.kinds.get(name, 'unit')}")
        nested = _argument("--unit", parent, "--unit", name)
        text = (
            f"Is {name} {levels[0]!r} the same in every {parent} (crossed: {crossed}), "
            f"or another one in each (nested: {nested})?"
        )
        yield Question("reused_labels", text, (name, parent), (crossed, nested))


def _argument(*words: str) -> str:
    """Write options and their values so that a shell passes them on as they are, whatever the column is called."""
    paired = zip(words[::2], words[1::2], strict=True)
    return " ".join(
        shlex.quote(f"{option}={value}") if value.startswith("-") else f"{option} {shlex.quote(value)}"
        for option, value in paired
    )
