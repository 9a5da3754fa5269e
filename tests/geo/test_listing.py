"""Pages of folders, and lists of archives, as NCBI really sent them and as it might."""

from pathlib import Path

import pytest

from mcp_server.geo.errors import GeoError
from mcp_server.geo.filelist import read_filelist
from mcp_server.geo.listing import name_in, read_index
from tests.geo.files_server import FORBIDDEN, index

HOST = "https://ftp.ncbi.nlm.nih.gov"
FOLDER = f"{HOST}/geo/series/GSE10nnn/GSE10072/suppl/"
ODD_NAMES = [
    "GSE1 cells (raw)+100%#1.h5ad.gz",
    "GSE1_Zellen_für_α&β.h5ad",
    "GSE1_" + "long_" * 30 + ".h5ad",
    "GSE1_%41;$,=@~.csv",
]
NO_FILES = [
    "../",
    "/",
    "/geo/series/GSE10nnn/GSE10072/",
    "?C=M;O=A",
    "#top",
    "sub/",
    "sub/file.h5ad",
    "..%2f..%2fetc%2fpasswd",
    "a%5Cb.h5ad",
    "%2e%2e",
    "mailto:webadmin@ncbi.nlm.nih.gov",
    "https://www.hhs.gov/a.h5ad",
    "//host.org/geo/series/GSE10nnn/GSE10072/suppl/a.h5ad",
    "http://ftp.ncbi.nlm.nih.gov/geo/series/GSE10nnn/GSE10072/suppl/a.h5ad",
    "a%0A.h5ad",
    "a%E2%80%AEda5h.exe",
    "%FF.h5ad",
    "http://[",
]


def test_recorded_pages_hold_their_files_alone(shared: Path) -> None:
    pages = shared.parent / "geo" / "ftp_https"
    suppl = (pages / "index_GSE10072_suppl_trimmed.html").read_text()
    assert read_index(suppl, FOLDER) == ("GSE10072_RAW.tar", "filelist.txt")
    matrix = (pages / "index_GSE185553_matrix.html").read_text()
    folder = f"{HOST}/geo/series/GSE185nnn/GSE185553/matrix/"
    assert read_index(matrix, folder) == ("GSE185553_series_matrix.txt.gz",)


def test_the_recorded_refusal_is_not_a_folder_without_files(shared: Path) -> None:
    page = (shared.parent / "geo" / "ftp_https" / "error_403_forbidden.html").read_text()
    for text in (page, FORBIDDEN.decode()):
        with pytest.raises(GeoError, match="no list of files"):
            read_index(text, FOLDER)


def test_odd_names_are_decoded_once() -> None:
    page = index("/geo/series/GSE10nnn/GSE10072/suppl/", ODD_NAMES).decode()
    assert read_index(page, FOLDER) == tuple(ODD_NAMES)


@pytest.mark.parametrize("address", NO_FILES)
def test_links_that_lead_elsewhere_are_no_files(address: str) -> None:
    assert name_in(address, FOLDER) is None


def test_the_recorded_list_of_an_archive_names_sizes_and_samples(shared: Path) -> None:
    text = (shared.parent / "geo" / "ftp_https" / "filelist_GSE125065.txt").read_text()
    archive, *members = read_filelist(text)
    assert (archive.name, archive.size, archive.sample) == ("GSE125065_RAW.tar", 61061120, None)
    assert [member.sample for member in members] == ["GSM3562050"] * 3 + ["GSM3562051"] * 3
    assert members[-1].size == 32744552


def test_rows_of_another_form_are_passed_over_and_other_texts_refused() -> None:
    header = "#Archive/File\tName\tTime\tSize\tType\n"
    rows = "File\t../GSM1_a.h5ad\tx\t1\tH5AD\nFile\tGSM1_b.h5ad\tx\tmuch\tH5AD\nFile\n\nFile\tGSM1_c.h5ad\tx\t3\tH5AD"
    assert [row.name for row in read_filelist(header + rows)] == ["GSM1_c.h5ad"]
    with pytest.raises(GeoError):
        read_filelist("<!DOCTYPE html>")
