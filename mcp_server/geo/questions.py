"""A question about series, and how NCBI is asked it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edviz.h5ad.strings import harmless
from mcp_server.geo.errors import AskedError
from mcp_server.geo.records import ACCESSION

H5AD = "h5ad"
ANY = "any"
LONGEST_QUERY = 2_000
LAST_YEAR = "3000"
DAY = re.compile(r"(\d{4})(?:[-/](\d{1,2}))?(?:[-/](\d{1,2}))?")
NAMES = {
    "human": "Homo sapiens",
    "mouse": "Mus musculus",
    "rat": "Rattus norvegicus",
    "zebrafish": "Danio rerio",
    "fruit fly": "Drosophila melanogaster",
    "pig": "Sus scrofa",
    "macaque": "Macaca mulatta",
}
"""Names that NCBI knows as well; a local search would not."""


@dataclass(frozen=True)
class Question:
    """What is looked for.

    Attributes
    ----------
    words
        Words, phrases and fields in the language of NCBI.
    organism
        Name of the species, or None.
    since, until
        First and last day of being public, as 2024/01/31, 2024/01 or 2024; or None.
    file_type
        Ending of a supplementary file, such as "h5ad", or None for series with any files or none.
    """

    words: str
    organism: str | None = None
    since: str | None = None
    until: str | None = None
    file_type: str | None = H5AD

    @property
    def accessions(self) -> tuple[str, ...]:
        """Return the series that are asked for by name, if nothing else is."""
        words = re.split(r"[\s,;]+", self.words.strip().upper())
        return tuple(dict.fromkeys(words)) if all(map(ACCESSION.fullmatch, words)) else ()

    @property
    def term(self) -> str:
        """Return the query in the language of NCBI; without the entry type it would find samples and platforms, too."""
        parts = [f"({self.words})"] if self.words else []
        parts.append("GSE[ETYP]")
        if self.file_type:
            parts.append(f"{self.file_type}[suppFile]")
        if self.organism:
            parts.append(f'"{self.organism}"[ORGN]')
        if self.since or self.until:
            parts.append(f"{self.since or '1900'}:{self.until or LAST_YEAR}[PDAT]")
        return " AND ".join(parts)


def read_question(
    query: str,
    *,
    organism: str | None = None,
    since: str | None = None,
    until: str | None = None,
    file_type: str | None = H5AD,
) -> Question:
    """Check what is looked for.

    Raises
    ------
    AskedError
        If NCBI could not understand it, or would understand something else.

    Examples
    --------
    >>> read_question("lung AND fibrosis", organism="human", since="2023-05").term
    '(lung AND fibrosis) AND GSE[ETYP] AND h5ad[suppFile] AND "Homo sapiens"[ORGN] AND 2023/05:3000[PDAT]'
    """
    words = " ".join(query.split())
    if len(words) > LONGEST_QUERY or harmless(words, longest=LONGEST_QUERY) != words:
        raise AskedError(f"a query has at most {LONGEST_QUERY:,} characters, all of which can be seen")
    _check_brackets(words)
    name = NAMES.get((organism or "").strip().lower(), (organism or "").strip())
    if re.fullmatch(r"[\w .()/'-]{0,100}", name) is None:
        raise AskedError(f"{harmless(name)!r} is no name of an organism; one is Homo sapiens")
    first, last = _day(since, "since"), _day(until, "until")
    if first and last and first > last + "/99":
        raise AskedError(f"no day is since {first} and until {last}")
    return Question(words, name or None, first, last, _file_type(file_type))


def _check_brackets(words: str) -> None:
    depth = 0
    for sign in words:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
    if depth or words.count('"') % 2 or words.count("[") != words.count("]"):
        raise AskedError(f"{harmless(words)!r} has a bracket or quotation mark without its other half")


def _day(text: str | None, name: str) -> str | None:
    if not text:
        return None
    found = DAY.fullmatch(text.strip())
    parts = [int(part) for part in found.groups() if part] if found else []
    if not parts or not all(1 <= part <= most for part, most in zip(parts[1:], (12, 31), strict=False)):
        raise AskedError(f"{name} is {harmless(text)!r}; give a day as 2024-01-31, a month as 2024-01 or a year")
    return "/".join(f"{part:02d}" for part in parts)


def _file_type(text: str | None) -> str | None:
    """Return an ending as GEO names it: without a dot, and without that of a compression."""
    ending = (text or ANY).strip().lower().lstrip(".").removesuffix(".gz")
    if re.fullmatch(r"[a-z0-9]{1,20}", ending) is None:
        raise AskedError(
            f"{harmless(text or '')!r} is no ending of files; some are h5ad, h5, rds, mtx, and any for all"
        )
    return None if ending == ANY else ending
