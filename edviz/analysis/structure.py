"""Formulas of factors: `blocks/plots`, `rows*columns`, `(occasion/driver)*car`, `A + B + A:B`.

The operators are those of Wilkinson and Rogers (1973), Applied Statistics 22, 392-399, and bind as there:
`:` before `/` before `*` before `+`. A name with other characters stands in backquotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence

from edviz.analysis.units import Term
from edviz.errors import DesignError

Formula = str | Iterable[str | Sequence[str]]
"""A formula, names of factors, or terms: `"batch*drug"`, `["batch", "drug"]`, `[("batch",), ("batch", "drug")]`."""

_TOKEN = re.compile(r"\s*(?:`([^`]+)`|([^\s`:/*+()]+)|([:/*+()]))")
Terms = list[Term]


def terms_of(formula: Formula, known: Collection[str]) -> tuple[Term, ...]:
    """Expand a formula into its terms, those of fewer factors first.

    Parameters
    ----------
    formula
        A formula; names of factors, or terms that are already expanded, are checked and put in order.
    known
        Names that a formula may use.

    Raises
    ------
    DesignError
        If the formula cannot be read or names something else.

    Examples
    --------
    >>> terms_of("(occasion/driver)*car", ["occasion", "driver", "car"])
    (('occasion',), ('car',), ('occasion', 'driver'), ('occasion', 'car'), ('occasion', 'driver', 'car'))
    """
    if isinstance(formula, str):
        terms = _Reader(formula).read()
    else:
        terms = [(term,) if isinstance(term, str) else tuple(term) for term in formula]
    for name in dict.fromkeys(name for term in terms for name in term):
        if name not in known:
            raise DesignError(f"no factor {name!r} for the formula {formula!r}; the factors are {', '.join(known)}")
    return tuple(sorted(_distinct(terms), key=len))


def stratum_name(term: Term, terms: Collection[Term]) -> str:
    """Name what a term adds to the terms it contains: `plots[blocks]` if nested, `rows#columns` if crossed."""
    if len(term) > 1 and not any(set(other) < set(term) for other in terms):
        return ":".join(term)
    nesting = nesting_of(term, terms)
    crossed = "#".join(name for name in term if name not in nesting)
    return f"{crossed}[{':'.join(nesting)}]" if nesting else crossed


def nesting_of(term: Term, terms: Collection[Term]) -> Term:
    """Return those factors of a term that nest the others: the model has no term without them."""
    sets = {frozenset(other) for other in terms}
    nesting = tuple(name for name in term if len(term) > 1 and frozenset(term) - {name} not in sets)
    return nesting if len(nesting) < len(term) else ()


class _Reader:
    """Reads a formula from left to right, one function for each strength of binding."""

    def __init__(self, formula: str) -> None:
        self.formula = formula
        self.tokens = self._tokens()
        self.place = 0

    def read(self) -> Terms:
        terms = self._sum()
        if self.place < len(self.tokens):
            raise self._error(f"{self.tokens[self.place][1]!r} stands where an operator would be right")
        return terms

    def _tokens(self) -> list[tuple[str, str]]:
        tokens, place = [], 0
        text = self.formula.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._error(f"{text[place:].strip()[:10]!r} is neither a name nor an operator")
            quoted, plain, operator = match.groups()
            tokens.append(("operator", operator) if operator else ("name", quoted or plain))
            place = match.end()
        return tokens

    def _sum(self) -> Terms:
        return self._chain("+", self._product, lambda left, right: _distinct([*left, *right]))

    def _product(self) -> Terms:
        return self._chain("*", self._nesting, _crossed)

    def _nesting(self) -> Terms:
        return self._chain("/", self._combination, _nested)

    def _combination(self) -> Terms:
        return self._chain(":", self._atom, _combined)

    def _chain(self, operator: str, operand: Callable[[], Terms], join: Callable[[Terms, Terms], Terms]) -> Terms:
        terms = operand()
        while self.place < len(self.tokens) and self.tokens[self.place] == ("operator", operator):
            self.place += 1
            terms = join(terms, operand())
        return terms

    def _atom(self) -> Terms:
        if self.place == len(self.tokens):
            raise self._error("it ends where a name would be right")
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind == "name":
            return [(text,)]
        if text != "(":
            raise self._error(f"{text!r} stands where a name would be right")
        terms = self._sum()
        if self.place == len(self.tokens) or self.tokens[self.place] != ("operator", ")"):
            raise self._error("a parenthesis is not closed")
        self.place += 1
        return terms

    def _error(self, what: str) -> DesignError:
        return DesignError(
            f"in the formula {self.formula!r} {what}; write for example 'blocks/plots' or 'rows*columns'"
        )


def _distinct(terms: Iterable[Term]) -> Terms:
    """Keep the first of terms that have the same factors."""
    found: dict[frozenset[str], Term] = {}
    for term in terms:
        found.setdefault(frozenset(term), term)
    return list(found.values())


def _combined(left: Terms, right: Terms) -> Terms:
    return _distinct(tuple(dict.fromkeys(a + b)) for a in left for b in right)


def _crossed(left: Terms, right: Terms) -> Terms:
    return _distinct([*left, *right, *_combined(left, right)])


def _nested(left: Terms, right: Terms) -> Terms:
    everything = tuple(dict.fromkeys(name for term in left for name in term))
    return _distinct([*left, *_combined([everything], right)])
