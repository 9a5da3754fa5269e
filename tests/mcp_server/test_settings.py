"""Which folders the server may use."""

import os
from pathlib import Path

import pytest

from mcp_server.settings import PlaceError, Settings, place_to_read, place_to_write, settings_from


def test_by_default_anything_is_read_and_the_working_directory_is_written(tmp_path: Path) -> None:
    assert settings_from({}, tmp_path) == Settings(None, (tmp_path.resolve(),))


def test_the_root_of_the_file_system_is_not_written_by_default() -> None:
    settings = settings_from({}, Path(Path.cwd().anchor))
    assert settings.write_roots == ()
    with pytest.raises(PlaceError, match="EDVIZ_WRITE_ROOTS"):
        place_to_write("card.md", settings)


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
