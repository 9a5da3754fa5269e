"""Where an archive of published data holds a file, and what the archive says of the study that it is from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """An address for people, and what it is called."""

    name: str
    url: str


@dataclass(frozen=True)
class Deposit:
    """A file in an archive.

    Attributes
    ----------
    archive
        Such as `GEO`.
    accession
        Of the study, by which the archive knows it.
    page
        Address of the page about the study.
    file
        How the file is named to the commands of this project, such as `GSE123456/cells.h5ad`.
    url
        Address of the file.
    title, organism
        Of the study; None where the archive was not asked or did not answer.
    n_samples
        As the archive counts them: what a sample is differs, so this says nothing of cells or donors.
    links
        To publications and other records.
    """

    archive: str
    accession: str
    page: str
    file: str
    url: str
    title: str | None = None
    organism: str | None = None
    n_samples: int | None = None
    links: tuple[Link, ...] = ()
