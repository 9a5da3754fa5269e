"""Whatever the bytes are, a walk ends with a result and never with an error."""

import random
from pathlib import Path

import pytest

from edviz.hdf5 import Batch, Structure, prefetch, preflight, run
from tests.h5ad.files import shared_file
from tests.hdf5.walking import Fetching, write_many_columns

FILES = (
    "encodings/anndata-0.6.22.post1_odd_columns.h5ad",
    "encodings/anndata-0.7.8_odd_columns_slash.h5ad",
    "encodings/anndata-0.12.19_csr_raw_layers.h5ad",
    "encodings/anndata-0.13.4_nullable_kept_strings.h5ad",
    "encodings/handmade_libver_latest_userblock.h5ad",
    "encodings/handmade_wide_frame.h5ad",
    "encodings/snapatac2-2.9.0_strings.h5ad",
)
N_EDITED = 60
HEAD_BYTES = 20_000


def _edited(content: bytes, chance: random.Random) -> bytes:
    edited = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(min(HEAD_BYTES, len(content)))
        width = chance.choice([1, 1, 2, 4, 8])
        edited[start : start + width] = chance.choice([bytes(width), b"\xff" * width, chance.randbytes(width)])
    return bytes(edited)


@pytest.mark.parametrize("name", FILES)
def test_edited_bytes_never_raise(name, tmp_path):
    content = shared_file(name).read_bytes()
    chance = random.Random(name)
    path = tmp_path / "edited.h5ad"
    for _ in range(N_EDITED):
        path.write_bytes(_edited(content, chance))
        assert isinstance(preflight(path), tuple)
        fetching = Fetching(path)
        assert isinstance(run(prefetch(len(fetching.content), purpose="factors"), fetching), Structure)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_anywhere_is_refused(name, tmp_path):
    content = shared_file(name).read_bytes()
    path = tmp_path / "cut.h5ad"
    for length in range(0, len(content), 997):
        path.write_bytes(content[:length])
        assert "refuse" in {fault.consequence for fault in preflight(path)}


def test_noise_after_the_signature_never_raises(tmp_path):
    chance = random.Random(0)
    path = tmp_path / "noise.h5ad"
    for version in range(6):
        sizes = bytes([8, 8]) if version > 1 else bytes([0, 0, 0, 0, 8, 8])
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes([version]) + sizes + chance.randbytes(5000))
        assert isinstance(preflight(path), tuple)


def test_answers_that_are_too_short_are_a_fault_and_no_error(tmp_path):
    path = write_many_columns(tmp_path / "many.h5ad", n=500)
    content = path.read_bytes()
    chance = random.Random(0)

    def fetch_some(batch: Batch) -> list[bytes]:
        return [content[start : chance.randint(start, stop)] for start, stop in batch.structure]

    def fetch_nothing(batch: Batch) -> list[bytes]:
        return [b""] * len(batch.structure)

    for fetch in (fetch_some, fetch_nothing):
        assert run(prefetch(len(content)), fetch).faults


def test_what_was_found_before_the_damage_is_kept(tmp_path):
    path = write_many_columns(tmp_path / "many.h5ad", n=500)
    content = bytearray(path.read_bytes())
    last = content.rindex(b"SNOD")
    content[last : last + 4] = b"none"
    path.write_bytes(content)
    fetching = Fetching(Path(path))
    structure = run(prefetch(len(content)), fetching)
    assert structure.find("/obs/factor0/codes").shape == (500,)
    assert [fault.reason for fault in structure.faults] == ["no list of links where there should be one"]
