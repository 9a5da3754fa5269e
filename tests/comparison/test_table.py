"""Tables of designs, and the conditions that pick some."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edviz.comparison import compare_all, read_condition, subject_of, traits_of
from edviz.comparison.table import MOST_COMPARED
from edviz.comparison.where import TRAITS
from edviz.errors import DesignError

PAIRED = "donor(8){kind=unit} × stim(2){kind=treatment} > cell(~500) : cell_type(12)\nlane(4) == cell"
NESTED = "stim(2){kind=treatment} > mouse(5) > cell(~100)"
ALIASED = "{center(3){kind=batch} ≈≈ protocol(2)} > patient[3|4|5]"
SUBJECTS = [subject_of(text) for text in (PAIRED, NESTED, ALIASED)]
ALL = {0, 1, 2}

HOLDS = {
    "paired": {0},
    "not paired": {1, 2},
    "nested and not aliased": {0, 1},
    "crossed or aliased": {0, 2},
    "aliased, units = 12": {2},
    "confounded": {2},
    "units >= 10": {1, 2},
    "units == 8": {0},
    "units != 8": {1, 2},
    "treatments = 2": {0, 1},
    "conditions < 2": {2},
    "batches > 3 and classes = 12": {0},
    "observations >= 1k": {0, 1},
    "observations > 1_000 and observations <= 8k": {0},
    "donors >= 5": {0},
    "donor": {0},
    '"cell_type" = 12': {0},
    "stim, (mouse = 10 or donor = 8)": {0, 1},
    "stim and mouse = 10 or center": {1, 2},
    "unit = patient": {2},
    "species = human": set(),
    "species != human": set(),
    "not species = human": ALL,
    "paired = yes": {0},
    "unit = 10x": set(),
    "paired = no": {1, 2},
    "factors > 3": {0},
    "PAIRED AND units>=5": None,
}


@pytest.mark.parametrize(("text", "expected"), HOLDS.items())
def test_conditions_pick_designs(text, expected):
    if expected is None:
        with pytest.raises(DesignError):
            read_condition(text)
        return
    table = compare_all(SUBJECTS, where=read_condition(text))
    assert [each.name for each in table.designs] == [SUBJECTS[n].name for n in sorted(expected)]
    assert set(table.left_out) == {SUBJECTS[n].name for n in ALL - expected}


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "": "at its end",
        "paired and": "at its end",
        "units >": "at its end",
        "units >= >= 3": "at character 10",
        "(paired": "at its end",
        "paired)": "at character 7",
        "5 = units": "at character 1",
        "__import__('os')": "at character 11",
        "units = 'x": "at character 9",
        "x" * 1001: "it may have 1000",
    }.items(),
)
def test_a_condition_that_cannot_be_read_is_shown_with_its_place(text, words):
    with pytest.raises(DesignError) as error:
        read_condition(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("word", "meant"),
    {"pared": "paired", "unts": "units", "stimm": "stim", "zzz": "known are name, observations"}.items(),
)
def test_unknown_words_are_met_with_what_could_be_meant(word, meant):
    with pytest.raises(DesignError, match=meant):
        compare_all(SUBJECTS, where=read_condition(f"{word} >= 1"))


@settings(deadline=None)
@given(st.text(st.sampled_from('aun =<>!(),"5k'), max_size=12))
def test_no_condition_ends_in_another_error(text):
    try:
        condition = read_condition(text)
        compare_all(SUBJECTS, where=condition)
    except DesignError:
        pass


def test_every_trait_can_be_asked_and_sorted_by():
    for trait in TRAITS:
        compare_all(SUBJECTS, where=read_condition(f"{trait} = 1 or {trait}"), sort=trait)


def test_sorting_leaves_what_is_not_known_to_the_end():
    unknown = subject_of("a(?){kind=unit}")
    up = compare_all([unknown, *SUBJECTS], sort="units")
    down = compare_all([unknown, *SUBJECTS], sort="units", descending=True)
    assert [each.units for each in up.designs] == [8, 10, 12, None]
    assert [each.units for each in down.designs] == [12, 10, 8, None]
    with pytest.raises(DesignError, match="by 'hue'"):
        compare_all(SUBJECTS, sort="hue")


def test_every_pair_is_compared_unless_there_are_too_many():
    assert [(each.a, each.b) for each in compare_all(SUBJECTS).comparisons] == [
        (SUBJECTS[a].name, SUBJECTS[b].name) for a, b in [(0, 1), (0, 2), (1, 2)]
    ]
    assert compare_all([subject_of(NESTED)] * (MOST_COMPARED + 1)).comparisons == ()


def test_traits_follow_from_the_design():
    traits = traits_of(SUBJECTS[0])
    assert (traits.unit, traits.units, traits.observations) == ("donor", 8, 8000)
    assert (traits.treatments, traits.conditions, traits.batches, traits.classes) == (2, 2, 4, 12)
    assert (traits.paired, traits.crossed, traits.partly_crossed, traits.aliased) == (True, True, False, False)
    assert traits_of(subject_of("a(2) × b(3)")).units is None


def test_blocks_of_units_above_pair_too():
    assert traits_of(subject_of("hospital(3){kind=unit} × drug(2){kind=treatment} > patient(9)")).paired
    assert not traits_of(subject_of("drug(2){kind=treatment} > hospital(3) > patient(9)")).paired


def test_what_a_file_tells_goes_before_what_follows(shipped):
    traits = traits_of(subject_of(str(shipped)))
    assert (traits.observations, traits.unit, traits.units, traits.conditions) == (200, "sample", 30, 3)
    assert (traits.species, traits.counts, traits.paired, traits.classes) == ("human", True, True, 16)
