"""What is no .h5ad file is refused in one sentence that says what it is."""

import gzip
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import h5py
import numpy as np
import pytest

from edviz.errors import H5adError
from edviz.h5ad import open_h5ad, read_factors, summarise
from tests.h5ad.files import shared_file, write_h5ad

SHARED_REFUSALS = {
    "edge/git_lfs_pointer.h5ad": "is a Git LFS pointer, not the file it points to; run `git lfs pull`",
    "edge/mudata_user_block.h5mu": "is an h5mu file of several data sets",
    "edge/pandas_hdfstore.h5ad": "is a pandas HDFStore",
    "encodings/not-h5ad_loompy.loom": "is a loom file",
    "encodings/not-h5ad_mudata.h5mu": "(it has prot, rna)",
    "encodings/not-h5ad_seuratdisk.h5Seurat": "is an h5Seurat file",
    "hostile/empty.h5ad": "is empty",
    "hostile/text.h5ad": "is a web page",
    "hostile/signature_only.h5ad": "is truncated",
    "hostile/truncated_half.h5ad": "is truncated",
    "hostile/truncated_tail.h5ad": "is truncated",
    "hostile/zeros_after_superblock.h5ad": "is a damaged HDF5 file",
    # HDF5 never comes back from the first two, and the third ends the process.
    "hostile/heap_free_size_zero.h5ad": "is a damaged HDF5 file",
    "hostile/heap_object_size_wrap.h5ad": "is a damaged HDF5 file",
    "hostile/vlen_type_invalid.h5ad": "is a damaged HDF5 file",
    "hostile/writer_died.h5ad": "is being written, or its writer died",
    "hostile/swmr_writer_died.h5ad": "is being written, or its writer died",
    "hostile/gzipped_truncated.h5ad.gz": "is truncated",
    "hostile/external_link_obs.h5ad": "its obs is a link into another file, which is not followed",
}

FIRST_BYTES = {
    b"<!DOCTYPE html><html>": "is a web page",
    b"  <html lang='en'>": "is a web page",
    b'<?xml version="1.0"?><Error/>': "is a text file (XML or JSON)",
    b"gene,cell1,cell2\nActb,1,2\n": "is a text file",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n": "is a Git LFS pointer",
    gzip.compress(b"anything"): "holds something that is a text file",
    gzip.compress(gzip.compress(b"anything")): "is compressed with gzip twice; unpack it once",
    b"PK\x03\x04rest": "is a zip archive",
    b"\x93NUMPY\x01\x00": "is a NumPy array",
    b"%%MatrixMarket matrix": "is a Matrix Market file",
    b"\x00" * 4096: "is not an HDF5 file",
    b"": "is empty",
    b"\x89HDF\r\n\x1a\n": "is truncated",
}


WRITING = """
import h5py, sys
with h5py.File(sys.argv[1], "a"):
    print("open", flush=True)
    sys.stdin.read()
"""


def _refusal(path: Path | str) -> str:
    with pytest.raises(H5adError) as caught:
        read_factors(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert text.startswith(str(path))
    return text


@pytest.mark.parametrize("name", SHARED_REFUSALS)
def test_a_file_that_is_no_h5ad_is_refused_by_what_it_is(name):
    assert SHARED_REFUSALS[name] in _refusal(shared_file(name))


@pytest.mark.parametrize("head", FIRST_BYTES)
def test_a_file_is_recognised_by_its_first_bytes(head, tmp_path):
    path = tmp_path / "file.h5ad"
    path.write_bytes(head)
    assert FIRST_BYTES[head] in _refusal(path)


def test_a_missing_file_is_refused(tmp_path):
    assert "does not exist" in _refusal(tmp_path / "none.h5ad")


def test_a_path_through_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    assert "does not exist" in _refusal(tmp_path / "file" / "none.h5ad")


def test_a_folder_is_refused(tmp_path):
    assert "is a folder" in _refusal(tmp_path)


def test_a_zarr_store_is_refused_by_name(tmp_path):
    (tmp_path / ".zgroup").write_text("{}")
    assert "is a Zarr store" in _refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5ad")
    assert "is no regular file" in _refusal(tmp_path / "pipe.h5ad")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = write_h5ad(tmp_path / "secret.h5ad", {}, 2)
    path.chmod(0)
    assert "cannot be read" in _refusal(path)


def test_a_file_that_is_open_for_writing_is_refused(tmp_path):
    path = write_h5ad(tmp_path / "open.h5ad", {}, 2)
    with subprocess.Popen([sys.executable, "-c", WRITING, path], stdin=PIPE, stdout=PIPE, text=True) as writer:
        assert writer.stdout.readline() == "open\n"
        assert "is being written" in _refusal(path)


def test_a_10x_file_is_refused_by_name(tmp_path):
    with h5py.File(tmp_path / "filtered.h5", "w") as file:
        file["matrix/barcodes"] = np.arange(3)
        file["matrix/data"] = np.arange(3)
    assert "is a 10x Genomics .h5 file" in _refusal(tmp_path / "filtered.h5")


def test_an_hdf5_file_without_obs_is_refused_with_what_it_has(tmp_path):
    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["weights\x1b[31m"] = np.arange(3)
    assert r"has no obs, only weights\x1b[31m" in _refusal(tmp_path / "other.h5ad")


def test_an_obs_that_is_a_matrix_is_refused(tmp_path):
    with h5py.File(tmp_path / "matrix.h5ad", "w") as file:
        file["obs"] = np.zeros((3, 2))
    assert "its obs is neither a group nor a table" in _refusal(tmp_path / "matrix.h5ad")


def test_an_obs_without_anything_is_refused(tmp_path):
    with h5py.File(tmp_path / "nothing.h5ad", "w") as file:
        file.create_group("obs")
    assert "its obs is without an index" in _refusal(tmp_path / "nothing.h5ad")


def test_the_summary_refuses_as_the_factors_do(tmp_path):
    with pytest.raises(H5adError, match="is a folder"):
        summarise(tmp_path)


def test_an_error_inside_the_block_closes_the_file_and_passes_through(tmp_path):
    path = write_h5ad(tmp_path / "fine.h5ad", {}, 2)
    with pytest.raises(ZeroDivisionError), open_h5ad(path) as h5ad:
        raise ZeroDivisionError
    assert not h5ad.root.id.valid
