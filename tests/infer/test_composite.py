"""Level names that hold several factors are taken apart only when the parts make a design."""

import pytest

from edviz.infer.composite import find_composite

APART = {
    # level names -> number of levels of each part, True for a replicate index
    "two factors and a replicate index": (
        [f"{g}_{t}_{n}" for g in ("WT", "KO") for t in ("lung", "gut") for n in (1, 2)],
        [(2, False), (2, False), (2, True)],
    ),
    "a constant word is dropped": (
        [f"{g}_tumor_{n}" for g in ("Keap", "WT") for n in (1, 2, 3)],
        [(2, False), (3, True)],
    ),
    "letters and digits without a separator": (
        [f"{t}{n}" for t in ("Lung", "Colon") for n in (1, 2, 3)],
        [(2, False), (3, True)],
    ),
    "partly crossed but connected": (
        ["p1-blood", "p1-skin", "p2-blood", "p2-skin", "p3-blood", "p3-skin", "p4-skin"],
        [(4, False), (2, False)],
    ),
}
WHOLE = {
    "too few levels": ["a_1", "a_2", "b_1"],
    "no separator": ["alpha", "beta", "gamma", "delta"],
    "identifiers that continue": ["s_1", "s_2", "s_3", "s_4"],
    "different numbers of parts": ["a_1", "b", "c_1_2", "d", "e_4", "f"],
    "parts that are never shared": ["a-1", "b-2", "c-3", "d-4"],
}


@pytest.mark.parametrize("case", APART)
def test_composite_names_come_apart(case):
    levels, expected = APART[case]
    parts = find_composite(levels).parts
    assert [(len(part.levels), part.replicate_index) for part in parts] == expected


@pytest.mark.parametrize("case", WHOLE)
def test_other_names_stay_whole(case):
    assert find_composite(WHOLE[case]) is None


def test_quantities_beside_words_are_noticed():
    levels = ["NPC_Chow", "NPC_15weeks", "NPC_30weeks", "Hepatocyte_Chow", "Hepatocyte_15weeks", "Hepatocyte_30weeks"]
    assert find_composite(levels).mixed
