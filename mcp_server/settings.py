"""What the server may read and write, and where it listens, from the environment."""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edviz.errors import EdvizError
from edviz.remote.locations import location_of

READ_ROOTS = "EDVIZ_READ_ROOTS"
WRITE_ROOTS = "EDVIZ_WRITE_ROOTS"
ADDRESSES = "EDVIZ_ADDRESSES"
HTTP_TOKEN = "EDVIZ_HTTP_TOKEN"  # noqa: S105 - the name of a variable
HTTP_NAMES = "EDVIZ_HTTP_NAMES"
SHORTEST_TOKEN = 16
HIGHEST_PORT = 65_535
LOOPBACK_NAME = "localhost"


class PlaceError(EdvizError):
    """A path outside the folders that the server may use, or a setting that names no folder."""


@dataclass(frozen=True)
class Settings:
    """What the server may use; everything below its folders is included.

    Attributes
    ----------
    read_roots
        Folders to read from; a relative path starts in the first of them.
    write_roots
        Folders to write to, which may be read, too; a relative output lies in the first of them.
    addresses
        Whether files on other servers may be read.
    """

    read_roots: tuple[Path, ...]
    write_roots: tuple[Path, ...]
    addresses: bool = True


def settings_from(environment: Mapping[str, str], working_directory: Path) -> Settings:
    """Read the settings: by default only the working directory is read and written, and addresses are.

    Parameters
    ----------
    environment
        Variables; the first two hold folders separated like those of PATH, the third is 0 or 1.
    working_directory
        Where relative paths start.

    Raises
    ------
    PlaceError
        If a variable names something that is no folder, or is neither 0 nor 1.
    """
    here = working_directory.resolve()
    # Desktop clients start servers in the root of the file system, which nobody chose.
    by_default = () if here == Path(here.anchor) else (here,)
    return Settings(
        read_roots=_roots(READ_ROOTS, environment, working_directory) or by_default,
        write_roots=_roots(WRITE_ROOTS, environment, working_directory) or by_default,
        addresses=_is_on(ADDRESSES, environment),
    )


@dataclass(frozen=True)
class Binding:
    """Where the server listens for HTTP.

    Attributes
    ----------
    host, port
        The address of this machine.
    token
        What every request has to carry, or None on loopback.
    names
        Other names under which clients reach this machine.
    """

    host: str
    port: int
    token: str | None = None
    names: tuple[str, ...] = ()


def binding_from(address: str, environment: Mapping[str, str]) -> Binding:
    """Read where to listen: HOST:PORT, or a port of the loopback interface.

    Parameters
    ----------
    address
        As in `127.0.0.1:8000`, `[::1]:8000` or `8000`.
    environment
        Variables; one holds a token, one names that clients use, with commas between.

    Raises
    ------
    PlaceError
        If it is no address, the token is short, or others could reach the server and there is no token.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise PlaceError(f"{address!r} is not HOST:PORT; one is 127.0.0.1:8000")
    token = environment.get(HTTP_TOKEN) or None
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise PlaceError(f"{HTTP_TOKEN} has {len(token)} characters; a token has at least {SHORTEST_TOKEN}")
    if token is None and not _is_loopback(host):
        raise PlaceError(f"others could reach the server on {host}: set {HTTP_TOKEN}, or listen on 127.0.0.1")
    names = tuple(name for name in environment.get(HTTP_NAMES, "").split(",") if name)
    return Binding(host, int(port), token, names)


def _is_loopback(host: str) -> bool:
    try:
        return host == LOOPBACK_NAME or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def place_to_read(path: str, settings: Settings) -> Path | str:
    """Return the absolute path of a file to read, symbolic links resolved, or its address on a server.

    Raises
    ------
    PlaceError
        If it lies outside the folders that may be read, or is an address and those may not.
    RemoteError
        If it starts like an address and is none.
    """
    if location_of(path) is not None:
        require_addresses(settings)
        return path
    roots = tuple(dict.fromkeys((*settings.read_roots, *settings.write_roots)))
    return _place("read", path, roots, READ_ROOTS)


def require_addresses(settings: Settings) -> None:
    """Refuse to ask other servers where that is not allowed.

    Raises
    ------
    PlaceError
        If it is not.
    """
    if not settings.addresses:
        raise PlaceError(f"the server reads nothing from other servers; {ADDRESSES}=1 would allow it")


def place_to_write(path: str, settings: Settings) -> Path:
    """Return the absolute path of a file to write, symbolic links resolved.

    Raises
    ------
    PlaceError
        If it lies outside the folders that may be written.
    """
    return _place("write", path, settings.write_roots, WRITE_ROOTS)


def _place(verb: str, path: str, roots: tuple[Path, ...], variable: str) -> Path:
    if not roots:
        raise PlaceError(f"the server may not {verb} anywhere: set {variable} to the folders that it may {verb}")
    place = _resolved(roots[0] / _expanded(path))
    if not any(place.is_relative_to(root) for root in roots):
        named = ", ".join(map(str, roots))
        raise PlaceError(f"the server may not {verb} {place}; it may {verb} below {named} (set by {variable})")
    if _is_endless(place):
        raise PlaceError(f"{place} is no regular file")
    return place


def _is_endless(place: Path) -> bool:
    """Say whether a path is that of a pipe, which waits for who writes into it, or of a device."""
    try:
        mode = place.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_on(variable: str, environment: Mapping[str, str]) -> bool:
    value = environment.get(variable) or "1"
    if value not in ("0", "1"):
        raise PlaceError(f"{variable} is 0 or 1, not {value}")
    return value == "1"


def _roots(variable: str, environment: Mapping[str, str], working_directory: Path) -> tuple[Path, ...]:
    named = [name for name in environment.get(variable, "").split(os.pathsep) if name]
    roots = [_resolved(working_directory / _expanded(name)) for name in named]
    for name, root in zip(named, roots, strict=True):
        if not root.is_dir():
            raise PlaceError(f"{variable} names {name}, which is not a folder")
    return tuple(roots)


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise PlaceError(f"{path!r} is not a path: {error}") from error


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise PlaceError(f"{str(path)!r} is not a path: {error}") from error
