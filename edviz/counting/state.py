"""Counts as numbers and arrays, to be sent from one process to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edviz.counting.counts import Counted, Elsewhere
from edviz.counting.plan import Plan
from edviz.counting.rows import Rows
from edviz.counting.tables import Filled, Tables

State = dict[str, Any]
"""Texts, whole numbers, lists, dictionaries with texts as keys, and numpy arrays."""


def state_of(counted: Counted) -> State:
    """Take counts apart."""
    tables = counted.tables
    return {
        "n_obs": counted.n_obs,
        "on_demand": list(counted.on_demand),
        "numbers": dict(counted.numbers),
        "anchor_name": tables.plan.anchor,
        "functions": list(tables.plan.functions),
        "packs": [list(pack) for pack in tables.plan.packs],
        "names": list(tables.names),
        "sizes": dict(tables.sizes),
        "told": dict(tables.told),
        "anchor": _state_of_filled(tables.anchor),
        "beside_anchor": [_state_of_filled(filled) for filled in tables.beside_anchor],
        "between": [[one, other, _state_of_filled(filled)] for (one, other), filled in tables.between.items()],
        "exceptions": tables.exceptions,
        "n_exceptions": tables.n_exceptions,
    }


def counted_of(state: Mapping[str, Any], elsewhere: Elsewhere) -> Counted:
    """Put counts together again."""
    tables = Tables(
        plan=Plan(state["anchor_name"], tuple(state["functions"]), tuple(map(tuple, state["packs"]))),
        names=tuple(state["names"]),
        sizes=state["sizes"],
        told=state["told"],
        anchor=Filled(*state["anchor"]),
        beside_anchor=tuple(Filled(*filled) for filled in state["beside_anchor"]),
        between={(one, other): Filled(*filled) for one, other, filled in state["between"]},
        exceptions=state["exceptions"],
        n_exceptions=state["n_exceptions"],
    )
    return Counted(tables, state["n_obs"], state["on_demand"], dict(state["numbers"]), elsewhere)


def state_of_rows(rows: Rows) -> State:
    """Take rows apart."""
    return {"codes": dict(rows.codes), "n": rows.n}


def rows_of(state: Mapping[str, Any]) -> Rows:
    """Put rows together again."""
    return Rows(state["codes"], state["n"])


def _state_of_filled(filled: Filled) -> list[Any]:
    return [filled.keys, filled.n]
