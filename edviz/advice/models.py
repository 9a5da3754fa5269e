"""Models of a comparison, written in the syntax of the libraries that fit them.

Two kinds of models answer a comparison of a single-cell experiment. On pseudobulk samples, counts summed per unit, a
negative binomial model with blocks as fixed effects (Crowell et al. 2020; Squair et al. 2021). On observations, a mixed
model with units and blocks as random effects, so that observations of one unit are no replicates (Zimmerman et al.
2021). Which terms are needed is a matter of the design; how they are written is a matter of the library, and of R or
Python: names that are not syntactic are quoted, and numbers that stand for levels are said to be levels.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from edviz.advice.conditions import ConditionAdvice
from edviz.counting.rows import n_distinct
from edviz.infer.facts import Facts
from edviz.infer.pair_tables import combine

Rows = Literal["pseudobulk", "observations", "rows"]
Term = tuple[str, ...]
"""Factors whose combinations of levels are meant."""

R_RESERVED = frozenset(
    "if else repeat while function for in next break TRUE FALSE NULL Inf NaN NA NA_integer_ NA_real_ "
    "NA_character_".split()
)
UNIT_COLUMN, ONE_GROUP, NUMBER_IN_GROUP = "unit", "all_rows", "nth"
"""Columns that a model needs and that the table does not have yet."""


@dataclass(frozen=True)
class ModelTerms:
    """What the model of one comparison is made of.

    Attributes
    ----------
    condition
        The factor that is compared.
    fixed
        Terms that are adjusted for as fixed effects in every model: other conditions, batches.
    blocks
        Units within which the condition varies, coarse to fine: fixed on pseudobulk samples, random on observations.
    random_only
        Blocks that leave no degree of freedom as fixed effects, so that only models on observations have them.
    unit
        The experimental unit; () if every row is one.
    between
        Units that lie between the experimental unit and the samples, such as patients of a hospital; coarse to fine.
    samples
        The finest unit, where it lies below the experimental unit and rows are observations of it; () otherwise.
    nested
        Whether the random terms form a chain, each nested in the one before.
    numbers
        Factors that are stored as numbers.
    made
        For each factor that is no column, the columns whose combinations it is.
    """

    condition: str
    fixed: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    random_only: tuple[str, ...] = ()
    unit: Term = ()
    between: tuple[str, ...] = ()
    samples: Term = ()
    nested: bool = True
    numbers: frozenset[str] = frozenset()
    made: Mapping[str, Term] = field(default_factory=dict)

    @property
    def random(self) -> tuple[Term, ...]:
        """Random terms of a model on observations, coarse to fine."""
        names = [*self.blocks, *self.random_only]
        terms = [*((name,) for name in names), self.unit, *((name,) for name in self.between), self.samples]
        columns = (tuple(part for name in term for part in self.made.get(name, (name,))) for term in terms if term)
        return tuple(dict.fromkeys(tuple(dict.fromkeys(term)) for term in columns))


@dataclass(frozen=True)
class Model:
    """One model in the syntax of one library.

    Attributes
    ----------
    library
        As the library calls itself.
    language
        Of the formula.
    rows
        What a row of the fitted table is: a pseudobulk sample, an observation, or a row of obs that is a sample.
    formula
        The formula alone.
    call
        A call that fits it, ready to paste; `samples`, `cells`, `counts` and `y` are the user's.
    """

    library: str
    language: Literal["R", "Python"]
    rows: Rows
    formula: str
    call: str


def model_terms(facts: Facts, advice: ConditionAdvice) -> ModelTerms:
    """Say what the model of a condition is made of."""
    finest = facts.unit.columns if facts.unit is not None else ()
    of_units = [name for name in advice.terms if facts.kinds[name] == "unit"]
    blocks = sorted(of_units, key=facts.n_levels)
    only = [name for name in advice.blocks if facts.kinds[name] == "unit" and name not in of_units]
    samples = finest if advice.unit and finest != advice.unit and not _refines(facts, advice.unit, finest) else ()
    nested = facts.nested
    terms = ModelTerms(
        condition=advice.condition,
        fixed=tuple(name for name in advice.terms if name not in of_units),
        blocks=tuple(blocks),
        random_only=tuple(sorted(only, key=facts.n_levels)),
        unit=advice.unit,
        between=_between(facts, advice, samples),
        samples=samples,
        numbers=frozenset(name for name in (*advice.terms, advice.condition) if _is_number(facts, name)),
        made={} if nested is None else {nested.combined: (*nested.parents, nested.label)},
    )
    chain = all(_refines(facts, fine, coarse) for coarse, fine in pairwise(terms.random))
    return replace(terms, nested=chain)


def models(terms: ModelTerms) -> tuple[Model, ...]:
    """Write the model of a comparison for every library.

    Parameters
    ----------
    terms
        What it is made of; the condition is to be estimable given the fixed terms and blocks.

    Returns
    -------
    On pseudobulk samples, or on rows that are samples: DESeq2, edgeR, PyDESeq2. On observations, where there are
    units that they belong to: lme4, glmmTMB, statsmodels.
    """
    return (*_on_samples(terms), *(_on_observations(terms) if terms.unit else ()))


def model_in_groups(terms: ModelTerms, group: str, block: str) -> Model:
    """Write the model for the effect of a condition in each group of blocks, as of donors by disease.

    Blocks nested in groups cannot be fixed effects beside the groups. Numbered anew in each group they can (DESeq2
    vignette, "Group-specific condition effects, individuals nested within groups"); columns that are zero because
    groups hold different numbers of blocks are dropped.

    Parameters
    ----------
    terms
        Of the condition.
    group
        A condition that is constant within blocks.
    block
        The blocks.
    """
    written = _r_factor(terms)
    grouped, nth = written(group), f"factor({NUMBER_IN_GROUP})"
    formula = f"~ {grouped} + {grouped}:{nth} + {grouped}:{written(terms.condition)}"
    in_block, in_group = f"factor(samples[[{r_text(block)}]])", f"samples[[{r_text(group)}]]"
    numbering = f"ave(as.integer({in_block}), {in_group}, FUN = function(x) as.integer(factor(x)))"
    call = "\n".join(
        [
            f"samples${NUMBER_IN_GROUP} <- {numbering}",
            f"design <- model.matrix({formula}, samples)",
            "design <- design[, colSums(design != 0) > 0]",
            "DESeqDataSetFromMatrix(counts, samples, design = design)",
        ]
    )
    return Model("DESeq2", "R", "pseudobulk" if terms.unit else "rows", formula, call)


def r_text(text: str) -> str:
    """Write a text as R does.

    >>> print(r_text('a "b"'))
    "a \\"b\\""
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def r_name(name: str) -> str:
    """Write a column name as R wants it.

    >>> r_name("donor_id"), r_name("cell type"), r_name("in")
    ('donor_id', '`cell type`', '`in`')
    """
    if re.fullmatch(r"(?:[A-Za-z]|\.(?![0-9]))[A-Za-z0-9._]*", name) and name not in R_RESERVED:
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def python_name(name: str) -> str:
    """Write a column name as formulaic and patsy want it.

    >>> python_name("donor_id"), python_name("cell type"), python_name("a.b")
    ('donor_id', 'Q("cell type")', 'Q("a.b")')
    """
    if name.isidentifier() and not keyword.iskeyword(name) and name not in ("C", "Q", "I"):
        return name
    # Both readers of formulas take quotes and backticks inside a text for their own.
    escaped = re.sub(r'["`\\\x00-\x1f]', lambda match: f"\\x{ord(match[0]):02x}", name)
    return f'Q("{escaped}")'


