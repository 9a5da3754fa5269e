"""The picture of a design as SVG and PNG, drawn by the program `dot` of Graphviz."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from edviz.errors import OutputError
from edviz.export.dot import to_dot
from edviz.model import Design

DOTS_PER_INCH = 144
LONGEST_SECONDS = 60


def to_svg(design: Design, *, totals: Mapping[str, int] | None = None) -> str:
    """Draw a design as SVG.

    Parameters
    ----------
    design
        The design.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.

    Raises
    ------
    OutputError
        If the program `dot` is not there or does not draw the design.
    """
    return _drawn(to_dot(design, totals=totals), "-Tsvg").decode("utf-8")


def to_png(design: Design, *, totals: Mapping[str, int] | None = None, dots_per_inch: int = DOTS_PER_INCH) -> bytes:
    """Draw a design as PNG.

    Parameters
    ----------
    design, totals
        As for `to_svg`.
    dots_per_inch
        Resolution.

    Raises
    ------
    OutputError
        If the program `dot` is not there or does not draw the design.
    """
    return _drawn(to_dot(design, totals=totals), "-Tpng", f"-Gdpi={dots_per_inch}")


def _drawn(dot: str, *arguments: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise OutputError(
            "SVG and PNG are drawn by Graphviz, whose program 'dot' is not installed; install it, for instance with "
            "'apt-get install graphviz', 'brew install graphviz' or 'conda install graphviz'"
        )
    try:
        done = subprocess.run(
            [program, *arguments], input=dot.encode(), capture_output=True, check=False, timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise OutputError(f"Graphviz was still drawing after {LONGEST_SECONDS} seconds; draw fewer factors") from None
    except OSError as error:
        raise OutputError(f"Graphviz cannot be started ({program}: {error.strerror}); install it again") from error
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise OutputError(f"Graphviz does not draw the design: {said or f'{program} ended with {done.returncode}'}")
    return done.stdout
