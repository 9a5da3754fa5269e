"""Files compressed with gzip are read like what they hold, and nothing of them stays."""

import gzip
import tempfile
from pathlib import Path

import pytest

from edviz.errors import H5adError
from edviz.h5ad import read_factors, summarise
from edviz.h5ad.copies import copy_of, is_packed_address
from edviz.source import design_of
from tests.h5ad.files import REPOSITORY, shared_file

SHIPPED = REPOSITORY / "tests" / "data" / "wu2020_tcells_200.h5ad"

ADDRESSES = {
    "https://example.org/cells.h5ad.gz": True,
    "https://example.org/cells.h5ad.GZ?token=x#part": True,
    "https://example.org/geo/download/?acc=GSE1&format=file&file=GSE1%5Fcells%2Eh5ad.gz": True,
    "https://example.org/cells.h5ad": False,
    "https://example.org/cells.gz.h5ad": False,
    "https://example.org/cells.h5ad#cells.gz": False,
}


@pytest.fixture
def packed(tmp_path) -> Path:
    path = tmp_path / "cells.h5ad.gz"
    path.write_bytes(gzip.compress(SHIPPED.read_bytes()))
    return path


def test_a_compressed_file_gives_what_it_holds(packed):
    assert read_factors(packed).listing == read_factors(SHIPPED).listing
    summary = summarise(packed)
    assert (summary.n_obs, summary.file_size) == (200, SHIPPED.stat().st_size)
    assert summary.path == str(packed)


def test_it_is_told_by_its_bytes_and_not_by_its_name(packed):
    renamed = packed.rename(packed.with_name("cells.h5ad"))
    assert read_factors(renamed).n_obs == 200


def test_a_design_is_found_in_a_compressed_file(packed):
    assert design_of(str(packed)) == design_of(str(SHIPPED))


def test_the_shared_compressed_file_is_read():
    assert read_factors(shared_file("hostile/gzipped.h5ad.gz")).n_obs == 12


@pytest.mark.parametrize("n_bytes", [15, 2000, -8, -1])
def test_a_truncated_file_is_refused_in_one_sentence(packed, n_bytes):
    packed.write_bytes(packed.read_bytes()[:n_bytes])
    with pytest.raises(H5adError, match=r"cells\.h5ad\.gz is truncated: its end is missing; [^.]+\.$"):
        read_factors(packed)


def test_nothing_is_left_where_temporary_files_are_written(packed, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with copy_of(packed) as copy:
        assert copy is not None
        assert Path(copy.path).read_bytes() == SHIPPED.read_bytes()
        if copy.descriptor is not None:
            # Even if the process is killed now.
            assert list(place.iterdir()) == []
    assert list(place.iterdir()) == []
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(H5adError), copy_of(packed):
        pass
    assert list(place.iterdir()) == []


def test_what_it_may_unpack_to_is_limited(packed, monkeypatch):
    monkeypatch.setenv("EDVIZ_MOST_UNPACKED_BYTES", "10000")
    with pytest.raises(H5adError, match=r"more than 10,000 bytes.*EDVIZ_MOST_UNPACKED_BYTES"):
        read_factors(packed)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_compressed_file_on_a_server_is_told_by_its_name(address):
    assert is_packed_address(address) == ADDRESSES[address]