def _on_samples(terms: ModelTerms) -> tuple[Model, ...]:
    rows: Rows = "pseudobulk" if terms.unit else "rows"
    names = [*terms.fixed, *terms.blocks, terms.condition]
    in_r = "~ " + _sum(names, _r_factor(terms))
    in_python = "~ " + _sum(names, _python_factor(terms))
    return (
        Model("DESeq2", "R", rows, in_r, f"DESeqDataSetFromMatrix(counts, samples, design = {in_r})"),
        Model("edgeR, limma", "R", rows, in_r, f"model.matrix({in_r}, data = samples)"),
        Model(
            "PyDESeq2",
            "Python",
            rows,
            in_python,
            f"DeseqDataSet(counts=counts, metadata=samples, design={in_python!r})",
        ),
    )


def _on_observations(terms: ModelTerms) -> tuple[Model, ...]:
    names = [*terms.fixed, terms.condition]
    fixed = _sum(names, _r_factor(terms))
    random = " + ".join(f"(1 | {':'.join(map(r_name, term))})" for term in terms.random)
    lme4 = f"y ~ {fixed} + {random}"
    glmmtmb = f"y ~ {fixed} + offset(log(total_counts)) + {random}"
    python = "y ~ " + _sum(names, _python_factor(terms))
    return (
        Model("lme4", "R", "observations", lme4, f"lmer({lme4}, data = cells)"),
        Model("glmmTMB", "R", "observations", glmmtmb, f"glmmTMB({glmmtmb}, data = cells, family = nbinom2)"),
        Model("statsmodels", "Python", "observations", python, _mixedlm(python, terms)),
    )


