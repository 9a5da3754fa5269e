"""Designs compared: what is the same, what differs, how alike they are, and whether their data could be pooled.

statements.py   what a design says, as single statements that can be counted
matching.py     which factor of one design is which of the other
comparing.py    two designs side by side
pooling.py      whether their data could be analysed together
traits.py       what a table of designs shows of each
where.py        a condition that picks designs out of a table
"""

from edviz.comparison.comparing import Comparison, compare_designs
from edviz.comparison.subject import Subject, subject_of
from edviz.comparison.table import ComparisonTable, compare_all
from edviz.comparison.traits import Traits, traits_of
from edviz.comparison.where import Condition, read_condition

__all__ = [
    "Comparison",
    "ComparisonTable",
    "Condition",
    "Subject",
    "Traits",
    "compare_all",
    "compare_designs",
    "read_condition",
    "subject_of",
    "traits_of",
]
