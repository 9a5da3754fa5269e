"""Where a design to draw may come from."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scripts.running import run, run_json

DESIGN = "Genotype(2) > Mouse(4) > Cell(~5000) : Type(12)"


def test_a_text_is_drawn() -> None:
    done = run("render_design", DESIGN)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Mouse(4)" in done.stdout


def test_standard_input_and_files_say_the_same_as_the_text(tmp_path: Path) -> None:
    file = tmp_path / "design.txt"
    file.write_text(f"\ufeff{DESIGN}\n", encoding="utf-8")
    drawn = run_json("render_design", DESIGN)
    assert run_json("render_design", "-", text=DESIGN) == drawn
    assert run_json("render_design", file) == drawn


def test_the_design_of_a_card_is_that_of_its_file(shipped: Path, tmp_path: Path) -> None:
    run("write_card", shipped, "-o", tmp_path / "card.md")
    assert run_json("render_design", tmp_path / "card.md") == run_json("render_design", shipped)


def test_width_bounds_the_diagram() -> None:
    assert max(map(len, run("render_design", DESIGN, "--width", "24").stdout.splitlines())) <= 24
    done = run("render_design", DESIGN, "--width", "3")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_json_does_not_depend_on_the_terminal() -> None:
    wide = run("render_design", DESIGN, "--json")
    assert run("render_design", DESIGN, "--json", COLUMNS="40", PYTHONIOENCODING="ascii").stdout == wide.stdout


def test_a_mistake_is_shown_with_its_place() -> None:
    done = run("render_design", "Genotype(2) > Mouse(4")
    assert (done.returncode, done.stdout) == (1, "")
    message, text, caret = done.stderr.splitlines()[:3]
    assert "line 1, column 20" in message
    assert text[caret.index("^")] == "("


@pytest.mark.parametrize(
    ("content", "words"),
    {
        b'---\ncard: "design"\n---\n': "no entry 'design'",
        b"---\ndesign: 3\n---\n": "not a string",
        b"\xff\xfe\x00": "neither text nor an .h5ad file",
    }.items(),
)
def test_a_file_without_a_design_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "card.md"
    file.write_bytes(content)
    done = run("render_design", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_a_folder_is_refused(tmp_path: Path) -> None:
    done = run("render_design", tmp_path)
    assert done.returncode == 1
    assert "is a folder" in done.stderr


@pytest.mark.parametrize("text", ["", "a\0b", "x" * 5000])
def test_no_text_ends_in_a_traceback(text: str) -> None:
    done = run("render_design", "-", text=text)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr


FORMATS = {"text": "┌", "json": "{", "dot": "digraph", "graphml": "<?xml", "mermaid": "flowchart TD"}
needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


@pytest.mark.parametrize(("form", "start"), FORMATS.items())
def test_every_format_is_printed_and_written(form: str, start: str, tmp_path: Path) -> None:
    printed = run("render_design", DESIGN, "--format", form)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.startswith(start)
    written = run("render_design", DESIGN, "--format", form, "-o", tmp_path / "out")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert printed.stdout.startswith((tmp_path / "out").read_text(encoding="utf-8").rstrip())


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_can_keep_to_ascii(form: str) -> None:
    done = run("render_design", "Größe(2) × 细胞(3)", "--format", form, "--ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


@needs_graphviz
def test_escapes_are_drawn_as_what_they_stand_for() -> None:
    plain, escaped = (
        run("render_design", "Größe(2) × B(3)", "--format", "dot", *more).stdout for more in ([], ["--ascii"])
    )
    drawn = [
        subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, check=True, encoding="utf-8").stdout
        for text in (plain, escaped)
    ]
    assert "Größe" in drawn[0]
    assert drawn[0] == drawn[1]


def test_json_is_the_same_by_either_name() -> None:
    assert run("render_design", DESIGN, "--json").stdout == run("render_design", DESIGN, "--format", "json").stdout


def test_json_is_drawn_again(tmp_path: Path) -> None:
    run("render_design", DESIGN, "-o", tmp_path / "design.json")
    assert run_json("render_design", tmp_path / "design.json") == run_json("render_design", DESIGN)
    assert run_json("render_design", "-", text=(tmp_path / "design.json").read_text()) == run_json(
        "render_design", DESIGN
    )


@needs_graphviz
def test_the_name_of_the_output_says_the_format(shipped: Path, tmp_path: Path) -> None:
    for name, start in {"a.svg": b"<?xml", "a.png": b"\x89PNG", "a.gv": b"digraph", "a.mmd": b"flowchart"}.items():
        assert run("render_design", shipped, "-o", tmp_path / name).returncode == 0
        assert (tmp_path / name).read_bytes().startswith(start)


def test_totals_of_a_file_are_those_that_were_counted(shipped: Path) -> None:
    assert "30 in all" in run("render_design", shipped, "--format", "dot").stdout
    assert "Totals: sample 30, cell 200" in run("render_design", shipped).stdout


def test_a_name_that_says_no_format_is_refused(tmp_path: Path) -> None:
    done = run("render_design", DESIGN, "-o", tmp_path / "a.doc")
    assert (done.returncode, done.stdout) == (1, "")
    assert "or give --format" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_source_is_not_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "design.txt"
    source.write_text(DESIGN)
    done = run("render_design", source, "-o", source)
    assert done.returncode == 1
    assert "would overwrite" in done.stderr
    assert source.read_text() == DESIGN


def test_without_graphviz_pictures_are_refused_in_one_sentence(tmp_path: Path) -> None:
    done = run("render_design", DESIGN, "-o", tmp_path / "a.svg", PATH="")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "install graphviz" in done.stderr
    assert not list(tmp_path.iterdir())