def _mixedlm(formula: str, terms: ModelTerms) -> str:
    """Write a mixed model for statsmodels, which has one grouping factor and takes the rest as variance components."""
    coarsest, *finer = terms.random
    lines = []
    if not terms.nested:
        lines.append(f'cells["{ONE_GROUP}"] = 1')
        coarsest, finer = (ONE_GROUP,), list(terms.random)
    elif len(coarsest) > 1:
        parts = ' + ":" + '.join(f"cells[{name!r}].astype(str)" for name in coarsest)
        lines.append(f'cells["{UNIT_COLUMN}"] = {parts}')
        coarsest = (UNIT_COLUMN,)
    components = {":".join(term): "0 + " + ":".join(f"C({python_name(name)})" for name in term) for term in finer}
    within = f", vc_formula={components!r}" if components else ""
    lines.append(f"smf.mixedlm({formula!r}, cells, groups={coarsest[0]!r}{within}).fit()")
    return "\n".join(lines)


def _between(facts: Facts, advice: ConditionAdvice, samples: Term) -> tuple[str, ...]:
    """Return the units that are finer than the experimental unit and coarser than the samples, one of equal ones."""
    if not samples or not advice.unit:
        return ()
    found: list[str] = []
    for name in sorted(facts.names, key=facts.n_levels):
        is_unit = facts.is_unit_level(name) and facts.kinds[name] == "unit" and (name,) not in (advice.unit, samples)
        equal = any(other in facts.same_as[name] for other in (*found, *advice.unit, *samples))
        if is_unit and not equal and _refines(facts, (name,), advice.unit) and _refines(facts, samples, (name,)):
            found.append(name)
    return tuple(found)


def _is_number(facts: Facts, name: str) -> bool:
    return facts.tables.table.listing.column(name).kind in ("integer", "float")


def _refines(facts: Facts, fine: Term, coarse: Term) -> bool:
    """Whether each unit of one term lies in one of another."""
    inner = combine([facts.codes(name) for name in fine])
    return n_distinct(combine([facts.codes(name) for name in (*coarse, *fine)])) == n_distinct(inner)


def _sum(names: Sequence[str], written: Callable[[str], str]) -> str:
    return " + ".join(map(written, dict.fromkeys(names)))


def _r_factor(terms: ModelTerms) -> Callable[[str], str]:
    def written(name: str) -> str:
        parts = [f"factor({r_name(part)})" if part in terms.numbers else r_name(part) for part in _parts(terms, name)]
        return ":".join(parts)

    return written


def _python_factor(terms: ModelTerms) -> Callable[[str], str]:
    def written(name: str) -> str:
        names = [(part, python_name(part)) for part in _parts(terms, name)]
        return ":".join(f"C({quoted})" if part in terms.numbers else quoted for part, quoted in names)

    return written


def _parts(terms: ModelTerms, name: str) -> Term:
    return terms.made.get(name, (name,))
