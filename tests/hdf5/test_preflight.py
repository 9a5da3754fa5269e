"""Files that hang, crash or mislead HDF5 are found before it opens them, and sound files are not suspected."""

import os
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from edviz.hdf5 import Fault, preflight, read_structure
from edviz.hdf5.checks import OUTSIDE_LINK, OUTSIDE_STORAGE, VIRTUAL
from edviz.hdf5.datatypes import INVALID_KIND
from edviz.hdf5.heaps import ENDLESS
from edviz.hdf5.walk import TOO_LARGE
from tests.h5ad.files import SHARED, TEXT, shared_file, texts, write_h5ad

REFUSED = {
    "heap_free_size_zero.h5ad": ("/", ENDLESS),
    "heap_object_size_wrap.h5ad": ("/", ENDLESS),
    "vlen_type_invalid.h5ad": ("/obs@column-order", INVALID_KIND),
    "external_link_obs.h5ad": ("/obs", OUTSIDE_LINK),
    "truncated_half.h5ad": ("/", "truncated: 8,728 of 17,456 bytes are there"),
    "truncated_tail.h5ad": ("/", "truncated: 17,392 of 17,456 bytes are there"),
    "signature_only.h5ad": ("/", "truncated: its end is missing"),
    "zeros_after_superblock.h5ad": ("/", "no object where there should be one"),
    "empty.h5ad": ("/", "not an HDF5 file"),
    "text.h5ad": ("/", "not an HDF5 file"),
    "gzipped.h5ad.gz": ("/", "not an HDF5 file"),
    "gzipped_truncated.h5ad.gz": ("/", "not an HDF5 file"),
}
SKIPPED = {
    "external_link_column.h5ad": {"/obs/secret": OUTSIDE_LINK},
    "external_link_inner.h5ad": {"/obs/secret/categories": OUTSIDE_LINK},
    "external_link_absolute.h5ad": {"/obs/secret": OUTSIDE_LINK, "/uns": OUTSIDE_LINK},
    "external_link_via_name.h5ad": {"/obs/ext": OUTSIDE_LINK},
    "external_storage_codes.h5ad": {"/obs/leak/codes": OUTSIDE_STORAGE},
    "external_storage_column.h5ad": {"/obs/leak": OUTSIDE_STORAGE, "/obs/relative": OUTSIDE_STORAGE},
    "virtual_dataset.h5ad": {"/obs/secret/codes": VIRTUAL},
    "soft_link_loop.h5ad": {
        "/obs/self": "a group that contains itself",
        "/uns": "a group that contains itself",
    },
    "chunk_rank_mismatch.h5ad": {"/obs/c/codes": "chunks of 2 dimensions for values of 1"},
    "chunk_rank_33.h5ad": {"/obs/c/codes": "damaged in a way that cannot be followed"},
    "chunk_size_zero.h5ad": {"/obs/c/codes": "chunks of no size"},
    "vlen_length_huge.h5ad": {"/obs/secret/categories": "texts of 2,147,483,647 bytes in a heap of 4,096"},
    "vlen_pointer_far.h5ad": {"/obs/secret/categories": "outside the file"},
}
# What is wrong with these is no matter of structure, or HDF5 says so itself.
LEFT_TO_THE_READER = {
    "bad_codes.h5ad",
    "chunk_size_max.h5ad",
    "deep_nesting.h5ad",
    "deflate_bomb.h5ad",
    "hostile_text.h5ad",
    "huge_index.h5ad",
    "huge_shape.h5ad",
    "invalid_utf8.h5ad",
    "name_traversal.h5ad",
    "reference_abuse.h5ad",
    "swmr_writer_died.h5ad",
    "unknown_filter.h5ad",
    "victim_target.h5ad",
    "vlen_index_out_of_range.h5ad",
    "vlen_pointer_to_header.h5ad",
    "writer_died.h5ad",
}


def test_a_sound_file_is_not_suspected(valid_file):
    faults = preflight(shared_file(valid_file))
    assert [fault for fault in faults if fault.consequence != "unknown"] == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_dangerous_or_no_file_at_all_is_refused(name):
    assert preflight(shared_file(f"hostile/{name}")) == (Fault(REFUSED[name][0], "refuse", REFUSED[name][1]),)


@pytest.mark.parametrize("name", SKIPPED)
def test_a_part_that_leads_astray_is_reported_with_its_path(name):
    faults = preflight(shared_file(f"hostile/{name}"))
    assert {fault.consequence for fault in faults} == {"skip"}
    assert {fault.path: fault.reason for fault in faults} == SKIPPED[name]


@pytest.mark.parametrize("name", sorted(LEFT_TO_THE_READER))
def test_a_file_of_which_the_structure_is_sound_is_left_to_the_reader(name):
    assert preflight(shared_file(f"hostile/{name}")) == ()


