"""The factors as a table: in Markdown, and for pandas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from edviz.counts import CountRange, total_levels
from edviz.errors import OutputError
from edviz.grammar.spelling import spell_size
from edviz.model import Design, Factor, factors_of

if TYPE_CHECKING:
    import pandas

    from edviz.infer import Report
    from edviz.infer.result import FactorReport

Cell: TypeAlias = str | int | tuple[str, ...] | None
"""A tuple holds names of factors or columns."""


def factor_records(source: Design | Report) -> list[dict[str, Cell]]:
    """List what is known of each factor.

    Parameters
    ----------
    source
        A design, or the report of an inference, which knows more: all candidate factors with their
        evidence, not only those that the design shows.

    Returns
    -------
    A record for each factor, all with the same entries; None where nothing is known.
    """
    if isinstance(source, Design):
        return [_of_design(source, factor) for factor in source.factors]
    return [_of_report(factor) for factor in source.factors]


def factors_to_markdown(source: Design | Report) -> str:
    """Write the factors as a table in Markdown, where text from a file shows as written and does nothing.

    Columns without any entry are left out.

    Parameters
    ----------
    source
        As for `factor_records`.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> print(factors_to_markdown(loads("(Genotype(2) × Diet(2)) > Mouse(5)")))
    | factor | kind | levels | in all | nested in | crossed with |
    | --- | --- | --- | --- | --- | --- |
    | `Genotype` |  | 2 | 2 |  | `Diet` |
    | `Diet` |  | 2 | 2 |  | `Genotype` |
    | `Mouse` | unit | 5 | 20 | `Genotype`, `Diet` |  |
    """
    # Not at the top: the card needs arrays, and a design does not.
    from edviz.card.markdown import code, prose, table

    def shown(cell: Cell) -> str:
        if isinstance(cell, tuple):
            return ", ".join(map(code, cell))
        return "" if cell is None else prose(str(cell))

    records = [record | {"factor": (str(record["factor"]),)} for record in factor_records(source)]
    used = [
        key for key in (records[0] if records else ()) if any(record[key] not in (None, (), "") for record in records)
    ]
    return table(used, ([shown(record[key]) for key in used] for record in records))


def factors_to_pandas(source: Design | Report) -> pandas.DataFrame:
    """Return the factors as a data frame.

    Parameters
    ----------
    source
        As for `factor_records`.

    Returns
    -------
    A row for each factor, with its name as the index; several names in a cell are separated by a semicolon.

    Raises
    ------
    OutputError
        If pandas is not installed.
    """
    try:
        import pandas  # optional
    except ImportError:
        raise OutputError("data frames need pandas, which is not installed: pip install pandas") from None
    records = [
        {key: "; ".join(cell) if isinstance(cell, tuple) else cell for key, cell in record.items()}
        for record in factor_records(source)
    ]
    return pandas.DataFrame.from_records(records, index="factor")


def _of_design(design: Design, factor: Factor) -> dict[str, Cell]:
    def others(relations: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        found = {name for names in relations if factor.name in names for name in names}
        return tuple(name for name in design.names if name in found and name != factor.name)

    full = [factors_of(each) for each in design.crossings if not each.partial]
    partial = [factors_of(each) for each in design.crossings if each.partial]
    return {
        "factor": factor.name,
        "kind": factor.kind,
        "levels": spell_size(factor.size).strip("()[]"),
        "in all": _range(total_levels(design, factor.name)),
        "nested in": design.parents(factor.name),
        "crossed with": others(full),
        "partly crossed with": others(partial),
        "aliased with": others(each.factors for each in design.aliasings),
        "batch of": tuple(each.unit for each in design.batch_effects if each.batch == factor.name),
        "classifies": tuple(each.unit for each in design.classifications if each.label == factor.name),
        "names of levels": factor.levels,
        "column": factor.column,
    }


def _of_report(factor: FactorReport) -> dict[str, Cell]:
    return {
        "factor": factor.name,
        "kind": factor.kind,
        "confidence": "given" if factor.given else factor.confidence,
        "levels": factor.n_levels,
        "constant within units": "yes" if factor.level == "unit" else "no",
        "in the design": "yes" if factor.in_design else "no",
        "same partition": factor.same_as,
        "evidence": "; ".join(factor.evidence),
    }


def _range(total: CountRange) -> str | None:
    if total.high is None:
        return None
    number = f"~{total.high}" if total.approximate else str(total.high)
    return number if total.low == total.high else f"{total.low} to {number}"
