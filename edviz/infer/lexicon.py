"""What the names of columns and levels suggest about the kind of a factor.

Names are evidence, never proof: the relations come from the codes alone, and every kind that
rests on a name says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edviz.model import Kind


@dataclass(frozen=True)
class Evidence:
    """A reason to take a factor for one of a kind.

    Attributes
    ----------
    kind
        The kind that it speaks for.
    weight
        1 weak, 2 fair, 3 strong.
    text
        The reason, for people.
    """

    kind: Kind
    weight: int
    text: str


WORDS: dict[Kind, frozenset[str]] = {
    "unit": frozenset(
        "donor patient subject individual participant person animal mouse mice rat fish embryo litter organoid sample "
        "samples specimen biosample biopsy hto hashtag slide section replicate rep ident cellline line".split()
    ),
    "treatment": frozenset(
        "treatment treated stim stimulation stimulus drug dose compound perturbation perturb guide grna sgrna cytokine "
        "vaccine diet intervention ko knockout knockdown transfection infection dex exposure therapy target crispr "
        "regimen arm".split()
    ),
    "observational": frozenset(
        "sex gender age disease diagnosis condition status tissue organ source region ethnicity race stage genotype "
        "strain species organism phenotype group bmi smoking smoker severity outcome response timepoint time day days "
        "week weeks month hour hours location fraction area zone layer tumor tumour".split()
    ),
    "batch": frozenset(
        "batch run lane plate library pool chip gemgroup channel flowcell sequencing sequencer date processing "
        "processed chemistry protocol assay platform technology tech method kit dataset study project cohort center "
        "centre institute lab laboratory suspension gem capture prep preparation operator experiment instrument".split()
    ),
    "classification": frozenset(
        "leiden louvain cluster clusters celltype celltypes subtype subclass class annotation annot annotated label "
        "labels lineage phase predicted prediction phenograph doublet singlet clone clonotype locus cdr3 "
        "compartment compartments cellhint state identity type types transfer".split()
    ),
}
"""Words of column names, by the kind that they speak for."""

WEAK_WORDS = frozenset("label labels type types state identity class group status line fraction layer phase".split())
"""Words that say little beside another one: brain_section_label is a section, tissue_type a tissue."""

BOOKKEEPING_COLUMNS = frozenset({"is_primary_data"})
"""Columns that a data portal adds (CELLxGENE schema 3.0 and later)."""

ATTRIBUTE_WORDS = frozenset("sex gender age ethnicity race bmi smoking smoker height weight".split())
"""Words for attributes of a person that most studies record and few are about."""

CELL_LEVEL_WORDS = frozenset("guide grna sgrna perturbation perturb target crispr".split())
"""Words for factors whose levels are given to cells, not to samples."""

PLACE_WORDS = frozenset("region area zone layer".split())
SECTION_WORDS = frozenset("section slide fov puck spot spatial array capture".split())
"""A region is a part of a section where there are sections, and a piece of tissue, a sample, where there are none."""

MOST_LEVELS_OF_A_CONDITION = 6
"""A factor with nearly one level per unit is an attribute of the unit, unless it has as few levels as a condition."""

CONTROL_LEVELS = frozenset(
    "control ctrl ctl untreated untrt trt treated vehicle veh dmso mock placebo pbs nontargeting nt stim stimulated "
    "unstim unstimulated resting naive sham".split()
)
"""Names of levels that only an assigned treatment has."""

CELL_TYPE_WORDS = re.compile(
    r"\bt[- ]?cells?\b|\bb[- ]?cells?\b|\bcells?\b|cyte\b|cytes\b|\bcd\d+|mono|macropha|neuron|fibro|epith|endoth"
    r"|\bnk\b|dendritic|stroma|glia|plasma|blast\b|blasts\b|\bG1\b|\bG2M\b",
    re.IGNORECASE,
)
"""What names of cell types have in common."""

RECEPTOR_COLUMN = re.compile(r"^(IR_)?V(D)?J_\d|_cdr3|^clonotype|_call$|^junction", re.IGNORECASE)
"""Columns of immune-receptor tables (AIRR, scirpy): measured on each cell."""

NO_SAMPLE_LEVELS = frozenset("doublet doublets multiplet negative unassigned ambiguous unknown undetermined".split())
"""Calls of demultiplexing that name no sample (souporcell, vireo, HTODemux, demuxlet)."""

SURELY_MISSING = frozenset({"nan", "na", "<na>", "n/a", "null", ""})
"""Levels that programs write for a missing value, and nobody means as a level."""
MISSING_WORDS = frozenset({"nan", "none", "na", "n/a", "null", "", "missing", "not available", "not applicable"})
"""Levels that spell a missing value."""


def words_of(name: str) -> list[str]:
    """Split a column name into lower-case words: at punctuation, digits and capitals."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return [part.lower() for part in parts]


def evidence_of_name(name: str) -> list[Evidence]:
    """List what the name of a column suggests."""
    words = words_of(name)
    joined = "".join(words)
    if RECEPTOR_COLUMN.search(name):
        return [Evidence("classification", 3, f"{name!r} is a column of an immune-receptor table")]
    if "cell" in words and {"type", "ontology", "class", "state", "label", "subtype", "subclass"} & set(words):
        return [Evidence("classification", 3, f"the name {name!r} speaks of cell types")]
    if name in BOOKKEEPING_COLUMNS:
        return [Evidence("batch", 3, f"{name!r} is a data portal's own column")]
    if "cellline" in joined or words == ["cell"]:
        return [Evidence("unit", 2, f"the name {name!r} speaks of cell lines")]
    found = []
    for kind, vocabulary in WORDS.items():
        hits = [word for word in words if word in vocabulary]
        if joined in vocabulary and joined not in hits:
            hits.append(joined)
        if hits:
            weight = 1 if WEAK_WORDS.issuperset(hits) and len(words) > 1 else 2
            found.append(Evidence(kind, weight, f"the name contains {hits[0]!r}"))
    return found


