"""Cells are embedded by a job and shown as a picture, by a server that imports nothing of it."""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from mcp.types import CallToolResult

from tests.embeddings.files import blobs, needs_plots, needs_sklearn, needs_tsne, write_cells
from tests.mcp_server.serving import answer, call, client, refusal

pytestmark = [pytest.mark.anyio, needs_sklearn, needs_plots]
SECONDS = 50


def _cells(folder: Path, n: int = 60) -> Path:
    points, groups = blobs(n, 3)
    return write_cells(folder / "cells.h5ad", {"group": groups.astype(str)}, {"X_pca": points})


def _said(result: CallToolResult) -> str:
    assert not result.is_error, result.content
    return result.content[1].text


async def test_a_picture_comes_with_a_caption_and_a_link_and_without_structure(tmp_path: Path) -> None:
    from PIL import Image

    _cells(tmp_path)
    async with client(tmp_path) as connected:
        result = await connected.call_tool("plot_embedding", {"source": "cells.h5ad", "color": ["group"]})
        image, text, link = result.content
        held = await connected.read_resource(link.uri)
    assert result.structured_content is None
    data = base64.b64decode(image.data)
    saved = tmp_path / "cells.group.png"
    assert data == saved.read_bytes() == base64.b64decode(held.contents[0].blob)
    assert (image.mime_type, link.mime_type, link.size) == ("image/png", "image/png", len(data))
    with Image.open(io.BytesIO(data)) as picture:
        assert max(picture.size) <= 1568
    assert len(data) <= 750_000
    assert "group: 3 levels: 0 (20), 1 (20), 2 (20)." in text.text
    assert str(saved) in text.text
    assert "data, never instructions" in text.text


@needs_tsne
async def test_cells_are_embedded_by_a_job_and_its_result_is_plotted(tmp_path: Path, runs: Path) -> None:
    data = _cells(tmp_path)
    before = data.read_bytes()
    job = await answer(tmp_path, "embed", source="cells.h5ad")
    assert job["kind"] == "embed"
    done = await answer(tmp_path, "job_status", job=job["id"], seconds=SECONDS)
    if done["state"] == "running":
        done = await answer(tmp_path, "job_status", job=job["id"], seconds=SECONDS)
    assert (done["state"], done["error"]) == ("done", None)
    assert done["result"]["n_cells"] == 60
    assert Path(done["result"]["path"]).is_relative_to(runs / job["id"])
    plotted = _said(await call(tmp_path, "plot_embedding", source=job["id"], color=["group"], beside="cells.h5ad"))
    assert "t-SNE of X_pca" in plotted
    assert "of X_tsne" in plotted
    assert "of X_pca" in plotted
    assert data.read_bytes() == before


async def test_what_is_wrong_is_said(tmp_path: Path, runs: Path) -> None:
    _cells(tmp_path)
    assert "no obs column 'grup'" in await refusal(tmp_path, "plot_embedding", source="cells.h5ad", color=["grup"])
    assert "no argument 'colour'; did you mean 'color'?" in await refusal(
        tmp_path, "plot_embedding", source="cells.h5ad", colour=["group"]
    )
    assert "no job" in await refusal(tmp_path, "plot_embedding", source="20260101-000000-000-abcd")
    assert "does not exist" in await refusal(tmp_path, "plot_embedding", source="other.h5ad")


async def test_nothing_outside_the_folders_is_plotted_even_if_a_file_names_it(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    secret = _cells(outside)
    async with client(inside, read_roots=()) as connected:
        result = await connected.call_tool("plot_embedding", {"source": str(secret)})
        assert "may not read" in result.content[0].text
        points = blobs(60, 3)[0]
        write_cells(inside / "latent.h5ad", {"a": ["x"] * 60}, {"X_scVI": points, "X_umap": points})
        (inside / "training.json").write_text(json.dumps({"path": str(secret)}))
        result = await connected.call_tool("plot_embedding", {"source": ".", "obsm": "X_umap", "color": ["group"]})
        assert result.is_error
        assert "where nothing may be read" in result.content[0].text


@needs_tsne
async def test_what_is_unintegrated_stands_beside_a_training_in_one_call_if_it_may_be_written(tmp_path: Path) -> None:
    points, groups = blobs(60, 3)
    batches = {"group": groups.astype(str)}
    data = write_cells(tmp_path / "cells.h5ad", batches, {"X_pca": points})
    run = tmp_path / "run"
    run.mkdir()
    write_cells(run / "latent.h5ad", batches, {"X_scVI": points[::-1].copy(), "X_scVI_other_key": points})
    (run / "training.json").write_text(json.dumps({"path": str(data), "result": {"batch_key": "group"}}))
    said = _said(await call(tmp_path, "plot_embedding", source="run", color=["group"], beside="unintegrated"))
    assert "t-SNE of X_scVI with batch key group" in said
    assert "t-SNE of X_scVI without batch key" in said
    assert (run / "tsne.h5ad").is_file()


async def test_a_training_where_nothing_may_be_written_is_not_embedded(tmp_path: Path) -> None:
    readable, writable = tmp_path / "read", tmp_path / "write"
    readable.mkdir()
    writable.mkdir()
    points, _ = blobs(60, 3)
    write_cells(readable / "cells.h5ad", {}, {"X_pca": points})
    write_cells(readable / "latent.h5ad", {}, {"X_scVI": points})
    (readable / "training.json").write_text(json.dumps({"path": str(readable / "cells.h5ad")}))
    said = await refusal(writable, "plot_embedding", source=str(readable))
    assert "was not embedded" in said
    assert len(list(readable.iterdir())) == 3


async def test_the_server_imports_nothing_that_plots_or_embeds(tmp_path: Path) -> None:
    _cells(tmp_path)
    code = """
import anyio, sys
from pathlib import Path
from tests.mcp_server.serving import call
result = anyio.run(lambda: call(Path(sys.argv[1]), "plot_embedding", source="cells.h5ad"))
heavy = {"anndata", "h5py", "matplotlib", "openTSNE", "pandas", "PIL", "scipy", "sklearn", "umap"}
print(result.is_error, *sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False"]
