"""Which folders the server may use."""

import os
from pathlib import Path

import pytest

from mcp_server.settings import PlaceError, Settings, place_to_read, place_to_write, settings_from


def test_by_default_the_working_directory_is_read_and_written_and_addresses_are(tmp_path: Path) -> None:
    here = tmp_path.resolve()
    settings = settings_from({}, tmp_path)
    assert settings == Settings((here,), (here,), addresses=True)
    assert place_to_read("a.h5ad", settings) == here / "a.h5ad"
    assert place_to_read("https://host.org/a.h5ad", settings) == "https://host.org/a.h5ad"
    for place in (place_to_read, place_to_write):
        with pytest.raises(PlaceError, match=rf"below {here} "):
            place("../a.h5ad", settings)


def test_the_root_of_the_file_system_is_not_used_by_default() -> None:
    settings = settings_from({}, Path(Path.cwd().anchor))
    assert settings == Settings((), ())
    for place, variable in ((place_to_read, "EDVIZ_READ_ROOTS"), (place_to_write, "EDVIZ_WRITE_ROOTS")):
        with pytest.raises(PlaceError, match=variable):
            place("card.md", settings)


def test_what_may_be_written_may_be_read(tmp_path: Path) -> None:
    inside, cards = tmp_path.resolve() / "inside", tmp_path.resolve() / "cards"
    settings = Settings((inside,), (cards,))
    assert place_to_read(str(cards / "a.md"), settings) == cards / "a.md"


def test_addresses_can_be_refused(tmp_path: Path) -> None:
    settings = settings_from({"EDVIZ_ADDRESSES": "0"}, tmp_path)
    with pytest.raises(PlaceError, match="EDVIZ_ADDRESSES=1 would allow it"):
        place_to_read("https://host.org/a.h5ad", settings)
    with pytest.raises(PlaceError, match="EDVIZ_ADDRESSES is 0 or 1, not no"):
        settings_from({"EDVIZ_ADDRESSES": "no"}, tmp_path)


def test_variables_name_several_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").symlink_to(tmp_path / "b")
    environment = {"EDVIZ_READ_ROOTS": os.pathsep.join(["a", str(tmp_path / "c"), ""]), "EDVIZ_WRITE_ROOTS": "b"}
    settings = settings_from(environment, tmp_path)
    real = tmp_path.resolve()
    assert settings == Settings((real / "a", real / "b"), (real / "b",))
    assert place_to_read(str(real / "a" / "x.h5ad"), settings) == real / "a" / "x.h5ad"
    with pytest.raises(PlaceError, match=r"may not read .*; it may read below .* \(set by EDVIZ_READ_ROOTS\)"):
        place_to_read(str(real / "ab"), settings)


@pytest.mark.parametrize("variable", ["EDVIZ_READ_ROOTS", "EDVIZ_WRITE_ROOTS"])
def test_a_variable_that_names_no_folder_is_an_error(variable: str, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match=f"{variable} names none, which is not a folder"):
        settings_from({variable: "none"}, tmp_path)


def test_links_are_followed_before_a_path_is_judged(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.h5ad").symlink_to(tmp_path / "outside.h5ad")
    settings = Settings((inside.resolve(),), (inside.resolve(),))
    for place in (place_to_read, place_to_write):
        with pytest.raises(PlaceError, match="outside"):
            place(str(inside / "link.h5ad"), settings)


@pytest.mark.parametrize("path", ["x://../../outside.h5ad", "file://../../../outside.h5ad"])
def test_what_only_looks_like_an_address_is_a_path(path: str, tmp_path: Path) -> None:
    inside = tmp_path.resolve() / "inside"
    (inside / path.split("//")[0]).mkdir(parents=True)
    with pytest.raises(PlaceError, match="may not read"):
        place_to_read(path, Settings((inside,), ()))
