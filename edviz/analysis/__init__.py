"""What a design allows: degrees of freedom, strata, estimable comparisons, replication and power."""

from edviz.analysis.estimability import (
    Comparison,
    Effect,
    Interaction,
    ModelRank,
    by_adjustment,
    comparison,
    effect,
    effects,
    interaction,
    interactions,
    model_rank,
)
from edviz.analysis.experimental_units import Blocking, Replication, replication
from edviz.analysis.fractional import DefiningRelation, defining_relation
from edviz.analysis.hasse import Element, Lattice, hasse_text, lattice
from edviz.analysis.mean_squares import (
    AnovaRow,
    ExpectedMeanSquare,
    ExpectedMeanSquares,
    analysis_of_variance,
    expected_mean_squares,
)
from edviz.analysis.orthogonality import Balance, PairBalance, balance, pair_balance
from edviz.analysis.strata import Anatomy, Source, Stratum, anatomy
from edviz.analysis.structure import Formula, terms_of
from edviz.analysis.units import Term, UnitTable, unit_table

__all__ = [
    "Anatomy",
    "AnovaRow",
    "Balance",
    "Blocking",
    "Comparison",
    "DefiningRelation",
    "Effect",
    "Element",
    "ExpectedMeanSquare",
    "ExpectedMeanSquares",
    "Formula",
    "Interaction",
    "Lattice",
    "ModelRank",
    "PairBalance",
    "Replication",
    "Source",
    "Stratum",
    "Term",
    "UnitTable",
    "analysis_of_variance",
    "anatomy",
    "balance",
    "by_adjustment",
    "comparison",
    "defining_relation",
    "effect",
    "effects",
    "expected_mean_squares",
    "hasse_text",
    "interaction",
    "interactions",
    "lattice",
    "model_rank",
    "pair_balance",
    "replication",
    "terms_of",
    "unit_table",
]
