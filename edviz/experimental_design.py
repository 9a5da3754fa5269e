"""The interface of the first edviz: a design that grows by calls, and its ways out as methods."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edviz.checks import check_design
from edviz.counts import count_observations, total_levels
from edviz.description import relation_records
from edviz.diagram import render
from edviz.errors import DesignError
from edviz.export import document, dot, graph
from edviz.grammar import dumps, loads
from edviz.grammar.spelling import spell_size
from edviz.model import (
    KINDS,
    Aliasing,
    BatchEffect,
    Classification,
    Crossing,
    Design,
    Factor,
    Kind,
    Nesting,
    Relation,
    make_design,
)
from edviz.output import writing

if TYPE_CHECKING:
    import networkx

_SAYS = {
    "nests": "nests",
    "crosses": "is crossed with",
    "partial_crosses": "is partly crossed with",
    "confounded": "cannot be told apart from",
    "classifies": "classifies the levels of",
    "batch_effect": "is a batch of",
}


class ExperimentalDesign:
    """A design that is built step by step.

    `design` is what was built so far. Everything else works on that, and says what the functions of the
    library say; new code may as well use them.

    Examples
    --------
    >>> mice = ExperimentalDesign()
    >>> mice.add_factor("Genotype", 2, "treatment")
    >>> mice.add_factor("Mouse", 4)
    >>> mice.add_nesting("Genotype", "Mouse")
    >>> mice.to_grammar()
    'Genotype(2){kind=treatment} > Mouse(4)'
    >>> mice.count_observations()
    8
    """

    def __init__(self) -> None:
        self._factors: list[Factor] = []
        self._relations: list[Relation] = []

    @classmethod
    def from_grammar(cls, text: str) -> ExperimentalDesign:
        """Read a text in the edviz language.

        Raises
        ------
        GrammarError
            If it is not in the language.
        """
        return cls.from_design(loads(text))

    @classmethod
    def from_dict(cls, document_of_design: Mapping[str, Any]) -> ExperimentalDesign:
        """Read what `to_dict` returned, here or in the first edviz.

        Raises
        ------
        DesignError
            If it is not the document of a design.
        """
        return cls.from_design(document.from_dict(document_of_design))

    @classmethod
    def from_design(cls, design: Design) -> ExperimentalDesign:
        """Start from a design."""
        built = cls()
        built._factors = list(design.factors)
        built._relations = sorted(design.relations, key=repr)
        return built

    @property
    def design(self) -> Design:
        """What was built so far, in normal form."""
        return make_design(self._factors, self._relations)

    def add_factor(self, name: str, n: int | str | Sequence[int | str] | None = None, kind: str | None = None) -> None:
        """Add a factor.

        Parameters
        ----------
        name
            A name that no other factor has.
        n
            Levels per parent, one number for each parent level, or None if unknown; ``"~5000"`` is about so many.
        kind
            `unit`, `treatment`, `observational`, `batch` or `classification`; None, or `factor` as in the first
            edviz, to leave it to the relations.

        Raises
        ------
        DesignError
            If the name is taken, or number or kind is none.
        """
        if kind not in (None, "factor", *KINDS):
            raise DesignError(f"no kind {kind!r} for {name!r}; the kinds are {', '.join(KINDS)}")
        known: Kind | None = next((each for each in KINDS if each == kind), None)
        size = document.size_of(n, False, name)
        self._keep([*self._factors, Factor(name, size, known)], self._relations)

    def add_nesting(self, parent: str, child: str) -> None:
        """Add ``parent > child``.

        Raises
        ------
        DesignError
            As for every relation: if a factor is unknown, or the relation contradicts another.
        """
        self._relate(Nesting(parent, child))

    def add_crossing(self, factor: str, other: str, partial: bool = False) -> None:
        """Add ``factor × other``, or ``factor ◊ other`` if some combinations are missing."""
        self._relate(Crossing(factor, other, partial))

    def add_classification(self, factor: str, classifier: str) -> None:
        """Add ``factor : classifier``; the classifier becomes a classification."""
        self._relate(Classification(factor, classifier), classifier, "classification")

    def add_batch_effect(self, batch: str, affected: str | Iterable[str]) -> None:
        """Add ``batch == unit`` for each affected unit; the batch factor becomes a batch."""
        for unit in [affected] if isinstance(affected, str) else affected:
            self._relate(BatchEffect(batch, unit), batch, "batch")

    def add_confound(self, factor: str, other: str) -> None:
        """Add ``{factor ≈≈ other}``."""
        self._relate(Aliasing((factor, other)))

    def to_grammar(self, *, ascii: bool = False) -> str:
        """Return the design as a text in the edviz language."""
        return dumps(self.design, ascii=ascii)

    def to_dict(self) -> dict[str, Any]:
        """Return the design as plain data; see `edviz.export.to_dict`."""
        return document.to_dict(self.design)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the design as JSON, and write it to a file if a path is given.

        Raises
        ------
        OutputError
            Like all methods with a path: if the file cannot be written.
        """
        return _written(document.to_json(self.design), path)

    def to_dot(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the picture of the design in DOT, and write it to a file if a path is given."""
        return _written(dot.to_dot(self.design), path)

    def to_graphml(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the design as GraphML, and write it to a file if a path is given."""
        return _written(graph.to_graphml(self.design), path)

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return the design as a graph of networkx; see `edviz.export.to_networkx`."""
        return graph.to_networkx(self.design)

    def ascii_diagram(self, width: int = 80, *, ascii: bool = False) -> str:
        """Return the design as a text diagram, by default with the line-drawing characters of Unicode.

        Raises
        ------
        OutputError
            If the design does not fit into the width.
        """
        return render(self.design, width=width, ascii=ascii)

    def validate(self) -> list[str]:
        """Return what is probably wrong with the design, a sentence each; none if nothing is."""
        return [remark.text for remark in check_design(self.design) if remark.severity != "note"]

    def count_observations(self) -> int | str | None:
        """Return the number of observations, such as ``"~5000"`` or ``"10 to 49"`` if not exact, None if unknown."""
        count = count_observations(self.design)
        if count.high is None:
            return None
        if count.exact:
            return count.high
        number = f"{'~' if count.approximate else ''}{count.high}"
        return number if count.low == count.high else f"{count.low} to {number}"

    def describe(self) -> str:
        """Return factors, relations and the number of observations in words, a line each."""
        design = self.design
        lines = [f"{len(design.factors)} factors:"]
        for factor in design.factors:
            total = total_levels(design, factor.name).high
            known = f", {total} in all" if total is not None and design.parents(factor.name) else ""
            lines.append(f"  {factor.name}{spell_size(factor.size)}: {factor.kind or 'kind not stated'}{known}")
        lines.append(f"{len(relation_records(design))} relations:")
        lines += [f"  {each['from']} {_SAYS[each['type']]} {each['to']}" for each in relation_records(design)]
        lines.append(f"observations: {'unknown' if (n := self.count_observations()) is None else n}")
        return "\n".join(lines)

    def _relate(self, relation: Relation, name: str | None = None, kind: Kind | None = None) -> None:
        factors = [replace(factor, kind=kind) if factor.name == name else factor for factor in self._factors]
        self._keep(factors, [*self._relations, relation])

    def _keep(self, factors: list[Factor], relations: list[Relation]) -> None:
        make_design(factors, relations)
        self._factors, self._relations = factors, relations


def _written(text: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        with writing(Path(path)) as stream:
            stream.write(text)
    return text
