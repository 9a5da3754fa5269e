"""Counting which levels of many columns occur together, in one pass over the observations."""

from edviz.counting.blocks import ArraySource, OutgrownError, Source
from edviz.counting.counts import ROW_NUMBER, Counted, Counts, count, with_codings, with_row_numbers
from edviz.counting.rows import Coding, Ints, Rows

__all__ = [
    "ROW_NUMBER",
    "ArraySource",
    "Coding",
    "Counted",
    "Counts",
    "Ints",
    "OutgrownError",
    "Rows",
    "Source",
    "count",
    "with_codings",
    "with_row_numbers",
]
