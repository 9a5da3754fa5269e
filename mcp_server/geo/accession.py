"""Accessions of GEO, as people write them, and the folders that belong to them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from edviz.collection.files import holds_files
from edviz.errors import EdvizError
from edviz.h5ad.strings import harmless
from mcp_server.geo.records import PAGE

KINDS = {"GSE": "series", "GSM": "samples"}
"""What has files of its own, and the folder in which all of a kind are."""
ACCESSION = re.compile(r"(GSE|GSM)([1-9]\d{0,8})", re.IGNORECASE)
MEANT = re.compile(r"(?:GSE|GSM|GDS|GPL)[\s:#_-]*\d[\w\s-]*", re.IGNORECASE)
"""What was meant to be an accession, however it is spelled; without the dot of a file name or the signs of a design."""
DIGITS_OF_A_STUB = 3


class AccessionError(EdvizError, ValueError):
    """A text that is no accession, or not one of a kind that has files."""


@dataclass(frozen=True)
class NamedFiles:
    """Files of GEO, as they are named: `GSE123456`, or `GSE123456/name`.

    Attributes
    ----------
    accession
        Of a series or a sample, such as `GSE123456`.
    pattern
        A name or a pattern of names, or None: whichever is the .h5ad file.
    """

    accession: str
    pattern: str | None


def read_accession(text: str) -> str:
    """Return the accession that a text is, in its usual spelling.

    Raises
    ------
    AccessionError
        If it is none of a series or a sample.

    Examples
    --------
    >>> read_accession(" gse123456 ")
    'GSE123456'
    """
    found = ACCESSION.fullmatch(text.strip())
    if found is None or not text.isascii():
        raise AccessionError(_complaint(text.strip()))
    return found[0].upper()


def is_meant(text: str) -> bool:
    """Say whether a text is meant as files of GEO, rightly written or not, if there is no file of that name.

    Examples
    --------
    >>> [is_meant(text) for text in ("GSE123456", "gse 123456", "GSE12x/cells.h5ad", "GSE1_cells.h5ad", "https://host")]
    [True, True, True, False, False]
    """
    return "://" not in text and MEANT.fullmatch(text.partition("/")[0].strip()) is not None


def goes_first(path: str | Path) -> bool:
    """Say whether what is on this machine under such a name is meant; a folder is only if it holds .h5ad files.

    Downloads go into a folder of the name of the accession, which is empty when they fail.
    """
    return os.path.lexists(path) and (not Path(path).is_dir() or holds_files(os.fspath(path)))


def require_downloaded(text: str, place: str | Path) -> None:
    """Refuse files of GEO that are not on this machine, for whoever reads a file again and again.

    Parameters
    ----------
    text
        What was named.
    place
        Where that would be on this machine.

    Raises
    ------
    AccessionError
        If files of GEO are meant and are not here; the text says how they come here.
    """
    if is_meant(text) and not goes_first(place):
        named = read_named_files(text)
        raise AccessionError(
            f"{harmless(text)} is of GEO and not on this machine: download it first (download_geo, or "
            f"scripts/download_geo.py {named.accession}), then name the .h5ad file that came"
        )


def read_named_files(text: str) -> NamedFiles:
    """Read `GSE123456` or `GSE123456/name`.

    Raises
    ------
    AccessionError
        If what comes first is no accession, or the name has folders.

    Examples
    --------
    >>> read_named_files("GSE123456/cells #1.h5ad")
    NamedFiles(accession='GSE123456', pattern='cells #1.h5ad')
    """
    accession, slash, pattern = text.strip().partition("/")
    if "/" in pattern:
        raise AccessionError(f"{harmless(text)!r} names a folder within a series; give GSE123456/name, with one slash")
    return NamedFiles(read_accession(accession), (pattern or None) if slash else None)


def folder_of(accession: str) -> str:
    """Return the path of the folder of an accession on the file server, from `/geo` to a slash at the end.

    Examples
    --------
    >>> folder_of("GSE123456"), folder_of("GSE999")
    ('/geo/series/GSE123nnn/GSE123456/', '/geo/series/GSEnnn/GSE999/')
    """
    kind, number = accession[:3], accession[3:]
    return f"/geo/{KINDS[kind]}/{kind}{number[:-DIGITS_OF_A_STUB]}nnn/{accession}/"


def page_of(accession: str) -> str:
    """Return the address of the page about an accession, for people.

    Examples
    --------
    >>> page_of("GSE123456")
    'https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc=GSE123456'
    """
    return PAGE + accession


def _complaint(text: str) -> str:
    shown = harmless(text, longest=60)
    digits = re.fullmatch(r"(GSE|GSM)[\s:#_-]*([1-9][0-9]{0,8})", text, re.IGNORECASE)
    if digits is not None:
        return f"{shown!r} is not how an accession is written; did you mean {digits[1].upper()}{digits[2]}?"
    if re.match(r"GPL|GDS", text, re.IGNORECASE):
        return f"{shown!r} is a platform or a curated data set, which has no .h5ad files; give a series (GSE123456)"
    return f"{shown!r} is no accession; a series of GEO is written GSE123456 and a sample GSM123456, digits only"