def evidence_of_levels(levels: Sequence[str]) -> list[Evidence]:
    """List what the names of the levels suggest."""
    found = []
    controls = [level for level in levels if is_control(level)]
    if controls and len(levels) <= 500:
        found.append(Evidence("treatment", 2, f"a level is called {controls[0]!r}"))
    if levels and all(level.strip().lower() in NO_SAMPLE_LEVELS | {"singlet"} for level in levels):
        found.append(Evidence("classification", 3, "the levels are calls of demultiplexing"))
    cell_types = [level for level in levels if CELL_TYPE_WORDS.search(level)]
    if len(cell_types) >= max(2, 0.3 * len(levels)):
        found.append(
            Evidence(
                "classification",
                2,
                f"{len(cell_types)} of {len(levels)} levels read like cell types ({cell_types[0]!r})",
            )
        )
    if len(levels) > 2 and sorted(levels) == sorted(str(index) for index in range(len(levels))):
        found.append(Evidence("classification", 1, "the levels are numbered from 0"))
    return found


def is_control(level: str) -> bool:
    """Whether a level is named like one of an assigned treatment: by its first word, or as a whole."""
    words = words_of(level)
    letters = [word for word in words if not word.isdigit()]
    return "".join(words) in CONTROL_LEVELS or (bool(letters) and letters[0] in CONTROL_LEVELS)


def is_attribute(name: str) -> bool:
    """Whether a name speaks of an attribute that most studies record and few are about."""
    return bool(ATTRIBUTE_WORDS & set(words_of(name)))


def is_given_to_cells(name: str, names: Iterable[str]) -> bool:
    """Whether a name, among those of all columns, speaks of something that differs from cell to cell by design."""
    words = set(words_of(name))
    if words & PLACE_WORDS and not words & SECTION_WORDS:
        return any(SECTION_WORDS & set(words_of(other)) for other in names)
    return bool(CELL_LEVEL_WORDS & words)


def spells_missing(levels: Iterable[str]) -> list[str]:
    """Return the levels that spell a missing value."""
    return [level for level in levels if level.strip().lower() in MISSING_WORDS]


def clarity(name: str) -> tuple[int, int, int, str]:
    """Sort key that puts the clearest name first: a word of design, no technical suffix, short."""
    words = words_of(name)
    known = any(set(words) & vocabulary for vocabulary in WORDS.values())
    technical = any(word in {"id", "term", "ontology", "code", "index", "tmp", "orig"} for word in words)
    return (not known, technical, len(name), name)


def are_numbered(levels: Sequence[str]) -> bool:
    """Whether levels are replicates of fewer things: Ctrl1, Ctrl2, KO1, KO2."""
    stems = {re.sub(r"[\W_]*(rep|replicate)?[\W_]*\d+$", "", level.lower()) for level in levels}
    return len(stems) < len(levels)


def is_generic(levels: Sequence[str], *, but_for_prefix: bool = False) -> bool:
    """Whether levels are bare counters (1, 2, ...; a, b, ...) that could be used again elsewhere.

    With `but_for_prefix` a word before the number (rep1, rep2, ...) is overlooked.
    """
    bare = [level.strip() for level in levels]
    if but_for_prefix:
        bare = [re.sub(r"^[A-Za-z]+[ _-]?(?=\d)", "", level) for level in bare]
    numbers = sorted(int(level) for level in bare if level.isdecimal())
    if len(numbers) == len(levels):
        return numbers in (list(range(len(levels))), list(range(1, len(levels) + 1)))
    letters = sorted(level.lower() for level in bare)
    return letters == [chr(ord("a") + index) for index in range(len(levels))][:26]


REUSED_LABEL_WORDS = frozenset("rep replicate cask well index".split())
"""Names of columns whose labels are often used again under another parent."""

REUSED_WITHIN = {
    "lane": frozenset("run flowcell sequencing chip".split()),
    "hashtag": frozenset("lane pool library batch gem gemgroup run channel well".split()),
}
REUSED_WITHIN["hto"] = REUSED_WITHIN["hashtag"]
"""Names of columns whose labels are used again under parents of some names only."""
POOL_WORDS = frozenset("pool lane library batch run gem gemgroup channel well".split())

REPLICATION_WORDS = frozenset("rep replicate site farm field location".split())
"""Names of columns under which blocks and plots are counted anew."""


def is_counted_anew(name: str, parent: str) -> bool:
    """Whether the names of two columns suggest that the labels of the first start anew in the second."""
    words, above = set(words_of(name)), set(words_of(parent))
    if any(word in words and above & parents for word, parents in REUSED_WITHIN.items()):
        return True
    return bool(words & REUSED_LABEL_WORDS or (words & {"block", "plot"} and REPLICATION_WORDS & above))


def is_numbered_by_demultiplexing(name: str, levels: Sequence[str], parent: str) -> bool:
    """Whether levels such as donor0, donor1 are those that vireo or souporcell give within each pool."""
    words = set(words_of(name)) & {"donor", "individual", "genotype", "cluster", "assignment"}
    numbered = all(re.fullmatch(r"(donor|individual|cluster)?[ _-]?\d+", level.lower()) for level in levels)
    starts_at_0 = any(re.fullmatch(r"\D*0", level) for level in levels)
    return bool(words) and numbered and starts_at_0 and bool(POOL_WORDS & set(words_of(parent)))
