"""A design as plain data, which `design.schema.json` describes, and back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard

from edviz.description import FORMAT, VERSION, describe_factors, relation_records
from edviz.errors import DesignError
from edviz.grammar import dumps
from edviz.model import (
    KINDS,
    Aliasing,
    BatchEffect,
    Classification,
    Count,
    Crossing,
    Design,
    Factor,
    Kind,
    Nesting,
    Relation,
    make_design,
)
from edviz.plain import to_plain

SCHEMA = Path(__file__).with_name("design.schema.json")
"""JSON Schema of the document."""
MOST_FACTORS = 500
"""As in a text: far above any design, and a bound for what a document can cost."""
READ = ("format", "version", "factors", "relations")
DERIVED = ("design", "diagram", "observations", "remarks")
"""What follows from factors and relations: for readers, and not read back."""
FACTOR_KEYS = ("name", "n", "approximate", "kind", "levels", "column", "total")
RELATION_KEYS = ("from", "type", "to", "partial")


def to_dict(design: Design) -> dict[str, Any]:
    """Return a design as dictionaries, lists, texts, numbers and None.

    Parameters
    ----------
    design
        The design.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> to_dict(loads("Donor(4) > Sample(2)"))["relations"]
    [{'from': 'Donor', 'type': 'nests', 'to': 'Sample', 'partial': False}]
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "design": dumps(design),
        "factors": describe_factors(design),
        "relations": relation_records(design),
    }
    return {key: to_plain(_as_plain(value)) for key, value in document.items()}


def to_json(design: Design) -> str:
    """Return a design as JSON; every character that is not ASCII is escaped.

    Parameters
    ----------
    design
        The design.
    """
    return json.dumps(to_dict(design), indent=2, ensure_ascii=True)


