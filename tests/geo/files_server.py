"""A file server like that of GEO, on this machine: folders that it makes pages of, files, and parts of files.

Its pages are made after the two that were recorded from the real one (shared/geo/ftp_https).
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from urllib.parse import quote, unquote

from tests.remote.server import Asked, RangeServer, Reply

SHOWN = 40
"""Longer names are cut where they are shown, but not in the address."""
MARKS = "()+!$,;=:@~*'"
"""What the real server leaves as it is in an address."""
NOT_FOUND = b"<!DOCTYPE html><html><head><title>Object not found!</title></head><body><h2>Error 404</h2></body></html>"
FORBIDDEN = b"""<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Access forbidden!</title>
<link rev="made" href="mailto:webadmin@ncbi.nlm.nih.gov" /></head><body><h1>Access forbidden!</h1>
<p>Please contact the <a href="mailto:webadmin@ncbi.nlm.nih.gov">webmaster</a>.</p><h2>Error 403</h2>
<address><a href="/">ftp.ncbi.nlm.nih.gov</a></address></body></html>"""
CAPTCHA = b"<!DOCTYPE html><html><head><title>Verify</title><script>grecaptcha.enterprise</script></head></html>"
HTML = {"Content-Type": "text/html;charset=ISO-8859-1"}


class FilesServer(RangeServer):
    """A server of many files.

    Attributes
    ----------
    files
        Contents by path.
    """

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, accession: str, name: str, content: bytes) -> str:
        """Put a file below an accession, and return its path."""
        path = f"{suppl(accession)}{name}"
        self.files[path] = content
        return path

    def add_archive(self, series: str, members: dict[str, bytes]) -> None:
        """Put an archive of samples' files, its list, and the same files below their samples."""
        archive = bytes(sum(map(len, members.values())) + 512)
        self.add(series, f"{series}_RAW.tar", archive)
        rows = [("Archive", f"{series}_RAW.tar", len(archive), "TAR")]
        for name, content in members.items():
            self.add(name.partition("_")[0], name, content)
            rows.append(("File", name, len(content), name.removesuffix(".gz").rpartition(".")[2].upper()))
        self.add(series, "filelist.txt", filelist(rows))

    def plain_reply(self, asked: Asked) -> Reply:
        path = unquote(asked.path)
        if path in self.files:
            return self.reply_with(self.files[path], asked)
        inside = {name.removeprefix(path).partition("/")[0:2] for name in self.files if name.startswith(path)}
        if not path.endswith("/") or not inside:
            return Reply(404, NOT_FOUND, HTML)
        return Reply(200, index(path, sorted(name + slash for name, slash in inside)), HTML)


def suppl(accession: str) -> str:
    """Return the path of a folder of supplements, as it was recorded for accessions of every length."""
    kind = {"GSE": "series", "GSM": "samples"}[accession[:3]]
    return f"/geo/{kind}/{accession[:3]}{accession[3:-3]}nnn/{accession}/suppl/"


def index(folder: str, names: Iterable[str]) -> bytes:
    """Make the page of a folder."""
    parent = folder.rstrip("/").rpartition("/")[0] + "/"
    rows = [_row(name) for name in names]
    return f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html>
 <head>
  <title>Index of {folder.rstrip("/")}</title>
 </head>
 <body>
<h1>Index of {folder.rstrip("/")}</h1>
<pre>Name                      Last modified      Size  <hr><a href="{parent}">Parent Directory</a>                   -
{"".join(rows)}<hr></pre>
<a href="https://www.hhs.gov/vulnerability-disclosure-policy/index.html">HHS Vulnerability Disclosure</a>
</body></html>
""".encode()


def filelist(rows: Iterable[tuple[str, str, int, str]]) -> bytes:
    """Make a list of what an archive holds."""
    lines = ["#Archive/File\tName\tTime\tSize\tType"]
    lines += [f"{kind}\t{name}\t03/05/2024 10:12:01\t{size}\t{type_}" for kind, name, size, type_ in rows]
    return ("\n".join(lines) + "\n").encode()


def _row(name: str) -> str:
    shown = name if len(name) <= SHOWN else f"{name[: SHOWN - 3]}..>"
    size = "  - " if name.endswith("/") else " 96M"
    link = f'<a href="{quote(name, safe=MARKS + "/")}">{html.escape(shown)}</a>'
    return f"{link}{' ' * (SHOWN - len(shown))} 2024-03-05 10:15  {size}\n"
