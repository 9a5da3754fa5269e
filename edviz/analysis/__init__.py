"""What a design allows: degrees of freedom, strata, estimable comparisons, replication and power."""

from edviz.analysis.units import UnitTable, unit_table

__all__ = ["UnitTable", "unit_table"]
