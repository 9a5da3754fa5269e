"""Where downloads come from, by the environment."""

import pytest

from mcp_server.geo.download.errors import DownloadError
from mcp_server.geo.download.settings import download_settings


def test_files_come_from_geo_unless_told_otherwise() -> None:
    assert download_settings({}).origins == ("https://ftp.ncbi.nlm.nih.gov",)
    mirror = {"EDVIZ_GEO_FILES": "https://mirror.example.org/", "EDVIZ_GEO_STALL_SECONDS": "90"}
    assert download_settings(mirror).origins == ("https://mirror.example.org",)
    assert download_settings(mirror).stall_s == 90


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:1"])
def test_a_server_of_this_machine_needs_no_https(address: str) -> None:
    assert download_settings({"EDVIZ_GEO_FILES": address}).origins == (address,)


@pytest.mark.parametrize(
    "address", ["http://ftp.ncbi.nlm.nih.gov", "ftp://host", "host", "https://", "https://user@host", "http://["]
)
def test_any_other_server_needs_it(address: str) -> None:
    with pytest.raises(DownloadError, match=r"EDVIZ_GEO_FILES is .* give the address of a server with https"):
        download_settings({"EDVIZ_GEO_FILES": address})


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_limit_is_a_number_of_seconds(text: str) -> None:
    with pytest.raises(DownloadError, match="give a number of seconds, such as 60"):
        download_settings({"EDVIZ_GEO_STALL_SECONDS": text})
