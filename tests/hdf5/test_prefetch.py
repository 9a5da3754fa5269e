"""After a walk in a few rounds, HDF5 finds almost everything at hand."""

import h5py
import numpy as np
import pytest

from edviz.h5ad.matrices import matrix_of, sample_values
from edviz.hdf5 import Rows, prefetch, prefetch_rows, run
from edviz.hdf5.pages import LONGEST_RANGE
from tests.h5ad.files import shared_file
from tests.hdf5.walking import CountingFile, Fetching, n_bytes, prefetched, write_many_columns

MOST_ROUNDS = 14
MOST_FETCHED = 3
N_FACTORS = 20
N = 60_000


def _read_levels(file: h5py.File) -> None:
    """Read names, types, attributes and level names of all columns."""
    for column in file["obs"].values():
        dict(column.attrs)
        if isinstance(column, h5py.Group):
            _ = column["categories"][:], column["codes"].shape
        else:
            _ = column.shape, column.dtype


def _read_values(file: h5py.File) -> int:
    """Read codes and booleans, and return the bytes that they have in the file."""
    discrete = [
        column["codes"] if isinstance(column, h5py.Group) else column
        for column in file["obs"].values()
        if isinstance(column, h5py.Group) or column.dtype.kind == "b"
    ]
    for dataset in discrete:
        _ = dataset[:]
    return sum(dataset.id.get_storage_size() for dataset in discrete)


@pytest.fixture(scope="module", params=["plain", "packed", "newest format"])
def many_columns(request, tmp_path_factory):
    """Return a file with 40 columns of all kinds behind a matrix."""
    forms = {"packed": {"compression": "gzip"}, "newest format": {"libver": "latest"}}
    folder = tmp_path_factory.mktemp("many")
    return write_many_columns(folder / "many.h5ad", n=N, **forms.get(request.param, {}))


def test_all_level_names_are_at_hand_after_the_walk(many_columns):
    _, fetching = prefetched(many_columns, purpose="summary")
    assert fetching.rounds <= MOST_ROUNDS
    assert n_bytes(fetching.structure) < 2_000_000
    counting = CountingFile(fetching.content, fetching.structure + fetching.values)
    with h5py.File(counting, "r") as file:
        _read_levels(file)
    assert counting.n_fetched <= MOST_FETCHED


def test_all_codes_are_at_hand_after_the_walk_and_little_else_was_moved(many_columns):
    _, fetching = prefetched(many_columns, purpose="factors")
    assert fetching.rounds <= MOST_ROUNDS
    counting = CountingFile(fetching.content, fetching.structure + fetching.values)
    with h5py.File(counting, "r") as file:
        _read_levels(file)
        own = _read_values(file)
    assert counting.n_fetched <= MOST_FETCHED
    assert n_bytes(fetching.structure + fetching.values) <= 1.05 * own + 2_000_000


def test_the_first_rows_of_measurements_are_at_hand_and_the_rest_is_not(many_columns):
    _, fetching = prefetched(many_columns, purpose="factors")
    with h5py.File(many_columns, "r") as file:
        measured = next(column for column in file["obs"].values() if getattr(column, "dtype", None) == "f4")
        chunk = measured.id.get_chunk_info(0) if measured.chunks else None
        start = measured.id.get_offset() if chunk is None else chunk.byte_offset
        first = 4 * 4096 if chunk is None else chunk.size
        stored = measured.id.get_storage_size()
    counting = CountingFile(fetching.content, fetching.structure + fetching.values)
    assert counting.n_at_hand(start, first) == first
    if chunk is None:
        assert counting.n_at_hand(start, stored) < 0.5 * stored


def _first_and_last_chunk(dataset: h5py.Dataset) -> list[range]:
    chunks = [dataset.id.get_chunk_info(number) for number in (0, dataset.id.get_num_chunks() - 1)]
    return [range(chunk.byte_offset, chunk.byte_offset + chunk.size) for chunk in chunks]


def test_a_sample_of_the_matrix_is_at_hand_for_a_summary(many_columns):
    _, fetching = prefetched(many_columns, purpose="summary")
    with h5py.File(many_columns, "r") as file:
        chunks = _first_and_last_chunk(file["X/data"])
    counting = CountingFile(fetching.content, fetching.structure + fetching.values)
    assert [counting.n_at_hand(chunk.start, len(chunk)) for chunk in chunks] == [len(chunk) for chunk in chunks]


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("chunks", [None, (100, 50)])
def test_a_sample_of_a_dense_matrix_is_at_hand_for_a_summary(tmp_path, libver, chunks):
    path = tmp_path / "dense.h5ad"
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset("X", data=np.arange(3_000_000, dtype="f4").reshape(10_000, 300), chunks=chunks)
    _, fetching = prefetched(path, purpose="summary")
    counting = CountingFile(fetching.content, fetching.structure + fetching.values)
    with h5py.File(counting, "r") as file:
        sample_values(matrix_of(file["X"]))
    assert counting.n_fetched <= MOST_FETCHED
    assert n_bytes(fetching.structure + fetching.values) < 0.2 * len(fetching.content)


