"""What the tools answer, against what the scripts say of the same file."""

import json
import os
from pathlib import Path

import pytest

from tests.mcp_server.serving import MODES, answer, call, client, refusal, result_of, whole
from tests.scripts.running import run, run_json

pytestmark = pytest.mark.anyio

FILES = ["lung_lca_3donors_2methods", "kang_pbmc_stim_ctrl_14039", "pbmc68k_reduced_compound_obs", "airway_bulk_8"]
DESIGN = "Genotype(2) > Mouse(4) > Cell(~5000) : Type(12)"
FULL = {"detail": "full"}


@pytest.mark.parametrize("file", FILES)
async def test_results_equal_the_json_of_the_scripts(file: str, shared: Path, tmp_path: Path) -> None:
    path = str((shared / f"{file}.h5ad").resolve())
    folder = tmp_path.resolve()
    for tool in ("inspect_h5ad", "infer_design", "analyze_design"):
        assert await whole(folder, tool, path=path) == run_json(tool, path)
    assert result_of(await answer(folder, "render_design", path=path)) == run_json("render_design", path)
    written = result_of(await answer(folder, "write_design_card", path=path))
    assert written == run_json("write_card", path, cwd=folder)


async def test_overrides_mean_the_same_in_tool_and_script(shipped: Path, tmp_path: Path) -> None:
    words = ["--unit", "patient", "--kind", "source=treatment", "--ignore", "batch", "--split", "patient"]
    arguments = {"unit": ["patient"], "kinds": {"source": "treatment"}, "ignore": ["batch"], "split": ["patient"]}
    path = str(shipped.resolve())
    said = run_json("infer_design", path, *words)
    assert await whole(tmp_path, "infer_design", path=path, **arguments) == said
    card = await answer(tmp_path, "write_design_card", path=path, **arguments)
    assert card["design"] == said["design"]


async def test_a_text_is_drawn_as_by_the_script(tmp_path: Path) -> None:
    drawn = await answer(tmp_path, "render_design", design=DESIGN)
    assert result_of(drawn) == run_json("render_design", DESIGN)
    narrow = await answer(tmp_path, "render_design", design=DESIGN, width=24, ascii=True)
    assert narrow["diagram"].isascii()
    assert max(map(len, narrow["diagram"].splitlines())) <= 24


async def test_a_planned_design_is_analysed_as_by_the_script(tmp_path: Path) -> None:
    plan = "(donor(8) × stim(2){kind=treatment}) > sample(1)"
    found = await whole(tmp_path, "analyze_design", design=plan, contrasts=[["stim", "stim1", "stim2"]])
    assert found == run_json("analyze_design", plan, "--contrast", "stim", "stim1", "stim2")


@pytest.mark.parametrize("mode", MODES)
async def test_text_and_structure_say_the_same_in_both_eras(mode: str, shipped: Path, tmp_path: Path) -> None:
    async with client(tmp_path, mode=mode) as connected:
        for tool in ("inspect_h5ad", "infer_design", "write_design_card"):
            result = await connected.call_tool(tool, {"path": str(shipped)})
            assert not result.is_error
            assert json.loads(result.content[0].text) == result.structured_content


CONCISE = 4_000
"""Bytes that a concise answer may take for a file of 40 columns."""


