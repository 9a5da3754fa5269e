"""A card is complete, stable, and never costs anybody their words or files."""

import datetime
import hashlib

import h5py
import pytest
import yaml

from edviz.card import make_card, write_card
from edviz.card.context import BEGIN, EMPTY, END
from edviz.errors import DesignError, OutputError
from edviz.grammar import loads
from edviz.infer import Overrides
from tests.h5ad.files import REAL_FILES, shared_file, write_categorical, write_frame

DAY = datetime.date(2024, 2, 29)


@pytest.fixture
def small_file(tmp_path):
    path = tmp_path / "small.h5ad"
    with h5py.File(path, "w") as file:
        obs = write_frame(file, "obs", 24, ["sample", "genotype"])
        write_categorical(obs, "sample", [row // 6 for row in range(24)], ["s1", "s2", "s3", "s4"])
        write_categorical(obs, "genotype", [row // 12 for row in range(24)], ["WT", "KO"])
        write_frame(file, "var", 5, [])
    return path


def front_matter(text):
    return yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))


def test_front_matter_is_yaml_that_a_program_can_read(small_file):
    _, text = make_card(small_file, today=DAY)
    read = front_matter(text)
    assert read["card"] == "design"
    assert read["date"] == "2024-02-29"
    assert (read["n_obs"], read["n_vars"]) == (24, 5)
    assert read["unit"] == {"columns": ["sample"], "n_units": 4}
    assert [factor["name"] for factor in read["factors"]] == ["sample", "genotype"]
    assert set(loads(read["design"]).names) == {"genotype", "sample", "cell"}


@pytest.mark.parametrize("name", REAL_FILES)
def test_every_real_file_gets_a_card_whose_design_parses(name):
    inference, text = make_card(shared_file(name), today=DAY)
    assert loads(front_matter(text)["design"]) == inference.design
    assert text.count("\n## ") == 11


def test_the_same_input_gives_the_same_bytes_date_aside(small_file):
    cards = [make_card(small_file, today=day)[1] for day in (DAY, DAY, datetime.date(2025, 1, 1))]
    assert cards[0] == cards[1]
    differing = [a for a, b in zip(cards[0].splitlines(), cards[2].splitlines(), strict=True) if a != b]
    assert differing == ['date: "2024-02-29"']


def test_what_a_person_wrote_survives_the_next_writing(small_file, tmp_path):
    card = tmp_path / "card.md"
    assert not write_card(small_file, card).kept_context
    words = "We knocked out *Bdnf* in 2019.\n\n| a | b |\n| --- | --- |\n\n## A heading of mine"
    card.write_text(card.read_text().replace(EMPTY, words))
    assert write_card(small_file, card, Overrides(kinds={"genotype": "treatment"})).kept_context
    assert f"{BEGIN}\n{words}\n{END}" in card.read_text()
    assert "kind of genotype: treatment" in card.read_text()


def test_something_that_is_no_card_is_not_overwritten(small_file, tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text("my notes")
    with pytest.raises(OutputError, match="is not a design card"):
        write_card(small_file, notes)
    assert notes.read_text() == "my notes"


@pytest.mark.parametrize("name", ["card.h5ad", "card.H5AD.gz"])
def test_a_card_is_not_called_like_data(name, small_file, tmp_path):
    with pytest.raises(OutputError, match=r"would be taken for an \.h5ad file"):
        write_card(small_file, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_card_without_its_marks_is_not_overwritten(small_file, tmp_path):
    card = tmp_path / "card.md"
    write_card(small_file, card)
    broken = card.read_text().replace(END, "")
    card.write_text(broken)
    with pytest.raises(OutputError, match="Biological context"):
        write_card(small_file, card)
    assert card.read_text() == broken


def test_the_input_is_never_the_output_and_never_changes(small_file):
    before = hashlib.sha256(small_file.read_bytes()).hexdigest()
    with pytest.raises(OutputError, match="overwrite"):
        write_card(small_file, small_file)
    assert hashlib.sha256(small_file.read_bytes()).hexdigest() == before


def test_an_unwritable_output_leaves_nothing_behind(small_file, tmp_path):
    with pytest.raises(OutputError, match="cannot write in the folder"):
        write_card(small_file, tmp_path / "absent" / "card.md")
    with pytest.raises(OutputError, match="is not a file"):
        write_card(small_file, tmp_path)
    assert list(tmp_path.iterdir()) == [small_file]


def test_a_failed_writing_keeps_the_earlier_card(small_file, tmp_path):
    card = tmp_path / "card.md"
    write_card(small_file, card)
    before = card.read_bytes()
    with pytest.raises(DesignError, match="no column 'absent'"):
        write_card(small_file, card, Overrides(unit=("absent",)))
    assert card.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [card, small_file]


def test_names_from_a_file_cannot_leave_their_place_in_a_card(tmp_path):
    path = tmp_path / "x|<b>`.h5ad"
    nasty = ["<script>alert(1)</script>", "a|b", "`code`", "---\ncard: x", "\x1b[31mred"]
    with h5py.File(path, "w") as file:
        obs = write_frame(file, "obs", 50, ["sample|id", "cell_type"])
        write_categorical(obs, "sample|id", [row // 10 for row in range(50)], nasty)
        write_categorical(obs, "cell_type", [row % 2 for row in range(50)], ["T cell", "B|cell"])
        write_frame(file, "var", 5, [])
    _, text = make_card(path, today=DAY)
    assert "\x1b" not in text
    assert "<script>" not in text.replace("`<script>alert(1)</script>`", "")
    header = next(line for line in text.splitlines() if line.startswith("| `cell_type` by"))
    assert header.replace("\\|", "").count("|") == len(nasty) + 2
    assert front_matter(text)["file"].endswith(".h5ad")
