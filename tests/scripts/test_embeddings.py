"""The commands that embed and plot, as a person runs them."""

import json
from pathlib import Path

from tests.embeddings.files import blobs, needs_plots, needs_sklearn, needs_tsne, write_cells
from tests.scripts.running import run

pytestmark = [needs_sklearn, needs_plots]


def _cells(folder: Path) -> Path:
    points, groups = blobs(50, 2)
    return write_cells(folder / "cells.h5ad", {"group": groups.astype(str)}, {"X_pca": points})


@needs_tsne
def test_cells_are_embedded_here_and_plotted(tmp_path: Path) -> None:
    _cells(tmp_path)
    embedded = run("embed", "cells.h5ad", "--json", cwd=tmp_path)
    assert (embedded.returncode, embedded.stderr) == (0, "")
    assert json.loads(embedded.stdout)["path"] == str(tmp_path / "cells.tsne.h5ad")
    plotted = run("plot_embedding", "cells.tsne.h5ad", "--color", "group", cwd=tmp_path)
    assert (plotted.returncode, plotted.stderr) == (0, "")
    assert "group: 2 levels: 0 (25), 1 (25)." in " ".join(plotted.stdout.split())
    assert f"Picture: {tmp_path / 'cells.tsne.group.png'}" in " ".join(plotted.stdout.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cells.h5ad",
        "cells.tsne.group.png",
        "cells.tsne.h5ad",
    ]


def test_an_error_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    _cells(tmp_path)
    for name, *arguments in (("embed", "--obsm", "X_no"), ("plot_embedding", "--color", "no")):
        done = run(name, "cells.h5ad", *arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
        assert "no obs" in done.stderr
    assert run("embed", "cells.h5ad", "--sample", "0", cwd=tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["cells.h5ad"]
