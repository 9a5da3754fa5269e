"""A condition that picks designs out of many, such as ``paired and units >= 5, treatments = 2``.

`where.lark` is the language. A word is a trait (`edviz.comparison.traits.Traits`) or the name of a factor, whose
number is its levels in all. Alone it asks whether that holds, or whether there is such a factor. What is not known of a
design fulfils no comparison.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edviz.comparison.matching import spelling
from edviz.comparison.subject import Subject
from edviz.comparison.traits import Traits
from edviz.errors import DesignError

if TYPE_CHECKING:
    from lark import Lark, Tree

LONGEST = 1_000
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TRAITS = tuple(field.name for field in fields(Traits) if field.name != "design")
SAME_AS = {"confounded": "aliased", "obs": "observations", "cells": "observations", "n_obs": "observations"}
Value = str | int | bool | None


@dataclass(frozen=True)
class Condition:
    """A condition on designs."""

    text: str
    _tree: Tree[Any]

    def require_known(self, designs: Iterable[Subject]) -> None:
        """Check that every word is a trait, or a factor of one of the designs.

        Raises
        ------
        DesignError
            If one is neither.
        """
        factors = {spelling(name): name for subject in designs for name in subject.design.names}
        for found in self._tree.find_data("name"):
            word = _text(found)
            if _trait(word) is None and spelling(word) not in factors:
                near = get_close_matches(word.casefold(), [*TRAITS, *factors.values()], n=2)
                hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(TRAITS)} and factors"
                raise DesignError(f"the condition {self.text!r} has a word {word!r} that nothing is called; {hint}")

    def holds(self, subject: Subject, traits: Traits) -> bool:
        """Say whether a design fulfils the condition."""
        return _holds(self._tree, subject, traits)


def read_condition(text: str) -> Condition:
    """Read a condition.

    Parameters
    ----------
    text
        Words with comparisons, joined by `and` or a comma, `or`, `not` and parentheses.

    Raises
    ------
    DesignError
        If the text is not of that form.

    Examples
    --------
    >>> from edviz.comparison import subject_of, traits_of
    >>> subject = subject_of("donor(8){kind=unit} × stim(2){kind=treatment} > cell(~500)")
    >>> read_condition("paired, donors >= 5 and treatments = 2").holds(subject, traits_of(subject))
    True
    """
    from lark import UnexpectedInput

    if len(text) > LONGEST:
        raise DesignError(f"the condition has {len(text)} characters; it may have {LONGEST}")
    try:
        return Condition(text, _parser().parse(text))
    except UnexpectedInput as error:
        ended = getattr(getattr(error, "token", None), "type", None) == "$END"
        where = "at its end" if ended else f"at character {error.column}"
        raise DesignError(
            f"the condition {text!r} cannot be read {where}; write for instance 'paired and units >= 5, treatments = 2'"
        ) from None


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(
        Path(__file__).with_name("where.lark").read_text(encoding="utf-8"), parser="lalr", maybe_placeholders=True
    )


def _holds(tree: Tree[Any], subject: Subject, traits: Traits) -> bool:
    if tree.data == "either":
        return any(_holds(child, subject, traits) for child in tree.children)
    if tree.data == "both":
        return all(_holds(child, subject, traits) for child in tree.children)
    if tree.data == "negated":
        return not _holds(tree.children[0], subject, traits)
    name, sign, wanted = tree.children
    found = _value(_text(name), subject, traits)
    if sign is None:
        return bool(found)
    return _compare(found, str(sign), _wanted(wanted))


def _compare(found: Value, sign: str, wanted: str | int) -> bool:
    if found is None:
        return False
    if isinstance(found, bool):
        found = "yes" if found else "no"
    if isinstance(found, str) or isinstance(wanted, str):
        # As texts only equality means something.
        same = str(found).casefold() == str(wanted).casefold()
        return same if sign in ("=", "==") else not same if sign == "!=" else False
    return OPERATORS[sign](found, wanted)


def _value(word: str, subject: Subject, traits: Traits) -> Value:
    """Return a trait, or the levels of the factor of that name, which goes before a trait if it is spelled just so."""
    named = [name for name in subject.design.names if spelling(name) == spelling(word)]
    trait = _trait(word)
    if trait is not None and word not in named:
        value: Value = getattr(traits, trait)
        return value
    if not named:
        return None
    return max((subject.total(name).high or 0 for name in named), default=0) or None


def _trait(word: str) -> str | None:
    folded = SAME_AS.get(word.casefold(), word.casefold())
    return folded if folded in TRAITS else None


def _wanted(tree: Tree[Any]) -> str | int:
    token: Any = tree.children[0]
    if token.type == "NUMBER":
        digits = str(token).replace("_", "")
        return int(digits[:-1]) * 1000 if digits.endswith("k") else int(digits)
    return _text(tree)


def _text(tree: Tree[Any]) -> str:
    return str(tree.children[0]).strip('"')
