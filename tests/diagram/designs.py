"""Designs to draw: those of the documentation, awkward ones, and generated ones."""

from itertools import combinations, pairwise

from hypothesis import strategies as st

from edviz.errors import DesignError
from edviz.model import (
    Aliasing,
    BatchEffect,
    Classification,
    Count,
    Crossing,
    Design,
    Factor,
    Kind,
    Nesting,
    Relation,
    make_design,
)


def factor(name: str, *numbers: int, approximate: bool = False, kind: Kind | None = None) -> Factor:
    return Factor(name, tuple(Count(number, approximate) for number in numbers) or None, kind)


def crossed(*names: str) -> list[Relation]:
    return [Crossing(a, b) for a, b in combinations(names, 2)]


def nested(*names: str) -> list[Relation]:
    return [Nesting(outer, inner) for outer, inner in pairwise(names)]


SITE, HOSPITAL, PATIENT = factor("Site", 3), factor("Hospital", 3), factor("Patient", 20)
SAMPLE, CELLS = factor("Sample", 2), factor("Cell", 5000, approximate=True)
TREATMENT, TIMEPOINT = factor("Treatment", 3, kind="treatment"), factor("Timepoint", 4, kind="treatment")
CENTERS = [factor("Center", 3), factor("Protocol", 2), factor("Patient", 30, 25, 18)]
CENTER_CHAIN = [
    Aliasing(("Center", "Protocol")),
    *nested("Center", "Patient", "Sample", "Cell"),
    Classification("Cell", "CellType"),
]

DOCUMENTED: dict[str, Design] = {
    "chain": make_design(
        [SITE, PATIENT, SAMPLE, factor("Cell", 5000), factor("CellType", 35)],
        [*nested("Site", "Patient", "Sample", "Cell"), Classification("Cell", "CellType")],
    ),
    "treated samples": make_design(
        [HOSPITAL, PATIENT, SAMPLE, TREATMENT, factor("Cell", 5000), factor("CellType", 35)],
        [
            *nested("Hospital", "Patient", "Sample", "Cell"),
            *crossed("Sample", "Treatment"),
            Nesting("Treatment", "Cell"),
            Classification("Cell", "CellType"),
        ],
    ),
    "two crossed levels": make_design(
        [
            factor("Hospital", 4),
            factor("Patient", 15),
            factor("Treatment", 2),
            factor("Sample", 3),
            TIMEPOINT,
            factor("Cell", 8000, approximate=True),
        ],
        [
            *nested("Hospital", "Patient", "Sample", "Cell"),
            *crossed("Patient", "Treatment"),
            *crossed("Sample", "Timepoint"),
            Nesting("Treatment", "Sample"),
            Nesting("Timepoint", "Cell"),
        ],
    ),
    "factorial": make_design(
        [factor("Treatment", 3), factor("Dose", 4), factor("Timepoint", 6)], crossed("Treatment", "Dose", "Timepoint")
    ),
    "centers": make_design([*CENTERS, SAMPLE, CELLS, factor("CellType", 42)], CENTER_CHAIN),
    "centers in batches": make_design(
        [*CENTERS, SAMPLE, CELLS, factor("CellType", 42), factor("ProcessingBatch", 6)],
        [*CENTER_CHAIN, BatchEffect("ProcessingBatch", "Sample")],
    ),
    "centers with partial crossing": make_design(
        [*CENTERS, SAMPLE, TREATMENT, TIMEPOINT, CELLS, factor("CellType", 42)],
        [
            *CENTER_CHAIN,
            Crossing("Sample", "Treatment", partial=True),
            Crossing("Sample", "Timepoint", partial=True),
            *crossed("Treatment", "Timepoint"),
            Nesting("Treatment", "Cell"),
            Nesting("Timepoint", "Cell"),
        ],
    ),
    "two batches": make_design(
        [factor("ProcessingBatch", 4), factor("SequencingRun", 8), PATIENT, SAMPLE, factor("Cell", 1000)],
        [
            *nested("Patient", "Sample", "Cell"),
            BatchEffect("ProcessingBatch", "Sample"),
            BatchEffect("SequencingRun", "Cell"),
        ],
    ),
    "cell fractions": make_design(
        [
            factor("CellFraction", 2),
            factor("DietTimepoint", 3),
            factor("Sample", 38, approximate=True),
            factor("CellType", 13),
        ],
        [
            *crossed("CellFraction", "DietTimepoint"),
            Nesting("CellFraction", "Sample"),
            Nesting("DietTimepoint", "Sample"),
            Classification("Sample", "CellType"),
        ],
    ),
    "genotypes": make_design(
        [factor("Genotype", 2), factor("Sample", 4), factor("CellType", 6)],
        [Nesting("Genotype", "Sample"), Classification("Sample", "CellType")],
    ),
    "partly crossed": make_design(
        [factor("Sample", 10), factor("Treatment", 5)], [Crossing("Sample", "Treatment", partial=True)]
    ),
}

