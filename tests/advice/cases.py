"""Small tables with a given design, as inferred."""

from edviz.h5ad import read_factors
from edviz.infer import Overrides, infer_design
from edviz.table import table_of
from tests.h5ad.files import shared_file

CELLS_A_ROW = 10


def of_file(name, **overrides):
    return infer_design(read_factors(shared_file(name)), Overrides(**overrides))


def of_columns(kinds=None, unit=(), **columns):
    """A table with ten cells for each character of the columns, or each entry of a list."""
    repeated = {name: [value for value in values for _ in range(CELLS_A_ROW)] for name, values in columns.items()}
    return infer_design(table_of(repeated), Overrides(kinds=kinds or {}, unit=unit))
