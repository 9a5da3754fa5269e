"""What a file of GEO probably holds, and how it is compressed, as its name tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

FileKind = Literal["single-cell h5ad", "probably bulk", "other"]

COMPRESSIONS = {".gz": "gzip", ".tgz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip", ".zst": "zstd"}
IS_H5AD = re.compile(r"\.h5ad(\.gz)?$", re.IGNORECASE)
HOLDS_H5AD = re.compile(r"\.h5ad\b", re.IGNORECASE)
BULK = re.compile(
    r"(?<![a-z])(?P<word>pseudo[-_ ]?bulk|bulk|fpkm|rpkm|tpm|featurecounts|htseq|deseq2?|edger|microarray)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class KindOfFile:
    """What a file probably holds.

    Attributes
    ----------
    kind
        One of three.
    evidence
        What says so.
    """

    kind: FileKind
    evidence: str


def kind_of(name: str) -> KindOfFile:
    """Say what a file of this name probably holds.

    Examples
    --------
    >>> kind_of("GSE1_cells.h5ad.gz").kind, kind_of("GSE1_bulk.h5ad").kind, kind_of("GSE1_RAW.tar").kind
    ('single-cell h5ad', 'probably bulk', 'other')
    >>> kind_of("GSE1_FPKM.txt.gz")
    KindOfFile(kind='probably bulk', evidence="its name says 'FPKM'")
    """
    bulk = BULK.search(name)
    if bulk is not None:
        return KindOfFile("probably bulk", f"its name says {bulk['word']!r}")
    ending = IS_H5AD.search(name)
    if ending is not None:
        return KindOfFile("single-cell h5ad", f"its name ends in {ending[0]}")
    if HOLDS_H5AD.search(name):
        return KindOfFile("other", "its name holds .h5ad, but ends otherwise")
    return KindOfFile("other", "its name tells neither")


def is_h5ad(name: str) -> bool:
    """Say whether a name is that of an .h5ad file, compressed or not.

    Examples
    --------
    >>> [is_h5ad(name) for name in ("a.h5ad", "A.H5AD.gz", "a.h5ad.h5", "a.h5")]
    [True, True, False, False]
    """
    return IS_H5AD.search(name) is not None


def compression_of(name: str) -> str | None:
    """Name the compression of a file by its ending, or None if it has none.

    Examples
    --------
    >>> compression_of("a.h5ad.gz"), compression_of("a.h5ad")
    ('gzip', None)
    """
    return next((named for ending, named in COMPRESSIONS.items() if name.lower().endswith(ending)), None)
