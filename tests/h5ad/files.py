"""Files for the tests: the shared collection, and tiny files written on the spot."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

TEXT = h5py.string_dtype()
REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EDVIZ_SHARED") or REPOSITORY.parent / "shared") / "h5ad"

REAL_FILES = (
    "airway_bulk_8.h5ad",
    "anndatar_example_nullable_csc.h5ad",
    "chicken_embryo_raw.h5ad",
    "h1_vcc_perturbseq_600.h5ad",
    "htan_exemplar_breast_liver_met.h5ad",
    "kang_pbmc_stim_ctrl_14039.h5ad",
    "krumsiek11_nullable.h5ad",
    "lung_lca_3donors_2methods.h5ad",
    "merfish_mouse_brain_zstd.h5ad",
    "merfish_retina_113k.h5ad",
    "pancreas_4datasets_obs_only.h5ad",
    "pbmc5k_protein_v3_lzf.h5ad",
    "pbmc68k_reduced_compound_obs.h5ad",
    "wu2020_tcells_200_v0_6.h5ad",
)


def shared_file(name: str) -> Path:
    """Return a file of the shared collection, or skip the test that asks for it."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared files are not at {SHARED}; set EDVIZ_SHARED to the folder that holds h5ad/")
    return SHARED / name


def texts(values: Sequence[str | bytes]) -> np.ndarray:
    return np.array(values, dtype=object)


def write_frame(parent: h5py.Group, name: str, n: int, order: Sequence[str] | None = None) -> h5py.Group:
    """Write a frame as anndata 0.8 and later do, with an index and no columns."""
    frame = parent.create_group(name)
    frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    if order is not None:
        frame.attrs.create("column-order", texts(order), dtype=TEXT)
    frame.create_dataset("_index", data=texts([f"row{row}" for row in range(n)]), dtype=TEXT)
    return frame


def write_categorical(
    frame: h5py.Group, name: str, codes: Sequence[float], levels: Sequence[object], **attributes: object
) -> h5py.Group:
    """Write codes and level names; the type of both follows from the values."""
    column = frame.create_group(name)
    column.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False, **attributes})
    column.create_dataset("codes", data=np.asarray(codes))
    is_text = all(isinstance(level, (str, bytes)) for level in levels)
    column.create_dataset("categories", data=texts(levels) if is_text else levels, dtype=TEXT if is_text else None)
    return column


def write_texts(frame: h5py.Group, name: str, values: Sequence[str | bytes]) -> h5py.Dataset:
    return frame.create_dataset(name, data=texts(values), dtype=TEXT)


def write_h5ad(path: Path, columns: Mapping[str, tuple[Sequence[float], Sequence[object]]], n: int) -> Path:
    """Write a file with categorical columns given as codes and levels."""
    with h5py.File(path, "w") as file:
        obs = write_frame(file, "obs", n, list(columns))
        for name, (codes, levels) in columns.items():
            write_categorical(obs, name, codes, levels)
    return path
