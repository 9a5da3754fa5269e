"""Results are plain data, so that they can be handed on as JSON."""

import json
from dataclasses import asdict

import pytest

from edviz import analysis
from edviz.analysis.power import detectable_effects
from tests.analysis.designs import published

RESULTS = {
    "lattice": lambda table: analysis.lattice(table),
    "balance": lambda table: analysis.balance(table),
    "anatomy": lambda table: analysis.anatomy(table, "block", "N*P*K"),
    "expected_mean_squares": lambda table: analysis.expected_mean_squares(table, "block*N", ["block"]),
    "effect": lambda table: analysis.effect(table, "N", "block"),
    "interaction": lambda table: analysis.interaction(table, "NPK", "block"),
    "comparison": lambda table: analysis.comparison(table, "block", "1", "2", "N"),
    "model_rank": lambda table: analysis.model_rank(table, "block*N"),
    "defining_relation": lambda table: analysis.defining_relation(table),
    "replication": lambda table: analysis.replication(table, "N", "block"),
    "power": lambda table: detectable_effects([2])[0],
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_become_json(name):
    result = asdict(RESULTS[name](published("MASS", "npk", "block N P K")))
    assert json.loads(json.dumps(result, allow_nan=False)) == json.loads(json.dumps(result))


def test_everything_public_is_named():
    assert analysis.__all__ == sorted(analysis.__all__, key=lambda name: (name[0].islower(), name))
    assert all(hasattr(analysis, name) for name in analysis.__all__)
