"""What a walk finds agrees with what HDF5 itself says of the same file."""

import subprocess
import sys
from math import prod
from pathlib import Path

import h5py
import numpy as np
import pytest
from h5py import h5a, h5d, h5l, h5o, h5s, h5t

from edviz.hdf5 import StoredObject, Structure, read_structure
from edviz.hdf5.chunks import find_pieces
from edviz.hdf5.datatypes import KINDS, Datatype
from edviz.hdf5.datatypes import TEXT as TEXT_OF_VARIABLE_LENGTH
from edviz.hdf5.faults import Notes
from tests.h5ad.files import REPOSITORY, TEXT, shared_file, texts
from tests.hdf5.walking import go_through, pages_of, write_many_columns

LINK_KINDS = {h5l.TYPE_HARD: "hard", h5l.TYPE_SOFT: "soft", h5l.TYPE_EXTERNAL: "external"}
LAYOUTS = {h5d.COMPACT: "compact", h5d.CONTIGUOUS: "contiguous", h5d.CHUNKED: "chunked", h5d.VIRTUAL: "virtual"}


def compare(path: Path) -> int:
    """Compare every object of a file, and return how many there are."""
    structure = read_structure(path)
    with h5py.File(path, "r") as file:
        return _compare_groups(structure, structure.find("/"), file["/"], set())


def _compare_groups(structure: Structure, found: StoredObject, group: h5py.Group, seen: set[int]) -> int:
    seen.add(h5o.get_info(group.id).addr)
    links = {link.name.encode("utf-8", "surrogateescape"): link for link in found.links}
    assert found.kind == "group"
    assert links.keys() == set(group.id)
    _compare_attributes(found, group.id)
    n = 1
    for name, link in links.items():
        assert link.kind == LINK_KINDS[group.id.links.get_info(name).type]
        if link.kind == "soft":
            assert link.target.encode() == group.id.links.get_val(name)
        if link.kind != "hard":
            continue
        part = h5o.open(group.id, name)
        assert link.address == h5o.get_info(part).addr
        if link.address in seen:
            continue
        target = structure.objects[link.address]
        if isinstance(part, h5py.h5g.GroupID):
            n += _compare_groups(structure, target, h5py.Group(part), seen)
        else:
            seen.add(link.address)
            _compare_attributes(target, part)
            _compare_dataset(target, part) if isinstance(part, h5d.DatasetID) else _compare_type(target, part)
            n += 1
    return n


def _compare_attributes(found: StoredObject, part: h5py.h5g.GroupID) -> None:
    attributes = {attribute.name: attribute for attribute in found.attributes}
    stored = [h5a.open(part, index=index) for index in range(h5a.get_num_attrs(part))]
    assert attributes.keys() == {one.name.decode() for one in stored}
    for one in stored:
        attribute = attributes[one.name.decode()]
        space = one.get_space()
        assert attribute.shape == (None if space.get_simple_extent_type() == h5s.NULL else one.shape)
        assert _described(attribute.datatype) == _expected(one.get_type())


def _compare_dataset(found: StoredObject, dataset: h5d.DatasetID) -> None:
    plan = dataset.get_create_plist()
    is_null = dataset.get_space().get_simple_extent_type() == h5s.NULL
    assert found.kind == "dataset"
    assert found.shape == (None if is_null else dataset.shape)
    assert found.layout.kind == LAYOUTS[plan.get_layout()]
    assert found.layout.chunk == (plan.get_chunk() if plan.get_layout() == h5d.CHUNKED else ())
    assert [one.number for one in found.filters] == [plan.get_filter(n)[0] for n in range(plan.get_nfilters())]
    assert found.is_outside == (plan.get_external_count() > 0)
    _compare_type(found, dataset.get_type())


def _compare_type(found: StoredObject, datatype: h5t.TypeID) -> None:
    assert _described(found.datatype) == _expected(datatype)


def _described(datatype: Datatype) -> tuple:
    """Describe a type as h5py does: with the sizes and offsets that values of variable length have in memory."""
    is_text = datatype.kind == "string" or (datatype.kind == "vlen" and datatype.bits & 0xF == TEXT_OF_VARIABLE_LENGTH)
    members, saved = [], 0
    for member in datatype.members:
        described = _described(member.datatype)
        members.append((member.name, member.offset - saved, *described))
        saved += member.datatype.size - described[1]
    size = datatype.size - saved
    if datatype.kind == "vlen":
        size = 8 if is_text else 16
    if datatype.kind == "array":
        size = prod(datatype.shape) * _described(datatype.base)[1]
    return "string" if is_text else datatype.kind, size, tuple(members), datatype.names, datatype.shape


def _expected(datatype: h5t.TypeID) -> tuple:
    kind = KINDS[datatype.get_class()]
    members, names = (), ()
    if kind == "compound":
        members = tuple(_expected_member(datatype, n) for n in range(datatype.get_nmembers()))
    if kind == "enum":
        names = tuple(datatype.get_member_name(n).decode() for n in range(datatype.get_nmembers()))
    return kind, datatype.get_size(), members, names, datatype.get_array_dims() if kind == "array" else ()


def _expected_member(datatype: h5t.TypeCompoundID, n: int) -> tuple:
    return datatype.get_member_name(n).decode(), datatype.get_member_offset(n), *_expected(datatype.get_member_type(n))


def test_objects_links_types_and_shapes_of_a_real_file_agree_with_h5py(valid_file):
    assert compare(shared_file(valid_file)) > 3


