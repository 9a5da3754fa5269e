"""Colours can be told apart by all, and every cell has that of its level."""

import numpy as np

from mcp_server.embeddings.colours import MOST_NAMED, OKABE_ITO, PALETTE, key_of
from mcp_server.embeddings.reading import Levels
from tests.embeddings.palette import distances, find_palette


def test_the_palette_is_what_its_method_finds() -> None:
    assert list(PALETTE) == find_palette(MOST_NAMED)


def test_later_colours_differ_in_every_vision_nearly_as_much_as_those_of_okabe_and_ito() -> None:
    def least(n: int) -> float:
        apart = distances(PALETTE[:n], PALETTE[:n])
        return float(apart[:, ~np.eye(n, dtype=bool)].min())

    assert PALETTE[:8] == OKABE_ITO
    assert least(12) >= 0.9 * least(8)
    assert least(24) >= 0.7 * least(8)


def test_levels_that_do_not_occur_take_no_colour() -> None:
    key = key_of(Levels("type", np.array([2, 2, 0, -1]), ("a", "unused", "c")))
    assert [(entry.name, entry.n) for entry in key.entries] == [("a", 1), ("c", 2), ("missing", 1)]
    assert [entry.colour for entry in key.entries[:2]] == list(PALETTE[:2])
    assert key.places.tolist() == [1, 1, 0, 2]


def test_of_many_levels_the_most_frequent_have_colours_and_the_rest_is_one_entry() -> None:
    codes = np.repeat(np.arange(60), np.arange(1, 61))
    key = key_of(Levels("type", codes, tuple(map(str, range(60)))))
    assert len(key.named) == MOST_NAMED
    assert [entry.name for entry in key.named] == [str(level) for level in range(20, 60)]
    rest = key.entries[-1]
    assert (rest.is_rest, rest.n, key.n_unnamed) == (True, sum(range(1, 21)), 20)
    assert (key.places[codes < 20] == MOST_NAMED).all()