def test_every_hostile_file_is_accounted_for():
    shared_file("hostile")
    names = {path.name for path in (SHARED / "hostile").iterdir()} - {"README.md"}
    assert names == REFUSED.keys() | SKIPPED.keys() | LEFT_TO_THE_READER


def _refusals(path: Path) -> list[tuple[str, str]]:
    return [(fault.path, fault.reason) for fault in preflight(path) if fault.consequence == "refuse"]


def _damage(path: Path, what: bytes, by: bytes, *, at: int = 0) -> Path:
    """Overwrite the first occurrence of some bytes, or what is so many bytes behind it."""
    content = bytearray(path.read_bytes())
    start = content.index(what) + at
    content[start : start + len(by)] = by
    path.write_bytes(content)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a file with two columns."""
    columns = {"genotype": ([0, 1, 0], ["WT", "KO"]), "sample": ([0, 1, 2], ["s1", "s2", "s3"])}
    return write_h5ad(tmp_path / "small.h5ad", columns, 3)


def test_a_small_file_is_sound(small):
    assert preflight(small) == ()


def _place_of_free_space(path: Path) -> int:
    """Return where the first heap says how large its free space is."""
    content = path.read_bytes()
    start = content.index(b"GCOL")
    at = start + 16
    while (item := struct.unpack_from("<H6xQ", content, at))[0]:
        at += 16 + (item[1] + 7) // 8 * 8
    return at + 8 - start


@pytest.mark.parametrize("size", [0, 2**64 - 8, 2**63 + 8])
def test_a_heap_in_which_hdf5_does_not_get_ahead_is_refused(size, small):
    path = _damage(small, b"GCOL", struct.pack("<Q", size), at=_place_of_free_space(small))
    assert [reason for _, reason in _refusals(path)] == [ENDLESS]


def test_a_heap_is_walked_through_with_the_arithmetic_of_hdf5(small):
    # In 64 bits the largest size comes to nothing, so the text itself is taken for the next item.
    path = _damage(small, b"GCOL", struct.pack("<Q", 2**64 - 1) + bytes(16), at=24)
    assert [reason for _, reason in _refusals(path)] == [ENDLESS]


def test_a_heap_with_a_false_size_that_hdf5_survives_is_noted(small):
    path = _damage(small, b"GCOL", struct.pack("<Q", 100_000), at=_place_of_free_space(small))
    (fault,) = preflight(path)
    assert (fault.consequence, fault.reason) == ("skip", "texts in a heap with a false size")


def test_a_heap_of_level_names_is_looked_at_wherever_it_is(tmp_path):
    path = tmp_path / "late.h5ad"
    levels = [f"level {number} with a name that fills the heap" for number in range(400)]
    write_h5ad(path, {"sample": ([0, 1, 2], levels)}, 3)
    content = bytearray(path.read_bytes())
    last = content.rindex(b"level 399 ")
    content[last - 8 : last] = struct.pack("<Q", 2**64 - 16)
    path.write_bytes(content)
    assert _refusals(path) == [("/obs/sample/categories", ENDLESS)]


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("chunks", [None, (50,)])
def test_a_heap_is_found_through_chunks_and_compression(chunks, compression, tmp_path):
    if compression and chunks is None:
        chunks = (400,)
    path = tmp_path / "packed.h5ad"
    names = texts([f"name {number} with so many letters" for number in range(400)])
    with h5py.File(path, "w") as file:
        file.create_dataset("obs/name", data=names, dtype=TEXT, chunks=chunks, compression=compression)
    content = bytearray(path.read_bytes())
    last = content.rindex(b"name 399 ")
    content[last - 8 : last] = struct.pack("<Q", 2**64 - 16)
    path.write_bytes(content)
    assert _refusals(path) == [("/obs/name", ENDLESS)]


def test_a_type_with_an_invalid_kind_of_variable_length_is_refused(small):
    # Class 9 in version 1, then the kind: 1 is text.
    path = _damage(small, b"\x19\x01", b"\x19\x0e")
    ((where, reason),) = _refusals(path)
    assert "@" in where
    assert reason == INVALID_KIND


def test_an_object_header_that_goes_on_in_itself_is_refused(tmp_path):
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as file:
        for number in range(20):
            file.attrs[f"attribute {number}"] = number
    content = path.read_bytes()
    # The message that says where the header goes on, and the block there with such a message in it.
    at = content.index(struct.pack("<HHB3x", 0x10, 16, 0))
    address, _ = struct.unpack_from("<QQ", content, at + 8)
    block = struct.pack("<HHB3xQQ", 0x10, 16, 0, address, 24)
    damaged = bytearray(content)
    damaged[at + 8 : at + 24] = struct.pack("<QQ", address, 24)
    damaged[address : address + 24] = block
    path.write_bytes(damaged)
    assert _refusals(path) == [("/", "an object header that goes round in circles")]


def test_a_tree_that_leads_to_itself_is_refused(tmp_path):
    path = tmp_path / "tree.h5"
    with h5py.File(path, "w") as file:
        for number in range(400):
            file[f"{number:03}"] = number
    content = path.read_bytes()
    root = content.index(b"TREE\0\1")
    _damage(path, b"TREE\0\1", struct.pack("<Q", root), at=32)
    assert _refusals(path) == [("/", "a tree that goes round in circles")]


def test_a_damaged_branch_hides_no_other(tmp_path):
    path = tmp_path / "branch.h5"
    with h5py.File(path, "w") as file:
        for number in range(40):
            file[f"{number:02}/link"] = h5py.ExternalLink("elsewhere.h5", "/")
    faults = preflight(_damage(path, b"SNOD", b"none"))
    assert faults[0] == Fault("/", "skip", "no list of links where there should be one")
    assert len(faults) > 20


def test_a_dataset_that_ends_behind_the_file_is_noted(small):
    content = small.read_bytes()
    with h5py.File(small, "r") as file:
        address = file["obs/sample/codes"].id.get_offset()
    _damage(small, struct.pack("<Q", address), struct.pack("<Q", len(content) - 4))
    assert preflight(small) == (Fault("/obs/sample/codes", "skip", "outside the file"),)


def test_links_and_storage_outside_are_noted_wherever_they_are(tmp_path):
    path = tmp_path / "outside.h5ad"
    with h5py.File(path, "w") as file:
        file["uns/link"] = h5py.ExternalLink("/etc/passwd", "/")
        file.create_dataset("layers/stored", shape=(4,), dtype="u1", external=[("/etc/passwd", 0, 4)])
        layout = h5py.VirtualLayout((3,), "i4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
        file.create_virtual_dataset("obsm/virtual", layout)
    assert {fault.path: (fault.consequence, fault.reason) for fault in preflight(path)} == {
        "/uns/link": ("skip", OUTSIDE_LINK),
        "/layers/stored": ("skip", OUTSIDE_STORAGE),
        "/obsm/virtual": ("skip", VIRTUAL),
    }


def test_an_object_with_two_names_is_no_circle(tmp_path):
    path = tmp_path / "twice.h5"
    with h5py.File(path, "w") as file:
        file["a/values"] = np.arange(3)
        file["b"] = file["a"]
        file["c"] = h5py.SoftLink("/nowhere")
    assert preflight(path) == ()


def test_a_text_longer_than_a_heap_usually_is_is_sound(tmp_path):
    path = tmp_path / "long.h5ad"
    with h5py.File(path, "w") as file:
        file["uns/report"] = "long" * 1_000_000
        file["uns/reports"] = texts(["short", "long" * 100_000, ""])
        file["uns"].attrs["note"] = "x" * 60_000
    assert preflight(path) == ()


def test_a_file_of_another_kind_is_refused_without_an_error(tmp_path):
    assert preflight(tmp_path / "none.h5ad")[0].consequence == "refuse"
    assert preflight(tmp_path / "a\0b")[0].consequence == "refuse"
    assert preflight(tmp_path) == (Fault("/", "refuse", "no regular file"),)
    assert preflight(__file__) == (Fault("/", "refuse", "not an HDF5 file"),)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5ad")
    assert preflight(tmp_path / "pipe.h5ad") == (Fault("/", "refuse", "no regular file"),)


def test_names_that_are_not_utf8_can_be_encoded_again(tmp_path):
    path = tmp_path / "bytes.h5"
    with h5py.File(path, "w") as file:
        obs = file.create_group("obs")
        obs.id.links.create_external(b"caf\xe9", b"other.h5", b"/")
    (fault,) = preflight(path)
    assert fault.path.encode("utf-8", "surrogateescape") == b"/obs/caf\xe9"


def test_the_number_of_objects_that_are_looked_at_is_bounded(small, monkeypatch):
    monkeypatch.setattr("edviz.hdf5.walk.MOST_OBJECTS", 5)
    structure = read_structure(small)
    assert structure.faults == (Fault("/", "unknown", TOO_LARGE),)
    assert len(structure.objects) <= 5


@pytest.mark.parametrize("limit", ["pages.MOST_READ_BYTES", "pages.MOST_HELD_BYTES", "walk.MOST_RUNNING"])
def test_the_work_for_a_file_is_bounded(limit, small, monkeypatch):
    monkeypatch.setattr(f"edviz.hdf5.{limit}", 1)
    assert preflight(small) == (Fault("/", "unknown", TOO_LARGE),)