@pytest.mark.parametrize("libver", ["earliest", "v110", "latest"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_objects_of_every_version_of_the_format_agree_with_h5py(libver, compression, tmp_path):
    path = write_many_columns(tmp_path / "many.h5ad", n=500, libver=libver, compression=compression)
    assert compare(path) == 94


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("n", [0, 5, 60, 3000])
def test_groups_of_any_width_agree_with_h5py(libver, n, tmp_path):
    path = tmp_path / "wide.h5"
    with h5py.File(path, "w", libver=libver) as file:
        group = file.create_group("group")
        for number in range(n):
            group[f"a column with a rather long name {number}"] = np.float64(number)
    assert compare(path) == n + 2


@pytest.mark.parametrize("n", [5, 60, 400])
def test_any_number_of_attributes_agrees_with_h5py(n, tmp_path):
    path = tmp_path / "attributes.h5"
    with h5py.File(path, "w", libver="latest") as file:
        group = file.create_group("group")
        for number in range(n):
            group.attrs[f"attribute {number}"] = f"text {number}"
    assert compare(path) == 2


TYPES = {
    "bits": np.dtype("u1"),
    "big": np.dtype(">i4"),
    "boolean": np.dtype(bool),
    "enumeration": h5py.enum_dtype({"WT": 0, "KO": 1, "unknown": 7}, basetype="i2"),
    "fixed": np.dtype("S7"),
    "opaque": np.dtype("V5"),
    "complex": np.dtype("c8"),
    "array": np.dtype(("f4", (2, 3))),
    "lists": h5py.vlen_dtype(np.dtype("i4")),
    "reference": np.dtype([("to", h5py.ref_dtype)]),
    "nested": np.dtype([("a", "i4"), ("b", [("c", "S3"), ("d", TEXT)]), ("e", "f8", (4,))]),
    "wide": np.dtype([(f"field {number}", TEXT) for number in range(40)]),
}


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("name", TYPES)
def test_types_agree_with_h5py(name, libver, tmp_path):
    path = tmp_path / "types.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file["committed"] = TYPES[name]
        file.create_dataset("plain", shape=(3,), dtype=TYPES[name])
        file.create_dataset("shared", shape=(3,), dtype=file["committed"])
        h5a.create(file["plain"].id, b"attribute", file["committed"].id, h5s.create_simple((2,)))
    assert compare(path) == 4


CHUNKED = {
    "one chunk": {"shape": (7, 5), "chunks": (7, 5)},
    "few chunks": {"shape": (70, 5), "chunks": (7, 5)},
    "more chunks than one node has": {"shape": (3000,), "chunks": (3,)},
    "more chunks than one page of an index has": {"shape": (20_000,), "chunks": (5,)},
    "two dimensions may grow": {"shape": (300, 50), "chunks": (7, 5), "maxshape": (None, None)},
    "packed": {"shape": (3000,), "chunks": (30,), "compression": "gzip", "shuffle": True, "fletcher32": True},
    "packed, one chunk": {"shape": (30,), "chunks": (30,), "compression": "gzip"},
    "packed, two dimensions may grow": {
        "shape": (300, 50),
        "chunks": (7, 5),
        "maxshape": (None, None),
        "compression": "gzip",
    },
}


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("case", CHUNKED)
def test_chunks_are_where_h5py_says(case, libver, tmp_path):
    path = tmp_path / "chunks.h5"
    values = np.random.default_rng(0).integers(0, 9, CHUNKED[case]["shape"])
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset("values", data=values, **CHUNKED[case])
    with h5py.File(path, "r") as file:
        dataset = file["values"].id
        chunks = [dataset.get_chunk_info(number) for number in range(dataset.get_num_chunks())]
    pages, structure = pages_of(path), read_structure(path)
    pieces = go_through(find_pieces(pages, structure.find("/values"), Notes("/values", [])), pages, path)
    assert [(piece.address, piece.size) for piece in pieces] == [(chunk.byte_offset, chunk.size) for chunk in chunks]


def test_implicit_chunks_are_one_piece(tmp_path):
    path = tmp_path / "implicit.h5"
    with h5py.File(path, "w", libver="latest") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4,))
        plan.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        h5d.create(file.id, b"values", h5t.NATIVE_INT32, h5s.create_simple((10,)), dcpl=plan)
        first = file["values"].id.get_chunk_info(0).byte_offset
    pages, structure = pages_of(path), read_structure(path)
    (piece,) = go_through(find_pieces(pages, structure.find("/values"), Notes("/values", [])), pages, path)
    assert structure.find("/values").layout.chunk_index == "implicit"
    assert (piece.address, piece.size) == (first, 48)


def test_an_index_that_is_not_known_is_left_to_hdf5(tmp_path):
    path = tmp_path / "growing.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("obs/names", data=texts(["a"] * 30), dtype=TEXT, chunks=(3,), maxshape=(None,))
    (fault,) = read_structure(path).faults
    assert (fault.path, fault.consequence) == ("/obs/names", "unknown")
    assert "extensible array" in fault.reason


@pytest.mark.parametrize("size", [512, 1024, 65_536])
def test_addresses_count_from_the_end_of_a_user_block(size, tmp_path):
    path = tmp_path / "block.h5"
    with h5py.File(path, "w", userblock_size=size) as file:
        file["obs/a"] = np.arange(3)
    structure = read_structure(path)
    assert structure.superblock.base == size
    assert structure.find("/obs/a").shape == (3,)
    assert structure.faults == ()


def test_a_path_that_does_not_exist_leads_to_nothing(shipped):
    structure = read_structure(shipped)
    assert structure.find("/obs").kind == "group"
    assert structure.find("/obs/none/deeper") is None


def test_only_the_standard_library_is_needed():
    code = "import sys, edviz.hdf5; print(*{'h5py', 'numpy', 'lark', 'rich'} & sys.modules.keys())"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout == "\n"
