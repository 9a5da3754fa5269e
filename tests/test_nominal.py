"""Tables of the units that a design promises: what the text says is counted on the rows, without the library."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edviz.counts import CountRange, count_observations, parent_levels, total_levels
from edviz.errors import DesignError
from edviz.grammar import loads
from edviz.infer import Overrides, infer_design
from edviz.model import Aliasing, Count, Crossing, factors_of, make_design
from edviz.nominal import kinds_of, nominal_table, unit_columns
from edviz.order import nodes_of, order_of
from tests.grammar.strategies import designs


def exactly(number):
    return CountRange(number, number, approximate=False)


def about(number):
    return CountRange(number, number, approximate=True)


N_UNITS = {
    # documented
    "Site(3) > Patient(20) > Sample(2) > Cell(5000) : CellType(35)": 120,
    "Hospital(3) > Patient(20) > Sample(2) × Treatment(3) > Cell(5000) : CellType(35)": 360,
    "Hospital(4) > Patient(15) × Treatment(2) > Sample(3) × Timepoint(4) > Cell(~8000)": 4 * 15 * 2 * 3 * 4,
    "Treatment(3) × Dose(4) × Timepoint(6)": 72,
    "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > Sample(2) > Cell(~5000) : CellType(42)": 146,
    "ProcessingBatch(4) == Sample\nSite(3) > Patient(20) > Sample(2) > Cell(5000)": 120,
    "Site(3) > Patient(20) > Sample(2) > Cell(5000)\nSequencingRun(8) == Cell": 120,
    "CellFraction(2) × DietTimepoint(3) > Sample(~38) : CellType(13)": 228,
    "Genotype(2) > Sample(4) : CellType(6)": 8,
    "(Treatment(2) × Timepoint(4)) > Sample(3)": 24,
    "Treatment(3) × Timepoint(4) × Replicate(5)": 60,
    # lists
    "CellFraction(2) > Sample[16|22]": 38,
    "A[3|4]": 7,
    "A[2|3] > B(2)": 10,
    "A(2) > B[3|4] > C[1|2|3|4|5|6|7]": 28,
    "A(2) > B[3|4]\nA > C[5|6]{kind=unit}\nB × C": 3 * 5 + 4 * 6,
    "A(2) > B[3|4] × C(5){kind=treatment}": 35,
    "(A(2) > B[3|4]) × (C(2) > D[5|6])": 77,
    "(A(2) × B(2)) > C[1|2|3|4]": 10,
    # aliases
    "{A(4) ≈≈ B(3) ≈≈ C(2)} > D(2)": 8,
    "{A(5) ≈≈ B(3) ≈≈ C(2)} > D(2)": 10,
    "{A(8) ≈≈ B(4) ≈≈ C(2)} > D(2)": 16,
    "A(2) > {B[2|3] ≈≈ C(2)}": 5,
    # batches
    "Run(8) == Sample\nRun × Genotype(2) > Sample(4)": 64,
    "R(2) == L(4) == Sample\nGenotype(2) > Sample(4)": 8,
    "R(3) == A\nA(3) > B(2)\nR == B": 6,
    "R(1) == A × B\nA(4) × B(3)": 12,
    "{Run(8) ≈≈ Lane(4)}\nRun == Sample\nGenotype(2) > Sample(8)": 16,
    "L == S\nR == L\nR == S\nL(4) ≈≈ M(2)\nR(3)\nG(2) > S(6)": 12,
    "R(4) > S(1)\nR == S\nS == R": 4,
    "Donor(4) > Cell(~900)\nL(5) == Cell\nR(2) == L\nR == Donor": 4,
    # rows that are units, and observations that are not
    "Donor(4) > Sample(2) > Nucleus(?)": 8,
    "Donor(4) > Sample(2) > single_cells(3)": 8,
    "Donor(4) > Droplet(~2000)": 4,
    "Donor(4) > Thing(~2000)": 4,
    "Donor(4) > Thing(2000) : CellType(3)": 4,
    "Donor(4) > Thing[400|~700|800|500]": 4,
    "Donor(2) > Thing[300|~400]": 700,
    "Donor(4) > Thing(499) : CellType(3)": 4 * 499,
    "Donor(4) > Thing(2000)": 8000,
    "Donor(4) > Patient_Cell_Line(2)": 8,
    "(Treatment(2) × Time(3)) > observation(4)": 24,
    "(Treatment(2) × Time(3)) > observation(800)": 6,
    "Patient(~600)": 600,
    "Treatment(2) × Cell(10)": 20,
    "A(1)": 1,
    # what is said of factors that the table lacks
    "Donor(4) > Cell(~2000) : Leiden(9)\nLeiden ≈ Louvain(8)\nCell : Louvain": 4,
}

REFUSED = {
    "Sample(10) ◊ Treatment(5)": "'Sample' and 'Treatment' are partly crossed.* as in Sample × Treatment",
    "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > Sample(2) ◊ Treatment(3) × Timepoint(4) > Cell(~5000)": "partly",
    "A(2) ≈ B(3)": "'A' and 'B' are partly aliased.* as in A ≈≈ B",
    "A(?) > B(4)": r"the size of 'A' is not known.* as in A\(3\)",
    "{A(?) ≈≈ B(4)} > C(2)": "the size of 'A' is not known",
    "R(?) == A(3)": "the size of 'R' is not known",
    "A(2)\nB(3)": "how 'A' and 'B' occur together",
    "A(2) > B(3)\nA > C(4)": "how 'B' and 'C' occur together",
    "A(2) > B[3|4|5]": "has 3 entries, but there are 2 levels above it",
    "A(2) > {B(4) ≈≈ C[3|6]}": "give one of them at least as many everywhere",
    "R(20) == Sample\nGenotype(2) > Sample(4)": r"'R' has 8 levels at most.* write R\(8\) or less",
    "R(2) == A × B\nA(4) × B(3)": "1 levels at most, because each level of 'A' and 'B'",
    # the batches L and M overlap, so that all their units are in one R
    "R(2) == L\nR == M\nL(3) == S\nM(2) == S\nS(6)": r"each level of 'L' and 'M'.* write R\(1\) or less",
    "Genotype(2) × R(3) > S(2)\nR == Genotype": "leave out R == Genotype",
    "R(2) == L(4)\nL == R\nG(2) > S(4)\nL == S": "batches cannot process each other, as in",
    "A(2000) × B(3000) × C(1000000)": "more than 100,000 units",
    "A(2) > B(1000000)": "more than 100,000 units.*'B'",
    "Cell(5000) : CellType(3)": "no unit above its observations",
    "A(2) == B(3)\nB == A": "no unit above",
}


@pytest.mark.parametrize(("text", "n_units"), N_UNITS.items())
def test_a_row_is_a_unit_and_all_that_the_text_says_holds_of_the_rows(text, n_units):
    design = loads(text)
    table = nominal_table(design)
    assert table.n_obs == n_units
    assert count_observations(said_of(design, set(codes_of(table)))) in {exactly(n_units), about(n_units)}
    require_relations(design, table)


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_a_design_that_does_not_say_enough_is_refused_in_a_sentence(text, reason):
    with pytest.raises(DesignError, match=reason) as error:
        nominal_table(loads(text))
    assert "\n" not in str(error.value)


def test_the_most_rows_can_be_chosen():
    design = loads("A(20) > B(5)")
    assert nominal_table(design, most_rows=100).n_obs == 100
    with pytest.raises(DesignError, match="more than 99 units"):
        nominal_table(design, most_rows=99)


def test_a_table_of_many_factors_has_fewer_rows():
    design = loads(" × ".join(["Z(90000)", *(f"A{number}(1)" for number in range(24))]))
    with pytest.raises(DesignError, match="more than 80,000 units, too many for a table of 25 factors"):
        nominal_table(design)


def test_rows_are_in_the_order_of_the_text():
    columns = columns_of(nominal_table(loads("Hospital(2) > (Patient[1|2] × Treatment(2))")))
    assert columns == {
        "Hospital": ["hospital1"] * 2 + ["hospital2"] * 4,
        "Patient": [f"patient{number}" for number in (1, 1, 2, 2, 3, 3)],
        "Treatment": ["treatment1", "treatment2"] * 3,
    }


def test_forward_references_do_not_change_what_is_nested_in_what():
    columns = columns_of(nominal_table(loads("B > C(2)\nA(2) > B(1)")))
    assert columns["A"] == ["a1", "a1", "a2", "a2"]
    assert columns["C"] == ["c1", "c2", "c3", "c4"]


def test_batches_hold_consecutive_units():
    columns = columns_of(nominal_table(loads("Run(3) == Sample\nGenotype(2) > Sample(4)")))
    assert columns["Run"] == ["run1"] * 3 + ["run2"] * 3 + ["run3"] * 2


LEVELS = {
    "Stim(3){levels=[PBS, R848, UNTX]}": ["PBS", "R848", "UNTX"],
    "Stim(3){levels=[PBS, R848]}": ["stim1", "stim2", "stim3"],
    "k5(2)": ["k5_1", "k5_2"],
    '""(2)': ["1", "2"],
}


@pytest.mark.parametrize(("text", "levels"), LEVELS.items())
def test_levels_have_their_stated_names_or_numbers(text, levels):
    assert [each.level for each in nominal_table(loads(text)).listing.columns[0].levels] == levels


def test_more_than_nine_levels_are_in_the_order_of_their_numbers():
    table = nominal_table(loads("A(11) > B[1|2|3|4|5|6|7|8|9|10|11]"))
    assert [each.n for each in table.listing.column("A").levels] == list(range(1, 12))


def test_factors_without_a_column_are_listed_with_the_reason():
    listing = nominal_table(loads("Run(3) == Cell\nDonor(4) > Cell(~500) : CellType(5)")).listing
    reasons = {column.name: column.set_aside for column in listing.columns}
    assert reasons == {
        "Run": "it processed observations, and a row is a unit",
        "Donor": None,
        "Cell": "its levels are observations, and a row is a unit",
        "CellType": "it labels observations, and a row is a unit",
    }


def test_what_the_text_leaves_open_is_noted():
    listing = nominal_table(loads("Run(2) == Sample\nDonor(4) > Sample(~6)")).listing
    notes = {column.name: column.note for column in listing.columns}
    assert notes["Donor"] is None
    assert notes["Sample"] == "its size is approximate"
    assert "in order" in notes["Run"]


INFERRED = {
    "Site(3) > Patient(20) > Sample(2) > Cell(5000) : CellType(35)": "Site(3) > Patient(20) > Sample(2) > cell(1)",
    "Hospital(3) > Patient(20) > Sample(2) × Treatment(3) > Cell(5000) : CellType(35)": (
        "Hospital(3) > Patient(20) > (Sample(2) × Treatment(3){kind=treatment}) > cell(1)"
    ),
    "Hospital(4) > Patient(15) × Treatment(2) > Sample(3) × Timepoint(4) > Cell(~8000)": (
        "Hospital(4) > (Patient(15) × Treatment(2){kind=treatment})"
        " > (Sample(3) × Timepoint(4){kind=observational}) > cell(1)"
    ),
    "Treatment(3) × Dose(4) × Timepoint(6)": (
        "(Treatment(3){kind=treatment} × Dose(4){kind=treatment} × Timepoint(6){kind=observational}) > observation(1)"
    ),
    # Without kinds, center and protocol are batches by name: nested all the same.
    "{Center(3){kind=observational} ≈≈ Protocol(2){kind=observational}} > Patient[30|25|18] > Sample(2)": (
        "Protocol(2){kind=observational} > Center[2|1]{kind=observational} > Patient[30|25|18] > Sample(2)"
        " > observation(1)"
    ),
    # Two samples of a patient are in one run, so the patient is.
    "ProcessingBatch(4) == Sample\nSite(3) > Patient(20) > Sample(2) > Cell(5000)": (
        "ProcessingBatch(4) == Patient\nSite(3) > Patient(20) > Sample(2) > cell(1)"
    ),
    "CellFraction(2) × DietTimepoint(3) > Sample(~38) : CellType(13)": (
        "(CellFraction(2){kind=observational} × DietTimepoint(3){kind=observational}) > Sample(38) > observation(1)"
    ),
    "Genotype(2) > Sample(4) : CellType(6)": "Genotype(2) > Sample(4) > observation(1)",
    "(Treatment(2) × Timepoint(4)) > Sample(3)": (
        "(Treatment(2){kind=treatment} × Timepoint(4){kind=observational}) > Sample(3) > observation(1)"
    ),
    "Treatment(3) × Timepoint(4) × Replicate(5)": (
        "(Treatment(3){kind=treatment} × Timepoint(4){kind=observational} × Replicate(5){kind=unit}) > cell(1)"
    ),
}


@pytest.mark.parametrize(("text", "inferred"), INFERRED.items())
def test_the_design_is_inferred_from_its_table(text, inferred):
    design = loads(text)
    found = infer_design(nominal_table(design), Overrides(kinds=kinds_of(design))).design
    assert found == loads(inferred)


def test_naming_the_unit_tells_crossed_factors_that_repeat_within_units():
    design = loads("Plate(3) > (Row(8) × Column(12))")
    overrides = Overrides(unit=unit_columns(design), kinds=kinds_of(design))
    found = infer_design(nominal_table(design), overrides).design
    assert found == loads("Plate(3) > (Row(8) × Column(12){kind=observational}) > cell(1)")


def test_the_unit_is_the_finest_of_aliased_factors():
    assert unit_columns(loads("G(2) > {B(2) ≈≈ A(4)} > Cell(~900)")) == ("A",)


@st.composite
def sayable_designs(draw):
    """Designs with all sizes, where all that can be related is crossed in full."""
    design = draw(designs(most_factors=6))
    factors = [replace(factor, size=(Count(draw(st.integers(1, 4))),)) for factor in design.factors]
    relations = [
        replace(relation, partial=False) if isinstance(relation, Crossing) else relation
        for relation in design.relations
        if not (isinstance(relation, Aliasing) and relation.partial)
    ]
    for pair in combinations(design.names, 2):
        try:
            make_design(factors, [*relations, Crossing(*pair)])
        except DesignError:
            continue
        if draw(st.integers(0, 9)):
            relations.append(Crossing(*pair))
    design = make_design(factors, relations)
    for position, factor in enumerate(design.factors):
        n_parents = parent_levels(design, factor.name)
        if design.parents(factor.name) and n_parents.exact and 1 < n_parents.low <= 6 and draw(st.booleans()):
            size = draw(st.tuples(*[st.builds(Count, st.integers(1, 4))] * n_parents.low))
            factors[position] = replace(factor, size=size)
            design = make_design(factors, relations)
    return design


@settings(max_examples=300, deadline=None)
@given(sayable_designs())
def test_relations_of_generated_designs_hold_of_the_rows(design):
    if table := table_or_none(design):
        require_relations(design, table)


@settings(max_examples=100, deadline=None)
@given(designs())
def test_any_design_has_a_table_or_is_refused(design):
    if table := table_or_none(design):
        require_relations(design, table)


@settings(max_examples=100, deadline=None)
@given(sayable_designs())
def test_the_inference_finds_the_relations_of_generated_designs(design):
    table = table_or_none(design)
    assume(table is not None and table.listing.candidates)
    nodes = nodes_of(design)
    order = order_of(nodes, design.relations)
    for pair in infer_design(table, Overrides(kinds=kinds_of(design))).report.pairs:
        a, b = nodes[pair.a], nodes[pair.b]
        nested = {"aliased", "a_nested_in_b"} if b in order.above[a] else {"aliased", "b_nested_in_a"}
        if order.comparable(a, b):
            assert pair.relation in nested
        elif a == b:
            assert pair.relation in {"aliased", "a_nested_in_b", "b_nested_in_a"}
        elif order.crossing(a, b) and not order.above[a] & order.above[b]:
            assert pair.relation == "crossed"


def table_or_none(design):
    try:
        return nominal_table(design, most_rows=1500)
    except DesignError as error:
        assert "\n" not in str(error).replace("\\n", "")
        return None


def columns_of(table):
    """Return the level of every row in each column, in order."""
    codes = codes_of(table)
    return {name: [table.listing.column(name).levels[code].level for code in codes[name]] for name in codes}


def codes_of(table):
    """Return the number of the level of every row in each column."""
    shown = [column for column in table.listing.columns if column.levels is not None]
    for column in shown:
        names = [each.level for each in column.levels]
        assert len(set(names)) == len(names)
        assert all(each.n > 0 for each in column.levels)
    return {column.name: table.codes(column.name).tolist() for column in shown}


def require_relations(design, table):
    """Count on the rows what the design says of the factors that are columns."""
    columns = codes_of(table)
    kept = said_of(design, set(columns))
    require_sizes(kept, columns, table.n_obs)
    for relation in kept.nestings:
        assert determines(columns[relation.inner], columns[relation.outer])
    for crossing in kept.crossings:
        require_crossing(kept, crossing, columns)
    for aliasing in kept.aliasings:
        for one, other in combinations(aliasing.factors, 2):
            assert determines(columns[one], columns[other]) or determines(columns[other], columns[one])
    for effect in kept.batch_effects:
        assert determines(columns[effect.unit], columns[effect.batch])
        require_even_batches(kept, effect, columns)


def said_of(design, names):
    """Return what a design says of some of its factors."""
    relations = [relation for relation in design.relations if set(factors_of(relation)) <= names]
    return make_design([factor for factor in design.factors if factor.name in names], relations)


def require_sizes(design, columns, n_rows):
    counted = count_observations(design)
    assert counted.low <= n_rows <= counted.high
    units = unit_columns_of(design, columns)
    assert len(set(zip(*(columns[name] for name in units), strict=True))) == n_rows
    for factor in design.factors:
        total = total_levels(design, factor.name)
        assert total.low <= len(set(columns[factor.name])) <= total.high
        if parents := design.parents(factor.name):
            require_children(factor, [columns[name] for name in parents], columns[factor.name])


def unit_columns_of(design, columns):
    """Return all factors but batches: they are functions of the units."""
    batches = {effect.batch for effect in design.batch_effects}
    return [name for name in columns if name not in batches] or list(columns)


def require_children(factor, outer, inner):
    children = defaultdict(set)
    for parent, child in zip(zip(*outer, strict=True), inner, strict=True):
        children[parent].add(child)
    found = [len(children[parent]) for parent in sorted(children)]
    expected = [count.number for count in factor.size]
    assert found == (expected * len(found) if len(expected) == 1 else expected)
    assert sum(found) == len(set(inner))


def require_crossing(design, crossing, columns):
    """All combinations occur within each combination of what nests both."""
    shared = above(design, crossing.a) & above(design, crossing.b)
    pairs = defaultdict(set)
    within = (
        zip(*(columns[name] for name in sorted(shared)), strict=True) if shared else [()] * len(columns[crossing.a])
    )
    for levels, a, b in zip(within, columns[crossing.a], columns[crossing.b], strict=True):
        pairs[levels].add((a, b))
    for found in pairs.values():
        assert len(found) == len({a for a, _ in found}) * len({b for _, b in found})


def above(design, name):
    return set(design.parents(name)).union(*(above(design, parent) for parent in design.parents(name)))


def determines(finer, coarser):
    return len(set(zip(finer, coarser, strict=True))) == len(set(finer))


def require_even_batches(design, effect, columns):
    """The units of a batch that is nothing else are consecutive, and as many as those of the next."""
    attached = [each for each in design.batch_effects if each.batch == effect.batch]
    is_structural = any(
        effect.batch in factors_of(each) for each in (*design.nestings, *design.crossings, *design.aliasings)
    )
    if len(attached) > 1 or is_structural:
        return
    batch_of = dict(zip(columns[effect.unit], columns[effect.batch], strict=True))
    in_order = [batch_of[unit] for unit in sorted(batch_of)]
    sizes = Counter(in_order)
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert sum(one != other for one, other in pairwise(in_order)) == len(sizes) - 1