AWKWARD: dict[str, Design] = {
    "nothing": make_design([], []),
    "one factor": make_design([factor("Sample")], []),
    "two chains crossed": make_design(
        [factor("Block", 3), factor("Plot", 4), factor("Season", 2), factor("Visit", 5)],
        [Nesting("Block", "Plot"), Nesting("Season", "Visit"), Crossing("Plot", "Visit")],
    ),
    "two parts": make_design(
        [factor("Donor", 3), factor("Sample", 2), factor("Dose", 4), factor("Day", 5)],
        [Nesting("Donor", "Sample"), Crossing("Dose", "Day")],
    ),
    "tree": make_design(
        [
            factor("Clinic", 2),
            factor("Blood"),
            factor("Biopsy", 4),
            factor("Plasma", 2),
            factor("Section", 3),
            factor("Cell", 900, approximate=True),
            factor("Scanner", 2),
        ],
        [
            Nesting("Clinic", "Blood"),
            Nesting("Clinic", "Biopsy"),
            Nesting("Blood", "Plasma"),
            Nesting("Biopsy", "Section"),
            Nesting("Section", "Cell"),
            BatchEffect("Scanner", "Section"),
        ],
    ),
    "donor attributes": make_design(
        [
            factor("Sex", 2, kind="observational"),
            factor("Disease", 3, kind="observational"),
            factor("Age", 8, kind="observational"),
            factor("Ethnicity", 4, kind="observational"),
            factor("Donor", 1),
            factor("Stim", 3, kind="treatment"),
            factor("Sample", 2),
            factor("Cell", 5000, approximate=True),
            factor("CellType", 30),
            factor("Leiden", 22),
            factor("Chip", 4),
            factor("Run", 8),
        ],
        [
            *(Nesting(outer, "Donor") for outer in ("Sex", "Disease", "Age", "Ethnicity")),
            *crossed("Sex", "Disease"),
            Crossing("Sex", "Age", partial=True),
            Crossing("Disease", "Age", partial=True),
            Aliasing(("Age", "Ethnicity"), partial=True),
            *crossed("Donor", "Stim"),
            Nesting("Donor", "Sample"),
            Nesting("Stim", "Sample"),
            Nesting("Sample", "Cell"),
            Classification("Cell", "CellType"),
            Classification("Cell", "Leiden"),
            BatchEffect("Chip", "Sample"),
            BatchEffect("Run", "Sample"),
        ],
    ),
    "diamond": make_design(
        [factor("Donor", 9), factor("Organ", 3), factor("Visit", 2), factor("Sample"), factor("Cell", 100)],
        [
            Nesting("Donor", "Organ"),
            Nesting("Donor", "Visit"),
            Nesting("Organ", "Sample"),
            Nesting("Visit", "Sample"),
            Nesting("Sample", "Cell"),
        ],
    ),
    "a way round": make_design(
        [factor("Donor", 9), factor("Organ", 3), factor("Piece", 2), factor("Visit", 4), factor("Sample", 5)],
        [*nested("Donor", "Organ", "Piece", "Sample"), *nested("Donor", "Visit", "Sample")],
    ),
    "pairs that do not fit in one run": make_design(
        [factor("A", 2), factor("B", 3), factor("C", 4), factor("D", 5)],
        [*crossed("A", "B"), *crossed("B", "C"), Crossing("C", "D", partial=True)],
    ),
    "crossed with what nests it elsewhere": make_design(
        [factor("Genotype", 2), factor("Mouse", 5), factor("Stim", 3)],
        [Nesting("Genotype", "Mouse"), Crossing("Genotype", "Stim"), Crossing("Mouse", "Stim", partial=True)],
    ),
    "batch of a crossed unit": make_design(
        [factor("Run", 4), factor("Lane", 8), HOSPITAL, PATIENT, TREATMENT, SAMPLE],
        [
            *nested("Hospital", "Patient", "Sample"),
            *crossed("Patient", "Treatment"),
            Nesting("Treatment", "Sample"),
            BatchEffect("Run", "Patient"),
            BatchEffect("Lane", "Sample"),
        ],
    ),
    "batches of batches": make_design(
        [factor("Run", 2), factor("Library", 4), SAMPLE],
        [BatchEffect("Run", "Library"), BatchEffect("Library", "Sample")],
    ),
    "a batch of three": make_design(
        [factor("Run", 2), PATIENT, SAMPLE, factor("Cell", 9)],
        [
            *nested("Patient", "Sample", "Cell"),
            BatchEffect("Run", "Patient"),
            BatchEffect("Run", "Sample"),
            BatchEffect("Run", "Cell"),
        ],
    ),
    "five batches": make_design(
        [*(factor(f"Batch{number}", number + 1) for number in range(5)), PATIENT, SAMPLE],
        [Nesting("Patient", "Sample"), *(BatchEffect(f"Batch{number}", "Sample") for number in range(5))],
    ),
    "confounded batch": make_design(
        [factor("Batch", 2), factor("Condition", 2), SAMPLE],
        [Aliasing(("Batch", "Condition")), Nesting("Condition", "Sample"), BatchEffect("Batch", "Sample")],
    ),
    "many sizes": make_design(
        [factor("Clinic", 40), factor("Patient", *range(100, 140))], [Nesting("Clinic", "Patient")]
    ),
    "odd names": make_design(
        [
            factor("细胞类型", 3),
            factor("cafe\u0301", 2),
            factor("زمرة", 4),
            factor("cell type", 5),
            factor("🧬 batch", 2),
            factor("bad\x1b[31m\n\u202ename", 2),
            factor('say "no"', 2),
        ],
        [
            *nested("细胞类型", "cafe\u0301", "زمرة", 'say "no"'),
            Classification("زمرة", "cell type"),
            BatchEffect("🧬 batch", "cafe\u0301"),
            Crossing("bad\x1b[31m\n\u202ename", "cafe\u0301"),
        ],
    ),
}