def from_json(text: str) -> Design:
    """Read a design from JSON.

    Parameters
    ----------
    text
        What `to_json` wrote, or `render_design.py --json`.

    Raises
    ------
    DesignError
        If it is no JSON, or not that of a design.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DesignError(f"the text is no JSON: {error}") from None
    return from_dict(document)


def from_dict(document: object) -> Design:
    """Make a design of what `to_dict` made of one.

    Parameters
    ----------
    document
        Factors and relations; what follows from them may be left out. Documents of the first edviz,
        with `relationships` in the place of `relations`, are read too.

    Raises
    ------
    DesignError
        If the document does not follow the schema, or its relations contradict each other.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> design = loads("Donor(4) > Sample[1|2|~2|3]")
    >>> from_dict(to_dict(design)) == design
    True
    """
    if not _is_object(document):
        raise DesignError("the document of a design is an object with the entries factors and relations")
    if "relationships" in document:
        document = _of_first_edviz(document)
    _require_known(document, (*READ, *DERIVED), "the document")
    _require_version(document)
    factors = [_factor(entry, f"factors[{place}]") for place, entry in enumerate(_list(document, "factors"))]
    if len(factors) > MOST_FACTORS:
        raise DesignError(f"the document has {len(factors)} factors; a design has at most {MOST_FACTORS}")
    relations = [_relation(entry, f"relations[{place}]") for place, entry in enumerate(_list(document, "relations"))]
    return make_design(factors, relations)


def size_of(n: object, approximate: object, where: str) -> tuple[Count, ...] | None:
    """Read the size of a factor: a number, a list of numbers, a text such as ``~5000``, or None.

    Raises
    ------
    DesignError
        If it is none of these.
    """
    if n is None:
        return None
    entries = list(n) if isinstance(n, list | tuple) else [n]
    about = list(approximate) if isinstance(approximate, list | tuple) else [approximate] * len(entries)
    if len(about) != len(entries) or not all(isinstance(each, bool) for each in about):
        raise DesignError(f"{where}.approximate is true, false or a list with one of them for each entry of n")
    return tuple(_count(entry, bool(each), where) for entry, each in zip(entries, about, strict=True))


def _count(entry: object, approximate: bool, where: str) -> Count:
    if isinstance(entry, str) and entry.startswith("~") and entry[1:].isdecimal() and len(entry) < 20:
        return _count(int(entry[1:]), True, where)
    if not isinstance(entry, int) or isinstance(entry, bool) or entry < 1:
        raise DesignError(f"{where}.n holds {_shown(entry)}; it is a whole number above zero, a list of them, or null")
    return Count(entry, approximate)


def _factor(entry: object, where: str) -> Factor:
    if not _is_object(entry):
        raise DesignError(f"{where} is {_shown(entry)}; a factor is an object with the entries name and n")
    _require_known(entry, FACTOR_KEYS, where)
    levels = entry.get("levels") or []
    if not isinstance(levels, list | tuple) or not all(isinstance(level, str) for level in levels):
        raise DesignError(f"{where}.levels is a list of texts")
    column = entry.get("column")
    if column is not None and not isinstance(column, str):
        raise DesignError(f"{where}.column is {_shown(column)}; it is a text or null")
    return Factor(
        name=_text(entry, "name", where),
        size=size_of(entry.get("n"), entry.get("approximate", False), where),
        kind=_kind(entry.get("kind"), where),
        levels=tuple(levels),
        column=column,
    )


def _kind(value: object, where: str) -> Kind | None:
    for kind in KINDS:
        if value == kind:
            return kind
    if value is not None:
        raise DesignError(f"{where}.kind is {_shown(value)}; it is {', '.join(KINDS)} or null")
    return None


def _relation(entry: object, where: str) -> Relation:
    if not _is_object(entry):
        raise DesignError(f"{where} is {_shown(entry)}; a relation is an object with the entries from, type and to")
    _require_known(entry, RELATION_KEYS, where)
    start, end = _text(entry, "from", where), _text(entry, "to", where)
    partial = entry.get("partial", False)
    if not isinstance(partial, bool):
        raise DesignError(f"{where}.partial is {_shown(partial)}; it is true or false")
    relations: dict[str, Relation] = {
        "nests": Nesting(start, end),
        "crosses": Crossing(start, end),
        "partial_crosses": Crossing(start, end, partial=True),
        "confounded": Aliasing((start, end), partial=partial),
        "classifies": Classification(unit=end, label=start),
        "batch_effect": BatchEffect(start, end),
    }
    kind = _text(entry, "type", where)
    if kind not in relations:
        raise DesignError(f"{where}.type is {_shown(kind)}; it is {', '.join(relations)}")
    return relations[kind]


def _of_first_edviz(document: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a document of the first edviz into our form; there a class came after what it classifies."""
    factors = []
    for entry in _list(document, "factors"):
        if not _is_object(entry):
            raise DesignError(f"factors holds {_shown(entry)}; a factor is an object with the entries name and n")
        kind = entry.get("type")
        factors.append({"name": entry.get("name"), "n": entry.get("n"), "kind": kind if kind in KINDS else None})
    relations = []
    for entry in _list(document, "relationships"):
        if not _is_object(entry):
            raise DesignError(f"relationships holds {_shown(entry)}; it holds objects with from, type and to")
        turned = {"from": entry.get("to"), "to": entry.get("from")} if entry.get("type") == "classifies" else {}
        relations.append({**entry, **turned})
    return {"factors": factors, "relations": relations}


def _require_version(document: Mapping[str, Any]) -> None:
    if document.get("format", FORMAT) != FORMAT:
        raise DesignError(f"the document has the format {_shown(document['format'])}; that of a design is {FORMAT!r}")
    if document.get("version", VERSION) != VERSION:
        raise DesignError(f"the document has the version {_shown(document['version'])}; this program reads {VERSION}")


def _require_known(entry: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in entry:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"its entries are {', '.join(known)}"
            raise DesignError(f"{where} has an entry {_shown(key)}, which no design has; {hint}")


def _list(document: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = document.get(key)
    if not isinstance(value, list | tuple):
        raise DesignError(f"the document of a design has a list {key!r}, not {_shown(value)}")
    return value


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise DesignError(f"{where}.{key} is {_shown(value)}; it is a text")
    return value


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _shown(value: object) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _as_plain(value: object) -> object:
    return [to_plain(each) for each in value] if isinstance(value, tuple) else value
