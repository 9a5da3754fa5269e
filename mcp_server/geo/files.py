"""The files of a series or a sample of GEO, as the file server lists them: nothing is inferred from a token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit

from mcp_server.geo.accession import folder_of, page_of, read_accession
from mcp_server.geo.errors import AskedError, BusyError, GeoError
from mcp_server.geo.filelist import ListedFile, read_filelist
from mcp_server.geo.kinds import FileKind, compression_of, is_h5ad, kind_of
from mcp_server.geo.listing import read_index
from mcp_server.geo.study import find_folder

if TYPE_CHECKING:
    from mcp_server.geo.client import GeoClient

FILELIST = "filelist.txt"
ARCHIVE = "_RAW.tar"
MOST_LIST_BYTES = 16 << 20
MOST_SIZES = 100
"""Files whose size is asked for, each with a request."""

H5adPlace = Literal["series", "samples only", "none"]
"""Where the .h5ad files are: some in the folder of the accession itself, all in those of its samples, or nowhere."""


@dataclass(frozen=True)
class GeoFile:
    """A file of GEO.

    Attributes
    ----------
    url
        Where it can be read.
    size
        Its bytes, exactly, or None where the server was not asked or did not say.
    kind, evidence
        What it probably holds, and what says so.
    compression
        Such as `gzip`, or None.
    in_place
        Whether it can be inspected where it is, without downloading it.
    sample
        The sample that it belongs to; None of a file of the series itself.
    """

    name: str
    url: str
    size: int | None
    kind: FileKind
    evidence: str
    compression: str | None
    in_place: bool
    sample: str | None = None


@dataclass(frozen=True)
class GeoFiles:
    """The supplementary files of an accession.

    Attributes
    ----------
    page
        Address of the page about it, for people.
    h5ad
        Where its .h5ad files are.
    files
        Those in its own folder, then those of its samples.
    notes
        What is not known, and why.
    """

    accession: str
    page: str
    h5ad: H5adPlace
    files: tuple[GeoFile, ...]
    notes: tuple[str, ...] = ()


def list_geo_files(accession: str, client: GeoClient) -> GeoFiles:
    """List the files of a series or a sample with their exact sizes.

    Parameters
    ----------
    accession
        Such as `GSE123456`.

    Raises
    ------
    AccessionError
        If it is no accession.
    AskedError
        If GEO has no such accession that is public.
    GeoError
        If the server does not answer, or answers with something else.
    """
    accession = read_accession(accession)
    found = find_geo_files(accession, client, folder=find_folder(accession, client))
    # The .h5ad files come first: they are what most people ask for.
    unknown = sorted((file for file in found.files if file.size is None), key=lambda file: not is_h5ad(file.name))
    sized = {file.url: with_size(file, client) for file in unknown[:MOST_SIZES]}
    notes = list(found.notes)
    if len(unknown) > MOST_SIZES:
        notes.append(f"the sizes of {len(unknown) - MOST_SIZES:,} more files were not asked for, each is a request")
    notes += [f"the server does not say the size of {file.name}" for file in sized.values() if file.size is None]
    return replace(found, files=tuple(sized.get(file.url, file) for file in found.files), notes=tuple(notes))


def list_h5ad_files(accession: str, client: GeoClient, *, folder: str | None = None) -> GeoFiles:
    """List the files of a series or a sample, the .h5ad files with their sizes; raises as `list_geo_files`."""
    found = find_geo_files(accession, client, folder=folder)
    h5ad = [file for file in found.files if is_h5ad(file.name)][:MOST_SIZES]
    sized = {file.url: with_size(file, client) for file in h5ad}
    return replace(found, files=tuple(sized.get(file.url, file) for file in found.files))


def find_geo_files(accession: str, client: GeoClient, *, folder: str | None = None) -> GeoFiles:
    """List the files of a series or a sample, with sizes only where a list has them; raises as `list_geo_files`.

    Parameters
    ----------
    accession
        In its usual spelling.
    folder
        Address of its folder as NCBI gives it, if it does.
    """
    whole = client.settings.files + _path_of(accession, folder)
    supplements = f"{whole}suppl/"
    page = _listing(supplements, accession, client)
    if page is None:
        _require_public(accession, whole, client)
        return GeoFiles(accession, page_of(accession), "none", (), (f"{accession} has no supplementary files",))
    names = read_index(page, supplements)
    rows, notes = _members(names, supplements, client) if FILELIST in names else ((), _unlisted(names))
    sizes = {row.name: row.size for row in rows if row.is_archive}
    own = [_file(supplements, name, sizes.get(name)) for name in names if name != FILELIST]
    of_samples = [_member(row, client.settings.files) for row in rows if not row.is_archive]
    listed = {file.name for file in own}
    members = [file for file in of_samples if file is not None and file.name not in listed]
    files = (*own, *members)
    return GeoFiles(accession, page_of(accession), _place(own, members), files, notes)


def with_size(file: GeoFile, client: GeoClient) -> GeoFile:
    """Return a file with its exact size, which the server is asked for unless it is known.

    Raises
    ------
    GeoError
        If the server does not answer.
    """
    if file.size is not None:
        return file
    head = client.head(file.url)
    return replace(file, size=None if head is None else head.size)


def _listing(folder: str, accession: str, client: GeoClient) -> str | None:
    try:
        return client.get_text(folder, most_bytes=MOST_LIST_BYTES)
    except BusyError as error:
        # NCBI answers with the same refusal when it has too much to do, and when there is nothing to list.
        raise BusyError(
            f"the server does not list the files of {accession} now, which does not say that it has none: {error}",
            wait_s=error.wait_s,
        ) from error


def _require_public(accession: str, folder: str, client: GeoClient) -> None:
    """Say so if GEO shows nothing at all of an accession; a folder that is there may lack one of supplements."""
    if _listing(folder, accession, client) is None:
        raise AskedError(
            f"{accession} is not public or does not exist: GEO does not tell which; see {page_of(accession)}"
        )


def _members(names: Sequence[str], folder: str, client: GeoClient) -> tuple[tuple[ListedFile, ...], tuple[str, ...]]:
    """Return what the list of the archive says, or why that is not known."""
    try:
        text = client.get_text(folder + FILELIST, most_bytes=MOST_LIST_BYTES)
        return (read_filelist(text), ()) if text is not None else ((), _unlisted(names))
    except GeoError as error:
        return (), (f"the files of single samples are not known: {error}",)


def _unlisted(names: Iterable[str]) -> tuple[str, ...]:
    archives = [name for name in names if name.endswith(ARCHIVE)]
    return tuple(f"what {name} holds is not known, as no {FILELIST} stands beside it" for name in archives)


def _path_of(accession: str, folder: str | None) -> str:
    """Take the folder that NCBI gives, or make it by rule where it gives none."""
    return urlsplit(folder).path if folder else folder_of(accession)


def _file(folder: str, name: str, size: int | None, sample: str | None = None) -> GeoFile:
    kind, compression = kind_of(name), compression_of(name)
    return GeoFile(
        name=name,
        url=folder + quote(name, safe=""),
        size=size,
        kind=kind.kind,
        evidence=kind.evidence,
        compression=compression,
        in_place=compression is None and is_h5ad(name),
        sample=sample,
    )


def _member(row: ListedFile, server: str) -> GeoFile | None:
    """Return a file of an archive where it lies on its own, in the folder of its sample."""
    if row.sample is None:
        return None
    return _file(f"{server}{folder_of(row.sample)}suppl/", row.name, row.size, row.sample)


def _place(own: Iterable[GeoFile], members: Iterable[GeoFile]) -> H5adPlace:
    if any(is_h5ad(file.name) for file in own):
        return "series"
    return "samples only" if any(is_h5ad(file.name) for file in members) else "none"
