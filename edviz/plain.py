"""Results as plain data: what JSON can say, for every face alike."""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass


def to_plain(result: object) -> object:
    """Turn a result into dicts, lists, strings, numbers and None.

    Tuples become lists, and NaN and infinity, which JSON does not know, become None.

    Examples
    --------
    >>> from edviz.table import LevelCount
    >>> to_plain((LevelCount("a", 2), float("nan")))
    [{'level': 'a', 'n': 2}, None]
    """
    if is_dataclass(result) and not isinstance(result, type):
        return to_plain(asdict(result))
    if isinstance(result, dict):
        return {str(key): to_plain(value) for key, value in result.items()}
    if isinstance(result, list | tuple):
        return [to_plain(value) for value in result]
    if isinstance(result, float) and not math.isfinite(result):
        return None
    return result
