"""Diagrams that one can look at: each design is drawn as in its file in `golden/`.

``python -m tests.diagram.test_golden`` draws the files anew; look at what changed before you keep it.
"""

from pathlib import Path

import pytest

from edviz.diagram import render

from .designs import AWKWARD, DESIGNS, DOCUMENTED

GOLDEN = Path(__file__).parent / "golden"


def drawings() -> dict[str, str]:
    """Draw every design as it comes, and some in ASCII and in few columns."""
    wide = {name: render(design) for name, design in DESIGNS.items()}
    ascii = {
        f"{name}, ASCII": render(DOCUMENTED[name], ascii=True) for name in ("centers in batches", "partly crossed")
    }
    narrow = {
        f"{name}, 40 columns": render(DESIGNS[name], width=40)
        for name in ("centers with partial crossing", "factorial", "donor attributes")
    }
    keys = {f"{name}, 30 columns": render(DESIGNS[name], width=30) for name in ("centers in batches", "tree")}
    with_notes = {
        "chain, with title and notes": render(
            DOCUMENTED["chain"], title="A study of cells", notes=["Sites differ in their protocols."]
        )
    }
    return wide | ascii | narrow | keys | with_notes


def path_of(name: str) -> Path:
    return GOLDEN / f"{name.replace(', ', '-').replace(' ', '_')}.txt"


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return drawings()


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_the_design_is_drawn_as_before(drawn, name):
    by_stem = {path_of(each).stem: diagram for each, diagram in drawn.items()}
    assert by_stem[name] + "\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_documented_and_awkward_design_has_its_file():
    assert all(path_of(name).exists() for name in (*DOCUMENTED, *AWKWARD))


if __name__ == "__main__":
    for name, diagram in drawings().items():
        path_of(name).write_text(diagram + "\n", encoding="utf-8")
