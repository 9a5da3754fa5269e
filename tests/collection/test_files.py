"""Which files arguments stand for."""

import os
from pathlib import Path

import pytest

from edviz.collection.files import common_folder, find_files, is_one_file


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of empty files, which is also the working directory."""
    for name in (
        "b.h5ad",
        "a.h5ad",
        "notes.txt",
        ".hidden.h5ad",
        "deep/er/c.h5ad",
        "deep/d.H5AD",
        "deep/e.h5ad.gz",
        ".cache/f.h5ad",
        "store.zarr/.zgroup",
        "store.zarr/inside/g.h5ad",
        "none/readme.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


IN_ALL = ("a.h5ad", "b.h5ad", "deep/d.H5AD", "deep/e.h5ad.gz", "deep/er/c.h5ad")

FOUND = {
    "a folder stands for what is below it": (["."], IN_ALL),
    "files come in the order of the arguments": (["b.h5ad", "a.h5ad"], ("b.h5ad", "a.h5ad")),
    "a file that is named again counts once": (
        ["deep/er", "b.h5ad", "."],
        ("deep/er/c.h5ad", "b.h5ad", *IN_ALL[:1], *IN_ALL[2:4]),
    ),
    "a pattern is expanded": (["*.h5ad"], ("a.h5ad", "b.h5ad")),
    "a pattern may go deep": (["**/*.h5ad"], ("a.h5ad", "b.h5ad", "deep/er/c.h5ad", "store.zarr/inside/g.h5ad")),
    "a pattern may match folders": (["de*"], ("deep/d.H5AD", "deep/e.h5ad.gz", "deep/er/c.h5ad")),
    "a file that is not there stays": (["gone.h5ad"], ("gone.h5ad",)),
    "a file that is named may have any name": (["notes.txt", ".hidden.h5ad"], ("notes.txt", ".hidden.h5ad")),
    "an address stays": (["https://host.org/*?.h5ad", "s3://b/x"], ("https://host.org/*?.h5ad", "s3://b/x")),
    "a Zarr store is one thing": (["store.zarr"], ("store.zarr",)),
}


@pytest.mark.parametrize("case", FOUND)
def test_files_are_found(case: str, data: Path) -> None:
    arguments, expected = FOUND[case]
    found = find_files(arguments)
    assert (found.locations, found.missing) == (expected, ())


def test_links_to_one_file_count_once(data: Path) -> None:
    (data / "also_a.h5ad").symlink_to("a.h5ad")
    (data / "also_deep").symlink_to("deep")
    assert find_files(["."]).locations == IN_ALL


def test_a_name_with_brackets_is_a_file_where_there_is_one(data: Path) -> None:
    (data / "a[1].h5ad").touch()
    assert find_files(["a[1].h5ad"]).locations == ("a[1].h5ad",)
    assert is_one_file(["a[1].h5ad"])


@pytest.mark.parametrize(
    ("argument", "words"), [("none", "folder without .h5ad files"), ("x*.h5ad", "x*.h5ad matches no file")]
)
def test_an_argument_without_files_is_said_and_the_others_are_found(argument: str, words: str, data: Path) -> None:
    found = find_files([argument, "a.h5ad"])
    assert found.locations == ("a.h5ad",)
    assert [record.path for record in found.missing] == [argument]
    assert words in (found.missing[0].error or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may list every folder")
def test_a_folder_that_cannot_be_listed_is_said(data: Path) -> None:
    (data / "deep/er").chmod(0)
    found = find_files(["."])
    (data / "deep/er").chmod(0o700)
    assert found.locations == IN_ALL[:4]
    assert "cannot be listed" in (found.missing[0].error or "")


@pytest.mark.parametrize(
    ("arguments", "one"),
    [(["a.h5ad"], True), (["gone.h5ad"], True), (["https://host.org/*"], True), ([""], True), (["store.zarr"], True)]
    + [([word], False) for word in (".", "*.h5ad", "x?")]
    + [(["a.h5ad", "a.h5ad"], False)],
)
def test_one_plain_file_is_told_from_many(arguments: list[str], one: bool, data: Path) -> None:
    assert is_one_file(arguments) == one


def test_the_common_folder_is_of_local_files() -> None:
    assert common_folder(["/data/a/x", "/data/b/y", "https://host.org/z"]) == "/data"
    assert common_folder(["/data/x", "y"]) == ""
    assert common_folder([]) == ""
