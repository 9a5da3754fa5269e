"""Accessions as people write them."""

import pytest

from mcp_server.geo.accession import AccessionError, NamedFiles, folder_of, is_meant, read_accession, read_named_files

FOLDERS = {
    "GSE1": "/geo/series/GSEnnn/GSE1/",
    "GSE999": "/geo/series/GSEnnn/GSE999/",
    "GSE1000": "/geo/series/GSE1nnn/GSE1000/",
    "GSE130073": "/geo/series/GSE130nnn/GSE130073/",
    "GSM3731527": "/geo/samples/GSM3731nnn/GSM3731527/",
}
"""The first two as NCBI documents them, the last two as they were recorded (shared/geo/ftp_https)."""
WRONG = {
    "gse 123456": "did you mean GSE123456?",
    "GSE-123456": "did you mean GSE123456?",
    "GSE12x": "digits only",
    "GSE0": "digits only",
    "GSE": "digits only",
    "GSE١٢٣": "digits only",
    "GPL24676": "has no .h5ad files",
    "GSE1234567890": "digits only",
}


@pytest.mark.parametrize("accession", FOLDERS)
def test_folders_drop_the_last_three_digits(accession: str) -> None:
    assert folder_of(accession) == FOLDERS[accession]


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_spelling_gets_a_sentence(text: str) -> None:
    with pytest.raises(AccessionError) as caught:
        read_accession(text)
    assert WRONG[text] in str(caught.value)


def test_case_and_space_around_do_not_matter() -> None:
    assert read_accession(" gse123456\n") == "GSE123456"


def test_a_name_is_kept_as_it_is() -> None:
    assert read_named_files("GSE1/a #1 (raw)+100%.h5ad") == NamedFiles("GSE1", "a #1 (raw)+100%.h5ad")
    assert read_named_files("GSE1/") == read_named_files("GSE1") == NamedFiles("GSE1", None)


def test_a_name_with_folders_is_refused() -> None:
    with pytest.raises(AccessionError, match="one slash"):
        read_named_files("GSE1/../../etc/passwd")


@pytest.mark.parametrize(
    "text", ["GSE1_cells.h5ad", "./GSE1", "data/GSE1", "https://host.org/GSE1", "GSE1(2) > cell(3)", "", "gsea.h5ad"]
)
def test_paths_addresses_and_designs_are_not_taken_for_accessions(text: str) -> None:
    assert not is_meant(text)
