"""Designs planted in dirty tables are found again. `python -m tests.infer.planted` prints the whole table."""

import pytest

from edviz.infer import infer_design
from edviz.model import Crossing
from tests.infer.planted import FAMILIES, Score, plant, score, tables

SEEDS = range(1000, 1004)
LEAST_F1 = {0.0: 0.98, 0.01: 0.98, 0.05: 0.95}


@pytest.mark.parametrize("rate", LEAST_F1)
def test_planted_relations_are_found_in_spite_of_strays(rate):
    total = sum((score(table) for name in FAMILIES for table in tables(name, rate, SEEDS)), Score())
    assert total.f1 >= LEAST_F1[rate]


@pytest.mark.parametrize("scrambled", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_a_batch_that_is_the_condition_is_never_called_crossed(seed, rate, scrambled):
    planted = plant("batch_is_condition", seed, stray=rate, scrambled=scrambled)
    condition, batch = planted.names["condition"], planted.names["batch"]
    inference = infer_design(planted.table)
    assert inference.report.relation(condition, batch).relation == "aliased"
    assert not any({condition, batch} == {c.a, c.b} for c in inference.design.relations if isinstance(c, Crossing))
    if not scrambled:
        assert any(finding.id == "confounded" and batch in finding.factors for finding in inference.report.findings)


@pytest.mark.parametrize("rate", [0.0, 0.05])
@pytest.mark.parametrize("name", ["nested_chain", "one_batch_per_donor", "donor_by_stim", "hashed_pools"])
@pytest.mark.parametrize("seed", range(5))
def test_replication_is_never_called_confounding(name, seed, rate):
    report = infer_design(plant(name, seed, stray=rate).table).report
    alarms = {"confounded", "confounded_partly", "batch_nested_in_condition"}
    assert not [finding for finding in report.findings if finding.id in alarms]
