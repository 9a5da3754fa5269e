"""Read obs over HTTP with remfile and h5py: the baseline of `remote.py`, run by a Python that has both.

Reads what every inference needs: of all columns names, types and attributes, the names of levels, and, if asked for
`all`, the codes of categorical columns and the values of boolean ones. Prints the bytes that these take in the file.
"""

from __future__ import annotations

import json
import sys

import h5py
import remfile


def main() -> None:
    """Read the file at a URL."""
    url, what = sys.argv[1:]
    with h5py.File(remfile.File(url), "r") as file:
        print(json.dumps({"stored_bytes": sum(_read(column, what) for column in _columns(file["obs"]))}))


def _columns(obs: h5py.Group) -> list[h5py.Group | h5py.Dataset]:
    return [obs[name] for name in obs.attrs["column-order"]]


def _read(column: h5py.Group | h5py.Dataset, what: str) -> int:
    dict(column.attrs)
    if isinstance(column, h5py.Dataset):
        return _values(column) if column.dtype == bool and what == "all" else 0
    for part in column.values():
        dict(part.attrs)
    if "categories" not in column:
        return 0
    return _values(column["categories"]) + (_values(column["codes"]) if what == "all" else 0)


def _values(dataset: h5py.Dataset) -> int:
    dataset[:]
    return dataset.id.get_storage_size()


if __name__ == "__main__":
    main()