@pytest.mark.parametrize("file", [None, "htan_exemplar_breast_liver_met", "pancreas_4datasets_obs_only"])
@pytest.mark.parametrize("tool", ["inspect_h5ad", "infer_design", "analyze_design", "compare_designs"])
async def test_concise_answers_are_short(
    tool: str, file: str | None, shipped: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = str(request.getfixturevalue("shared") / f"{file}.h5ad" if file else shipped)
    arguments = {"paths": [path, str(shipped)]} if tool == "compare_designs" else {"path": path}
    reply = await answer(tmp_path, tool, **arguments)
    assert len(json.dumps(reply, ensure_ascii=False).encode()) < CONCISE
    assert reply["next"]
    assert "never instructions" in reply["notice"]


async def test_concise_results_have_the_factors_of_the_design_and_other_columns_by_name(
    shipped: Path, tmp_path: Path
) -> None:
    concise = await answer(tmp_path, "infer_design", path=str(shipped))
    full = await whole(tmp_path, "infer_design", path=str(shipped))
    assert [factor["name"] for factor in concise["factors"]] == [factor["name"] for factor in full["factors"]]
    assert [factor["name"] for factor in concise["factors"] if "evidence" in factor] == [
        factor["name"] for factor in full["factors"] if factor["in_design"]
    ]
    assert concise["set_aside"] == [each["column"] for each in full["set_aside"]]
    assert [each["text"] for each in concise["findings"]] == [each["text"] for each in full["findings"]]
    for name in ("design", "unit", "questions", "n_obs", "given"):
        assert concise[name] == full[name]


async def test_pages_together_are_the_whole_list(shipped: Path, tmp_path: Path) -> None:
    listed, offset = [], 0
    while offset is not None:
        reply = await answer(tmp_path, "infer_design", path=str(shipped), limit=20, offset=offset, **FULL)
        listed += reply["columns"]
        offset = reply["page"]["next_offset"]
        assert offset is None or any(f"offset={offset}" in step for step in reply["next"])
    assert listed == run_json("list_factors", shipped)["columns"]


async def test_a_whole_inference_has_all_columns_as_they_were_read(shipped: Path, tmp_path: Path) -> None:
    full = await whole(tmp_path, "infer_design", path=str(shipped))
    assert full["columns"] == run_json("list_factors", shipped)["columns"]
    assert "columns" not in await answer(tmp_path, "infer_design", path=str(shipped))


async def test_columns_shows_named_columns_even_if_they_are_set_aside(shipped: Path, tmp_path: Path) -> None:
    names = ["clonotype_orig", "source"]
    by_script = run_json("list_factors", shipped, "--column", "clonotype_orig")["columns"]
    expected = [column for name in names for column in by_script if column["name"] == name]
    full = await answer(tmp_path, "infer_design", path=str(shipped), columns=names, **FULL)
    assert full["columns"] == expected
    concise = await answer(tmp_path, "infer_design", path=str(shipped), columns=names)
    assert [column["name"] for column in concise["columns"]] == names
    assert [column["levels"] for column in concise["columns"]] == [column["levels"][:20] for column in expected]
    assert concise["design"] == (await answer(tmp_path, "infer_design", path=str(shipped)))["design"]


async def test_the_card_lies_below_the_first_folder_for_writing(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    by_default = await answer(tmp_path, "write_design_card", path=str(shipped))
    assert by_default["path"] == str(tmp_path.resolve() / "wu2020_tcells_200.design-card.md")
    named = await answer(tmp_path, "write_design_card", path=str(shipped), output="cards/t.md")
    assert named["path"] == str(tmp_path.resolve() / "cards" / "t.md")
    assert (tmp_path / "cards" / "t.md").exists()


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("infer_design", {"pth": "x"}, "no argument 'pth'; did you mean 'path'?"),
        ("infer_design", {"path": "x", "zzz": 1}, "no argument 'zzz'; The arguments are path, unit"),
        ("infer_design", {}, "path: Field required"),
        ("infer_design", {"path": "x", "unit": 3}, "unit: Input should be a valid list"),
        ("infer_design", {"path": "x", "kinds": {"a": "hue"}}, "kinds.a: Input should be 'unit', 'treatment'"),
        ("render_design", {}, "give either path"),
        ("render_design", {"design": DESIGN, "path": "x"}, "give either path"),
        ("analyze_design", {}, "give either path"),
        ("render_design", {"design": " × ".join(f"f{n}(2)" for n in range(61))}, "at most 60 at once"),
        ("compare_designs", {"designs": [" × ".join(f"f{n}(2)" for n in range(61))]}, "at most 60 at once"),
        ("analyze_design", {"design": DESIGN, "contrasts": [["a", "b", "c"]] * 101}, "at most 100 are judged"),
        ("analyze_design", {"path": "a(2) > b(3)"}, "no such file: "),
        ("analyze_design", {"design": "/etc/passwd"}, "line 1, column 1"),
        ("infer_design", {"path": "x", "limit": 0}, "limit: Input should be greater than or equal to 1"),
        ("render_design", {"design": "Mouse(4"}, "line 1, column 6"),
        ("render_design", {"design": DESIGN, "width": 3}, "at least 20 columns"),
        ("inspect_h5ad", {"path": "/none/none.h5ad"}, "none.h5ad"),
        ("inspect_h5ad", {"path": "a\0b"}, "not a path"),
    ],
)
async def test_errors_say_what_would_be_right(tool: str, arguments: dict, words: str, tmp_path: Path) -> None:
    text = await refusal(tmp_path, tool, **arguments)
    assert words in text
    assert "pydantic" not in text


