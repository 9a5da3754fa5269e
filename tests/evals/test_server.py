"""The questions to the server: each answer is found by its tools, and by pandas, h5py or arithmetic without them."""

import itertools
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from mcp import Client

from mcp_server.server import create_server
from mcp_server.settings import Settings
from tests.h5ad.files import REPOSITORY

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore")]

WU = "tests/data/wu2020_tcells_200.h5ad"
CONFOUNDED, UNREPLICATED = "evals/files/confounded.h5ad", "evals/files/unreplicated.h5ad"
PAIRS = ElementTree.parse(REPOSITORY / "evals/server.xml").getroot().findall("qa_pair")
ANSWERS = [pair.findtext("answer") for pair in PAIRS]
PLANS = {
    "A": "(donor(8) × drug(2){kind=treatment}) > sample(1)",
    "B": "drug(2){kind=treatment} > donor(8) > sample(1)",
    "C": "drug(2){kind=treatment} > donor(5) > sample(1)",
}
Ask = Callable[..., Awaitable[dict[str, Any]]]


async def fewest_samples(ask: Ask) -> str:
    condition = (await ask("analyze_design", path=WU))["analysis"]["conditions"][0]
    units = condition["advice"]["units_per_level"]
    least = min(units, key=units.get)
    (pair,) = (each for each in condition["contrasts"] if {each["one"], each["other"]} == {least, "Tumor"})
    return f"{least}, {pair['n_blocks']}"


async def one_level(ask: Ask) -> str:
    report = await ask("infer_design", path=WU, detail="full", limit=1000)
    return str(sum(each["reason"] == "one level only" for each in report["set_aside"]))


async def commonest_class(ask: Ask) -> str:
    report = await ask("infer_design", path=WU)
    name = re.search(r": (\w+)\(\d+\)$", report["design"])[1]
    (column,) = (await ask("infer_design", path=WU, columns=[name], detail="full"))["columns"]
    most = max(column["levels"], key=lambda level: level["n"])
    return f"{most['level']}, {most['n']}"


async def most_patients(ask: Ask) -> str:
    condition = (await ask("analyze_design", path=WU))["analysis"]["conditions"][0]
    best = max(condition["contrasts"], key=lambda each: each["n_blocks"])
    return ", ".join([*sorted((best["one"], best["other"])), str(best["n_blocks"])])


async def same_partition(ask: Ask) -> str:
    report = await ask("infer_design", path=CONFOUNDED)
    (finding,) = (each for each in report["findings"] if each["id"] == "confounded")
    name = re.search(r"treatment and (\w+) are the same partition", finding["text"])[1]
    described = await ask("render_design", path=CONFOUNDED)
    return f"{name}, {next(each['n'] for each in described['factors'] if each['name'] == 'donor')}"


async def planned_cells(ask: Ask) -> str:
    design = "center(3) > patient[12|10|8] > sample(2) > cell(500)"
    (cells,) = (each for each in (await ask("render_design", design=design))["factors"] if each["name"] == "cell")
    return str(cells["total"]["low"])


async def most_freedom(ask: Ask) -> str:
    answers = {name: (await ask("analyze_design", design=plan))["analysis"] for name, plan in PLANS.items()}
    freedom = {name: each["conditions"][0]["advice"]["residual_df"] for name, each in answers.items()}
    best = max(freedom, key=freedom.get)
    return f"{best}, {freedom[best]}"


async def more_units(ask: Ask) -> str:
    table = await ask("compare_designs", paths=[CONFOUNDED, UNREPLICATED])
    first, second = (each["units"] for each in table["designs"])
    return str(first - second)


async def embedding(ask: Ask) -> str:
    summary = await ask("inspect_h5ad", path=WU, detail="full")
    (stored,) = summary["obsm"]
    return f"{stored['name']}, {stored['shape'][1]}, {summary['counts']['location']}"


async def unreplicated(ask: Ask) -> str:
    for path in (CONFOUNDED, UNREPLICATED):
        if any(each["id"] == "no_replication" for each in (await ask("infer_design", path=path))["findings"]):
            return Path(path).name
    raise AssertionError


BY_TOOLS = [
    fewest_samples,
    one_level,
    commonest_class,
    most_patients,
    same_partition,
    planned_cells,
    most_freedom,
    more_units,
    embedding,
    unreplicated,
]


def obs_of(path: str) -> pd.DataFrame:
    return anndata.read_h5ad(REPOSITORY / path).obs


def patients_by_source() -> dict[str, set[str]]:
    return obs_of(WU).groupby("source", observed=True)["patient"].agg(set).to_dict()


def without_tools() -> list[str]:
    obs, patients = obs_of(WU), patients_by_source()
    samples = obs.groupby("source", observed=True)["sample"].nunique()
    classes = obs["cluster_orig"].value_counts()
    common = {pair: len(patients[pair[0]] & patients[pair[1]]) for pair in itertools.combinations(sorted(patients), 2)}
    planted, few = obs_of(CONFOUNDED), obs_of(UNREPLICATED)
    (alike,) = (
        name
        for name in set(planted) - {"treatment", "donor", "cell_type"}
        if planted.groupby("treatment", observed=True)[name].nunique().eq(1).all()
        and planted.groupby(name, observed=True)["treatment"].nunique().eq(1).all()
    )
    donors = planted.groupby(alike, observed=True)["donor"].nunique()
    # Two groups of n leave 2n - 2, n pairs leave n - 1.
    freedom = {"A": 8 - 1, "B": 2 * 8 - 2, "C": 2 * 5 - 2}
    levels = [obs[name].dropna() for name in obs.select_dtypes(["category", "bool", "object"])]
    with h5py.File(REPOSITORY / WU) as file:
        (name,) = file["obsm"]
        dimensions = file["obsm"][name].shape[1]
        assert np.array_equal(file["X/data"][:], np.round(file["X/data"][:]))
    only = [
        Path(path).name
        for path, table in ((CONFOUNDED, planted), (UNREPLICATED, few))
        if table.groupby("treatment", observed=True)["donor"].nunique().eq(1).all()
    ]
    return [
        f"{samples.idxmin()}, {len(patients[samples.idxmin()] & patients['Tumor'])}",
        str(sum(values.nunique() == 1 for values in levels)),
        f"{classes.index[0]}, {classes.iloc[0]}",
        ", ".join([*max(common, key=common.get), str(max(common.values()))]),
        f"{alike}, {donors.unique()[0]}",
        str((12 + 10 + 8) * 2 * 500),
        f"{max(freedom, key=freedom.get)}, {max(freedom.values())}",
        str(planted["donor"].nunique() - few["donor"].nunique()),
        f"{name}, {dimensions}, X",
        *only,
    ]


def test_there_are_ten_questions() -> None:
    assert len({pair.findtext("question") for pair in PAIRS}) == len(PAIRS) == len(BY_TOOLS) == 10


def test_the_answers_are_true() -> None:
    assert without_tools() == ANSWERS


@pytest.mark.parametrize(("find", "expected"), zip(BY_TOOLS, ANSWERS, strict=True))
async def test_the_tools_lead_to_the_answer(find: Callable[[Ask], Awaitable[str]], expected: str) -> None:
    async with Client(create_server(Settings((REPOSITORY,), ()))) as connected:

        async def ask(tool: str, **arguments: object) -> dict[str, Any]:
            result = await connected.call_tool(tool, arguments)
            assert not result.is_error, result.content
            return result.structured_content

        assert await find(ask) == expected
