"""Evals of skills: their form, the files they name, and that what they expect is what the scripts say."""

import json
from collections.abc import Iterator
from pathlib import Path

import anndata
import pandas as pd
import pytest

from mcp_server.skills import frontmatter_of
from tests.evals import files
from tests.evals.checks import holds, skills
from tests.geo.trial import REAL, trial_servers

SKILLS = [skill for skill in skills() if (skill / "evals").is_dir()]
EVALS = {skill: json.loads((skill / "evals/evals.json").read_text(encoding="utf-8")) for skill in SKILLS}
TRIGGERS = {skill: json.loads((skill / "evals/triggers.json").read_text(encoding="utf-8")) for skill in SKILLS}
CHECKS = [(skill, check) for skill in SKILLS for case in EVALS[skill]["evals"] for check in case["checks"]]
each_skill = pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)


@pytest.fixture(scope="module")
def geo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers like those of GEO; the series that the evals name are invented, and their files are real."""
    if not REAL.is_dir():
        pytest.skip("the files that the servers have are not here")
    with trial_servers() as variables, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        for name, value in variables.items():
            environment.setenv(name, value)
        yield


def test_every_skill_has_evals() -> None:
    assert skills() == SKILLS


@each_skill
def test_evals_have_the_form_that_graders_read(skill: Path) -> None:
    name = frontmatter_of((skill / "SKILL.md").read_text(encoding="utf-8"))["name"]
    assert EVALS[skill]["skill_name"] == TRIGGERS[skill]["skill_name"] == name
    cases = EVALS[skill]["evals"]
    assert [case["id"] for case in cases] == list(range(1, len(cases) + 1))
    for case in cases:
        assert set(case) == {"id", "prompt", "expected_output", "files", "expectations", "checks"}
        assert case["prompt"]
        assert case["expected_output"]
        assert len(set(case["expectations"])) == len(case["expectations"]) >= 2
        assert all((skill / file).is_file() for file in case["files"])
        assert all(file in case["prompt"] for file in case["files"])


@each_skill
def test_most_expectations_can_be_checked_without_a_model(skill: Path) -> None:
    for case in EVALS[skill]["evals"]:
        checked = [check["expectation"] for check in case["checks"]]
        assert checked
        assert set(checked) <= set(case["expectations"])
        assert len(checked) * 2 >= len(case["expectations"])
        for check in case["checks"]:
            assert set(check) in ({"expectation", "command", "path", "equals"}, {"expectation", "command", "matches"})


@each_skill
def test_half_of_the_queries_are_for_something_else(skill: Path) -> None:
    queries = TRIGGERS[skill]["queries"]
    assert len({each["query"] for each in queries}) == len(queries) >= 20
    assert sum(each["should_trigger"] for each in queries) * 2 == len(queries)


@pytest.mark.parametrize(
    ("skill", "check"), CHECKS, ids=lambda each: each.get("expectation") if isinstance(each, dict) else each.name
)
def test_what_an_eval_expects_is_so(skill: Path, check: dict, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if skill.name == "find-geo-data":
        request.getfixturevalue("geo")
    does, found = holds(check, skill, tmp_path)
    assert does, found


@pytest.mark.parametrize("name", ["confounded", "unreplicated"])
def test_the_files_hold_what_was_planted(name: str) -> None:
    obs = anndata.read_h5ad(files.FILES / f"{name}.h5ad").obs
    pd.testing.assert_frame_equal(obs, getattr(files, name)())
