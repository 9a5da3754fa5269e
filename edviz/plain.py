"""Results as plain data: what JSON can say, for every face alike."""

from __future__ import annotations

import math
import types
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


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


def from_plain(kind: type[T], value: object) -> T:
    """Make a dataclass of what `to_plain`, or JSON, made of it.

    Raises
    ------
    ValueError
        If the value is not of that kind.

    Examples
    --------
    >>> from edviz.table import LevelCount
    >>> from_plain(LevelCount, {"level": "a", "n": 2})
    LevelCount(level='a', n=2)
    """
    made: T = _made(kind, value)
    return made


def _made(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        options = [option for option in get_args(kind) if option is not type(None)]
        return None if value is None else _made(options[0], value)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{value!r} is no list")
        return tuple(_made(get_args(kind)[0], part) for part in value)
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is no {kind}")
        hints = _hints(kind)
        return kind(**{field.name: _made(hints[field.name], value[field.name]) for field in fields(kind)})
    return value


def _hints(kind: Any) -> dict[str, Any]:
    if kind not in _KNOWN_HINTS:
        _KNOWN_HINTS[kind] = get_type_hints(kind)
    return _KNOWN_HINTS[kind]


_KNOWN_HINTS: dict[Any, dict[str, Any]] = {}