def test_rows_of_a_column_are_found_again_by_its_path(many_columns):
    content = many_columns.read_bytes()
    with h5py.File(many_columns, "r") as file:
        name = next(name for name, column in file["obs"].items() if isinstance(column, h5py.Group))
    fetching = Fetching(many_columns)
    run(prefetch_rows(len(content), {f"/obs/{name}/codes": Rows(0, N)}), fetching)
    counting = CountingFile(content, fetching.structure + fetching.values)
    with h5py.File(counting, "r") as file:
        _ = file["obs"][name]["codes"][:]
    assert counting.n_fetched <= MOST_FETCHED


def test_without_the_walk_hdf5_fetches_many_blocks_one_after_the_other(many_columns):
    counting = CountingFile(many_columns.read_bytes(), [])
    with h5py.File(counting, "r") as file:
        _read_levels(file)
    assert counting.n_fetched > 3 * MOST_FETCHED


def test_matrices_are_not_fetched(many_columns):
    _, fetching = prefetched(many_columns, purpose="factors")
    with h5py.File(many_columns, "r") as file:
        values = file["X/data"].id
        chunks = [values.get_chunk_info(number) for number in range(values.get_num_chunks())]
    counting = CountingFile(fetching.content, fetching.structure + fetching.values)
    moved = [counting.n_at_hand(chunk.byte_offset, chunk.size) for chunk in chunks]
    assert sum(moved) < 0.1 * sum(chunk.size for chunk in chunks)


def test_ranges_are_short_enough_to_be_fetched_side_by_side(tmp_path):
    path = write_many_columns(tmp_path / "long.h5ad", n=400_000)
    _, fetching = prefetched(path, purpose="factors")
    assert max(stop - start for start, stop in fetching.structure + fetching.values) <= LONGEST_RANGE
    assert all(stop <= len(fetching.content) for _, stop in fetching.structure + fetching.values)


def test_the_first_request_is_the_head_of_the_file():
    batch = next(prefetch(10**9))
    assert [start for start, _ in batch.structure] == [0]
    assert batch.values == ()


def _read_obs(file: h5py.File) -> None:
    """Read all of obs that is not measured, in whatever encoding it is."""
    obs = file["obs"]
    parts = [obs] if isinstance(obs, h5py.Dataset) else []
    if isinstance(obs, h5py.Group):
        obs.visititems(lambda _, part: parts.append(part))
    for part in parts:
        dict(part.attrs)
        if isinstance(part, h5py.Dataset) and part.dtype.kind in "iub" and part.shape:
            _ = part[:]


ENCODINGS = (
    "airway_bulk_8.h5ad",
    "kang_pbmc_stim_ctrl_14039.h5ad",
    "lung_lca_3donors_2methods.h5ad",
    "pancreas_4datasets_obs_only.h5ad",
    "pbmc68k_reduced_compound_obs.h5ad",
    "wu2020_tcells_200_v0_6.h5ad",
    "edge/anndata_v0_13_3.h5ad",
    "encodings/snapatac2-2.9.0_strings.h5ad",
    "encodings/seuratdisk-0.0.0.9021_factors.h5ad",
)


@pytest.mark.parametrize("name", ENCODINGS)
def test_columns_of_real_files_are_at_hand_in_every_encoding(name):
    structure, fetching = prefetched(shared_file(name), purpose="factors")
    counting = CountingFile(fetching.content, fetching.structure + fetching.values)
    with h5py.File(counting, "r") as file:
        _read_obs(file)
        names = set(file["obs"].keys() if isinstance(file["obs"], h5py.Group) else ())
    assert counting.n_fetched <= MOST_FETCHED
    found = structure.find("/obs")
    assert names == {link.name for link in found.links or ()}


def test_the_levels_of_the_oldest_encoding_are_found_in_uns():
    name = "encodings/anndata-0.6.22.post1_csr_raw_layers.h5ad"
    structure, _ = prefetched(shared_file(name), purpose="summary")
    assert structure.find("/obs").datatype.kind == "compound"
    assert structure.find("/uns/genotype_categories").kind == "dataset"


def test_a_walk_that_is_led_astray_only_costs_time(many_columns):
    content = many_columns.read_bytes()
    fetching = Fetching(many_columns)
    fetching.content = content[:200] + bytes(len(content) - 200)
    walk = prefetch(len(content))
    batch = next(walk)
    with pytest.raises(StopIteration) as end:
        while True:
            batch = walk.send(fetching(batch))
    assert end.value.value.faults
    counting = CountingFile(content, [])
    with h5py.File(counting, "r") as file:
        _read_levels(file)
