"""Files that have all their bytes and are not whole all the same."""

import gzip
import hashlib
import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from mcp_server.geo.download.downloading import download_file
from mcp_server.geo.download.errors import TransferError
from mcp_server.geo.download.record import Source
from tests.geo.download import faults


def hdf5(**options: object) -> bytes:
    """Return an HDF5 file as h5py writes it."""
    place = io.BytesIO()
    with h5py.File(place, "w", **options) as file:
        file["x"] = np.arange(50_000)
    return place.getvalue()


@pytest.fixture
def fetch(server, folder, quick):
    """Return a function that serves bytes under a name and downloads them."""

    def fetch(name: str, body: bytes):
        server.body = body
        return download_file(Source(server.url(name), name, len(body)), folder, quick)

    return fetch


SIZE, GZIP, HDF5 = ("size",), ("gzip checksum",), ("HDF5 signature", "HDF5 end of file")
PLAIN = hdf5()
WHOLE = {
    "any": ("cells.csv", b"a,b\n1,2\n", SIZE),
    "empty": ("empty.txt", b"", SIZE),
    "gzip": ("cells.csv.gz", gzip.compress(b"a,b\n"), SIZE + GZIP),
    "two members": ("cells.csv.gz", gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n"), SIZE + GZIP),
    "zeros at the end": ("cells.csv.gz", gzip.compress(b"a,b\n") + bytes(512), SIZE + GZIP),
    "HDF5": ("cells.h5ad", PLAIN, SIZE + HDF5),
    "HDF5, last format": ("cells.h5", hdf5(libver="latest"), SIZE + HDF5),
    "HDF5 after a user block": ("cells.h5ad", hdf5(userblock_size=2048), SIZE + HDF5),
    "HDF5 with more behind": ("cells.h5ad", PLAIN + b"more", SIZE + HDF5),
    "HDF5 in gzip": ("cells.h5ad.gz", gzip.compress(PLAIN), SIZE + GZIP + HDF5),
    "upper case": ("CELLS.H5AD", PLAIN, SIZE + HDF5),
}


@pytest.mark.parametrize(("name", "body", "checks"), WHOLE.values(), ids=WHOLE)
def test_what_can_be_checked_is_checked(name, body, checks, fetch) -> None:
    found = fetch(name, body)
    assert found.checks == checks
    assert found.sha256 == hashlib.sha256(body).hexdigest()
    assert Path(found.path).read_bytes() == body


PACKED = gzip.compress(PLAIN)
DAMAGED = {
    "no gzip": ("cells.csv.gz", b"a,b\n", "is no whole gzip file"),
    "gzip without its end": ("cells.csv.gz", PACKED[:-9], "is no whole gzip file"),
    "gzip with a wrong checksum": ("cells.csv.gz", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "CRC"),
    "gzip with a byte changed": ("cells.csv.gz", PACKED[:500] + b"\0\0" + PACKED[502:], "is no whole gzip file"),
    "no HDF5": ("cells.h5ad", b"cells" * 1000, "is not an HDF5 file"),
    "empty HDF5": ("cells.h5ad", b"", "is not an HDF5 file"),
    "HDF5 without its end": ("cells.h5ad", PLAIN[:-1], f"is truncated: {len(PLAIN) - 1:,} of {len(PLAIN):,} bytes"),
    "HDF5 without its end in gzip": ("cells.h5ad.gz", gzip.compress(PLAIN[:-1]), "is truncated"),
    "no HDF5 in gzip": ("cells.h5ad.gz", gzip.compress(b"cells" * 1000), "is not an HDF5 file"),
}


@pytest.mark.parametrize(("name", "body", "words"), DAMAGED.values(), ids=DAMAGED)
def test_what_has_all_bytes_and_is_not_whole_is_not_kept(name, body, words, fetch, folder) -> None:
    with pytest.raises(TransferError, match=words):
        fetch(name, body)
    assert list(folder.iterdir()) == []


def test_a_part_that_was_changed_here_does_not_become_a_file(server, fetch, folder, quick) -> None:
    server.faults.extend([faults.cut(len(PACKED) // 2), *[faults.status(503)] * quick.attempts])
    with pytest.raises(TransferError):
        fetch("cells.h5ad.gz", PACKED)
    part = folder / "cells.h5ad.gz.part"
    part.write_bytes(part.read_bytes()[:-20] + bytes(20))
    with pytest.raises(TransferError, match="is no whole gzip file"):
        fetch("cells.h5ad.gz", PACKED)
    assert fetch("cells.h5ad.gz", PACKED).sha256 == hashlib.sha256(PACKED).hexdigest()


def test_a_real_file_comes_as_it_is(shipped, fetch) -> None:
    body = shipped.read_bytes()
    found = fetch(shipped.name, body)
    assert found.checks == SIZE + HDF5
    assert Path(found.path).read_bytes() == body
    with h5py.File(found.path) as file:
        assert "obs" in file