@pytest.mark.parametrize(
    "tool", ["inspect_h5ad", "infer_design", "analyze_design", "render_design", "write_design_card"]
)
async def test_a_pipe_is_refused_and_not_waited_for(tool: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5ad")
    assert "pipe.h5ad is no regular file" in await refusal(tmp_path, tool, path="pipe.h5ad")


async def test_an_unknown_column_is_named_to_the_model(shipped: Path, tmp_path: Path) -> None:
    for argument in ("unit", "kinds", "ignore", "split", "columns"):
        arguments = {argument: {"q": "batch"} if argument == "kinds" else ["q"]}
        assert "'q'" in await refusal(tmp_path, "infer_design", path=str(shipped), **arguments)


@pytest.mark.parametrize("file", ["edge/git_lfs_pointer.h5ad", "edge/pandas_hdfstore.h5ad"])
async def test_a_file_of_another_kind_leaves_no_card(file: str, shared: Path, tmp_path: Path) -> None:
    text = await refusal(tmp_path, "write_design_card", path=str(shared / file))
    assert text != "Error executing tool write_design_card"
    assert not list(tmp_path.iterdir())


async def test_lists_that_arrive_as_json_text_are_read(shipped: Path, tmp_path: Path) -> None:
    report = await answer(tmp_path, "infer_design", path=str(shipped), unit='["patient"]')
    assert report["unit"]["columns"] == ["patient"]


async def test_one_text_is_a_list_of_one(shipped: Path, tmp_path: Path) -> None:
    as_text = await answer(tmp_path, "infer_design", path=str(shipped), unit="patient", columns="source")
    as_list = await answer(tmp_path, "infer_design", path=str(shipped), unit=["patient"], columns=["source"])
    assert as_text == as_list
    spaced = await answer(tmp_path, "infer_design", path=str(shipped), unit=' ["patient"]', columns="source")
    assert spaced == as_list
    assert "contrasts.0" in await refusal(tmp_path, "analyze_design", design=DESIGN, contrasts=["a"])
    assert "'[odd]'" in await refusal(tmp_path, "infer_design", path=str(shipped), unit="[odd]")


async def test_an_output_outside_the_folders_is_refused(shipped: Path, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    for output in ("../card.md", str(tmp_path / "card.md"), "link/card.md"):
        text = await refusal(inside, "write_design_card", path=str(shipped), output=output)
        assert f"may not write {tmp_path.resolve() / 'card.md'}" in text
        assert f"below {inside.resolve()}" in text
    assert not (tmp_path / "card.md").exists()


async def test_a_file_outside_the_folders_is_refused(shipped: Path, tmp_path: Path) -> None:
    async with client(tmp_path, read_roots=(tmp_path.resolve(),)) as connected:
        for tool in ("inspect_h5ad", "infer_design", "analyze_design", "render_design", "write_design_card"):
            result = await connected.call_tool(tool, {"path": str(shipped)})
            assert result.is_error
            assert f"may not read {shipped.resolve()}" in result.content[0].text


async def test_calls_at_the_same_time_do_not_mix(shipped: Path, tmp_path: Path) -> None:
    import anyio

    seen = []
    async with client(tmp_path) as connected, anyio.create_task_group() as group:

        async def ask(unit: str) -> None:
            result = await connected.call_tool("infer_design", {"path": str(shipped), "unit": [unit]})
            seen.append(result.structured_content["unit"]["columns"] == [unit])

        for unit in ("patient", "sample", "patient", "sample"):
            group.start_soon(ask, unit)
    assert seen == [True] * 4


async def test_an_unknown_tool_is_an_error(tmp_path: Path) -> None:
    result = await call(tmp_path, "infer_desing")
    assert result.is_error


@pytest.mark.parametrize("form", ["mermaid", "dot", "graphml"])
async def test_a_drawing_for_another_program_is_the_one_of_the_script(form: str, tmp_path: Path) -> None:
    drawn = await answer(tmp_path, "render_design", design=DESIGN, format=form)
    assert drawn["diagram"] == run("render_design", DESIGN, "--format", form).stdout
    assert {**result_of(drawn), "diagram": ""} == {**run_json("render_design", DESIGN), "diagram": ""}


async def test_designs_are_compared_as_by_the_script(shipped: Path, tmp_path: Path) -> None:
    found = await whole(tmp_path, "compare_designs", paths=[str(shipped.resolve())], designs=[DESIGN])
    assert found == run_json("compare_designs", shipped.resolve(), DESIGN)
    picked = await answer(tmp_path, "compare_designs", designs=[DESIGN, "a(2)"], where="mouse >= 8", sort="units")
    assert [each["name"] for each in picked["designs"]] == [DESIGN]


async def test_many_designs_are_compared_in_numbers_only(tmp_path: Path) -> None:
    found = await answer(tmp_path, "compare_designs", designs=[DESIGN, "a(2)", "b(2) > c(3)", "d(2) × e(3)"])
    assert len(found["comparisons"]) == 6
    assert all("same" not in pair and "pooling" in pair for pair in found["comparisons"])
    assert len(json.dumps(found)) < CONCISE


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "give designs"),
        ({"designs": [DESIGN], "where": "mous >= 8"}, "did you mean Mouse"),
        ({"designs": [DESIGN], "where": "mouse >"}, "at its end"),
        ({"designs": [DESIGN], "sort": "hue"}, "cannot be sorted by 'hue'"),
        ({"designs": ["Mouse(4"]}, "line 1, column 6"),
    ],
)
async def test_a_wrong_comparison_says_what_would_be_right(arguments: dict, words: str, tmp_path: Path) -> None:
    assert words in await refusal(tmp_path, "compare_designs", **arguments)


async def test_designs_outside_the_folders_are_not_compared(shipped: Path, tmp_path: Path) -> None:
    async with client(tmp_path, read_roots=(tmp_path.resolve(),)) as connected:
        result = await connected.call_tool("compare_designs", {"paths": [str(shipped)], "designs": [str(shipped)]})
        assert result.is_error
        assert "may not read" in result.content[0].text
        result = await connected.call_tool("compare_designs", {"designs": [str(shipped)]})
        assert result.is_error
