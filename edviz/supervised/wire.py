"""Messages between a process that asks and one that reads: a line of JSON, then the bytes of the arrays in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

ARRAY = "$array"
LONGEST_LINE = 1 << 26
DTYPES = ("int8", "int16", "int32", "int64")
"""The only kinds of arrays that are sent: nothing in a message is ever executed."""


def pack(message: Any) -> list[bytes | memoryview]:
    """Write a message of dictionaries, lists, texts, numbers, None and arrays of whole numbers, as pieces to send."""
    arrays: list[np.ndarray] = []
    line = json.dumps(_without_arrays(message, arrays), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return [line.encode() + b"\n", *(_bytes_of(array) for array in arrays)]


def unpack(line: bytes, read: Callable[[int], bytes | bytearray]) -> Any:
    """Read a message.

    Parameters
    ----------
    line
        The line of JSON.
    read
        Returns so many of the bytes that follow.
    """
    return _with_arrays(json.loads(line), read)


def _bytes_of(array: np.ndarray) -> bytes | memoryview:
    # A large array is sent as it lies in memory; one that lies otherwise, or is empty, has no such view.
    return array.data.cast("B") if array.size and array.flags.c_contiguous else array.tobytes()


def _without_arrays(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, dict):
        return {key: _without_arrays(part, arrays) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(part, arrays) for part in value]
    if hasattr(value, "tobytes"):
        arrays.append(value)
        return {ARRAY: [str(value.dtype), list(value.shape)]}
    return value


def _with_arrays(value: Any, read: Callable[[int], bytes | bytearray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {ARRAY}:
            dtype, shape = value[ARRAY]
            return _array(dtype, shape, read)
        return {key: _with_arrays(part, read) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_arrays(part, read) for part in value]
    return value


def _array(dtype: str, shape: list[int], read: Callable[[int], bytes | bytearray]) -> np.ndarray:
    import numpy as np

    if dtype not in DTYPES or any(size < 0 for size in shape):
        raise ValueError(f"no array of type {dtype} and shape {shape}")
    n_bytes = np.dtype(dtype).itemsize
    for size in shape:
        n_bytes *= size
    return np.frombuffer(read(n_bytes), dtype=dtype).reshape(shape)
