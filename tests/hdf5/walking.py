"""Files to walk through, walks step by step, and a file that counts what a reader has to fetch itself."""

import io
from collections.abc import Generator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edviz.hdf5 import Batch, Purpose, Range, Structure, prefetch, run
from edviz.hdf5.pages import Pages
from edviz.hdf5.superblock import read_superblock
from tests.h5ad.files import SHARED, TEXT, texts

BLOCK_BYTES = 65_536
SUFFIXES = (".h5ad", ".h5mu", ".loom", ".h5Seurat")


def valid_files() -> list[str]:
    """List the shared files that are HDF5 and sound."""
    names = (str(path.relative_to(SHARED)) for path in SHARED.rglob("*") if path.suffix in SUFFIXES)
    return sorted(name for name in names if not name.startswith("hostile/") and name != "edge/git_lfs_pointer.h5ad")


def go_through(steps: Generator[None, None, Any], pages: Pages, path: Path) -> Any:
    """Return what steps return, fetching from a file what they lack."""
    content = path.read_bytes()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        batch = pages.next_batch()
        pages.fill(batch, [content[start:stop] for start, stop in batch.structure])


def pages_of(path: Path) -> Pages:
    """Return pages of a file, with addresses that count from its superblock."""
    pages = Pages(path.stat().st_size)
    go_through(read_superblock(pages), pages, path)
    return pages


class Fetching:
    """A file that is far away: keeps what a walk asks for, and counts it."""

    def __init__(self, path: Path) -> None:
        self.content = path.read_bytes()
        self.rounds = 0
        self.structure: list[Range] = []
        self.values: list[Range] = []

    def __call__(self, batch: Batch) -> list[bytes]:
        self.rounds += 1
        self.structure += batch.structure
        self.values += batch.values
        return [self.content[start:stop] for start, stop in batch.structure]


class CountingFile(io.RawIOBase):
    """A file of which some ranges are at hand; the rest is fetched in blocks, which are counted."""

    def __init__(self, content: bytes, at_hand: list[Range]) -> None:
        super().__init__()
        self._file = io.BytesIO(content)
        self._is_there = np.zeros(len(content), dtype=bool)
        for start, stop in at_hand:
            self._is_there[start:stop] = True
        self.n_fetched = 0

    def n_at_hand(self, start: int, size: int) -> int:
        return int(self._is_there[start : start + size].sum())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: bytearray) -> int:
        start = self._file.tell()
        read = self._file.readinto(buffer)
        while not self._is_there[start : start + read].all():
            missing = start + int(np.argmin(self._is_there[start : start + read]))
            block = missing // BLOCK_BYTES * BLOCK_BYTES
            self._is_there[block : block + BLOCK_BYTES] = True
            self.n_fetched += 1
        return read


def n_bytes(ranges: list[Range]) -> int:
    return sum(stop - start for start, stop in ranges)


def prefetched(path: Path, *, purpose: Purpose) -> tuple[Structure, Fetching]:
    """Walk through a file as if it were far away."""
    fetching = Fetching(path)
    return run(prefetch(len(fetching.content), purpose=purpose), fetching), fetching


def write_many_columns(path: Path, *, n: int, compression: str | None = None, libver: str | None = None) -> Path:
    """Write the matrix first, as anndata does, so that columns of all kinds lie between large values."""
    random = np.random.default_rng(0)
    packed = {} if compression is None else {"compression": compression}
    with h5py.File(path, "w", libver=libver) as file:
        matrix = file.create_group("X")
        matrix.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
        for name, dtype in (("data", "f4"), ("indices", "i4")):
            matrix.create_dataset(name, data=random.integers(0, 9, 30 * n).astype(dtype), chunks=True, **packed)
        obs = _write_frame(file, "obs", [f"{row:08x}ACGT-1" for row in range(n)])
        for number in range(20):
            n_levels = int(random.integers(2, 100))
            column = obs.create_group(f"factor{number}")
            column.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
            column.create_dataset("codes", data=random.integers(0, n_levels, n).astype("i1"), **packed)
            levels = texts([f"level {level} of {number}" for level in range(n_levels)])
            column.create_dataset("categories", data=levels, dtype=TEXT, **packed)
        for number, dtype in enumerate(["f4"] * 8 + ["f8"] * 4 + ["i4"] * 3 + ["?"] * 3):
            obs.create_dataset(f"plain{number}", data=random.integers(0, 2, n).astype(dtype), **packed)
        obs.create_dataset("barcode", data=texts([f"{row:08x}ACGT" for row in range(n)]), dtype=TEXT)
        _write_frame(file, "var", [f"ENSG{gene:011d}" for gene in range(3000)])
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            file.create_group(name).attrs["encoding-type"] = "dict"
        file["uns/schema_version"] = "5.0.0"
    return path


def _write_frame(file: h5py.File, name: str, index: list[str]) -> h5py.Group:
    frame = file.create_group(name)
    frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    frame.create_dataset("_index", data=texts(index), dtype=TEXT)
    return frame
