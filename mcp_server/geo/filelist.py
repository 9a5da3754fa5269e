"""The list of what an archive of samples' files holds, which stands beside it as `filelist.txt`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edviz.h5ad.strings import harmless
from mcp_server.geo.errors import GeoError

HEADER = "#Archive/File"
COLUMNS = 5
LONGEST_NAME = 255
OF_A_SAMPLE = re.compile(r"(GSM[1-9]\d{0,8})(?![0-9])")


@dataclass(frozen=True)
class ListedFile:
    """A row of a list.

    Attributes
    ----------
    size
        Its bytes, exactly.
    is_archive
        Whether it is the archive itself.
    """

    name: str
    size: int
    is_archive: bool

    @property
    def sample(self) -> str | None:
        """The sample under which the file lies on its own, too, as its name tells."""
        found = OF_A_SAMPLE.match(self.name)
        return None if self.is_archive or found is None else found[1]


def read_filelist(text: str) -> tuple[ListedFile, ...]:
    """Read a `filelist.txt`; rows of another form are passed over.

    Raises
    ------
    GeoError
        If the text is something else.

    Examples
    --------
    >>> rows = ["#Archive/File Name Time Size Type", "File GSM1_a.h5ad 01/15/2019 17 H5AD"]
    >>> read_filelist("\\n".join(row.replace(" ", "\\t") for row in rows))
    (ListedFile(name='GSM1_a.h5ad', size=17, is_archive=False),)
    """
    header, _, rows = text.partition("\n")
    if not header.startswith(HEADER):
        raise GeoError("filelist.txt, which lists the files of samples, is something else; try again later")
    read = map(_row, rows.splitlines())
    return tuple(row for row in read if row is not None)


def _row(line: str) -> ListedFile | None:
    cells = line.split("\t")
    if len(cells) != COLUMNS or cells[0] not in ("Archive", "File") or not cells[3].isdecimal():
        return None
    name = cells[1]
    is_name = name and not {"/", "\\"}.intersection(name) and harmless(name, longest=LONGEST_NAME) == name
    return ListedFile(name, int(cells[3]), cells[0] == "Archive") if is_name else None
