"""SVG and PNG, drawn by Graphviz."""

import shutil
import struct
from xml.etree import ElementTree

import pytest

from edviz.errors import OutputError
from edviz.export import picture, to_png, to_svg
from tests.export.designs import DESIGNS

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
SVG = "{http://www.w3.org/2000/svg}"
PASSIVE = {"svg", "g", "title", "polygon", "polyline", "path", "text", "ellipse"}


@needs_graphviz
@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_an_svg_shows_every_factor_and_does_nothing(design):
    drawn = to_svg(design)
    root = ElementTree.fromstring(drawn)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= PASSIVE
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on") or "href" in key]
    shown = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    if design is not DESIGNS["odd names"]:
        assert all(name in shown for name in design.names)


@needs_graphviz
def test_names_are_shown_as_written_in_an_svg():
    shown = [element.text for element in ElementTree.fromstring(to_svg(DESIGNS["odd names"])).iter(f"{SVG}text")]
    assert 'a & <b> "q" \\N' in shown
    assert "=1+1" in shown
    assert "\\u001b[31m" in shown


@needs_graphviz
def test_a_png_has_a_signature_and_a_size_that_follows_the_resolution():
    small, large = (to_png(DESIGNS["mixed"], dots_per_inch=n) for n in (48, 96))
    assert small.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", small[16:24])
    assert 100 < width < 600
    assert 100 < height < 600
    assert struct.unpack(">I", large[16:20])[0] == pytest.approx(2 * width, abs=3)
    assert len(large) < 750_000


def test_without_graphviz_the_remedy_is_one_sentence(monkeypatch):
    monkeypatch.setattr(picture.shutil, "which", lambda _: None)
    with pytest.raises(OutputError, match="apt-get install graphviz") as error:
        to_svg(DESIGNS["nested"])
    assert "\n" not in str(error.value)


def test_a_program_that_fails_is_named(monkeypatch):
    monkeypatch.setattr(picture.shutil, "which", lambda _: shutil.os.devnull)
    with pytest.raises(OutputError, match="cannot be started"):
        to_png(DESIGNS["nested"])