DESIGNS = DOCUMENTED | AWKWARD
NAMES = ("Site", "Donor", "Sex", "Drug", "细胞", "cell type", "Sample", "Day", "Chip", "Cell")


@st.composite
def designs(draw: st.DrawFn, most: int = 8) -> Design:
    """Generate designs whose relations do not contradict each other."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, most))]
    counts = st.builds(Count, st.integers(1, 99), st.booleans())
    sizes = st.none() | st.lists(counts, min_size=1, max_size=9).map(tuple)
    factors = [Factor(name, draw(sizes)) for name in names]
    wanted = st.lists(relations(names), max_size=2 * most) if len(names) > 1 else st.just([])
    return consistent(factors, draw(wanted))


@st.composite
def trees(draw: st.DrawFn, most: int = 8) -> Design:
    """Generate designs of units in a tree, each processed in one of at most three batches."""
    units = NAMES[: draw(st.integers(1, most))]
    made: list[Relation] = [
        Nesting(units[draw(st.integers(0, index - 1))], units[index]) for index in range(1, len(units))
    ]
    batches = ["R1", "R2", "R3"][: draw(st.integers(0, 3))]
    made += [BatchEffect(batch, draw(st.sampled_from(units))) for batch in batches]
    return make_design([factor(name, 2) for name in (*units, *batches)], made)


def relations(names: tuple[str, ...]) -> st.SearchStrategy[Relation]:
    """Generate relations; nestings follow the order of the names, so that none of them goes in a circle."""
    pairs = st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True)
    ordered = pairs.map(lambda pair: sorted(pair, key=names.index))
    return st.one_of(
        ordered.map(lambda pair: Nesting(*pair)),
        ordered.map(lambda pair: Nesting(*pair)),
        st.builds(lambda pair, partial: Crossing(*pair, partial=partial), pairs, st.booleans()),
        st.builds(lambda pair, partial: Aliasing(tuple(pair), partial=partial), pairs, st.booleans()),
        pairs.map(lambda pair: Classification(*pair)),
        pairs.map(lambda pair: BatchEffect(*pair)),
    )


def consistent(factors: list[Factor], wanted: list[Relation]) -> Design:
    """Make a design of the relations, leaving out each that contradicts those before it."""
    design = make_design(factors, [])
    kept: list[Relation] = []
    for relation in wanted:
        try:
            design = make_design(factors, [*kept, relation])
        except DesignError:
            continue
        kept.append(relation)
    return design
