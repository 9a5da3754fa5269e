"""The small files of the evals, with designs that are known because they were planted: python -m tests.evals.files."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd

FILES = Path(__file__).resolve().parents[2] / "evals" / "files"
CELLS_PER_SAMPLE = 12
N_GENES = 5


def confounded() -> pd.DataFrame:
    """Return six donors, three treated and all those in one batch, three not and all those in the other."""
    return _cells([("drug", "b1", donor) for donor in "ABC"] + [("vehicle", "b2", donor) for donor in "DEF"])


def unreplicated() -> pd.DataFrame:
    """Return two samples, one of each condition."""
    return _cells([("control", "b1", "S1"), ("stimulated", "b1", "S2")])


def _cells(samples: list[tuple[str, str, str]]) -> pd.DataFrame:
    rows = [sample for sample in samples for _ in range(CELLS_PER_SAMPLE)]
    table = pd.DataFrame(rows, columns=["treatment", "batch", "donor"], dtype="category")
    table["cell_type"] = pd.Categorical([("B cell", "T cell", "NK cell")[row % 3] for row in range(len(rows))])
    return table.set_index(pd.Index([f"cell{row}" for row in range(len(rows))]))


def write(name: str, obs: pd.DataFrame) -> None:
    counts = np.random.default_rng(1).poisson(2, (len(obs), N_GENES)).astype("float32")
    var = pd.DataFrame(index=["CD3D", "MS4A1", "NKG7", "GAPDH", "ACTB"])
    anndata.AnnData(counts, obs, var).write_h5ad(FILES / name, compression="gzip")


if __name__ == "__main__":
    FILES.mkdir(exist_ok=True)
    write("confounded.h5ad", confounded())
    write("unreplicated.h5ad", unreplicated())
