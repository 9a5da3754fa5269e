"""Which species a file is of: what it says itself, or what its gene names look like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edviz.contents import Species, SpeciesName
from edviz.h5ad.codes import column_codes, read_level_names, tally
from edviz.h5ad.columns import Labelled
from edviz.h5ad.frame import Frame
from edviz.h5ad.parts import PartError, find_dataset, find_group
from edviz.h5ad.reader import H5adFile
from edviz.h5ad.sampling import sample_texts, texts_or_none
from edviz.h5ad.values import read_text

TAXA: dict[str, SpeciesName] = {
    "NCBITaxon:9606": "human",
    "NCBITaxon:10090": "mouse",
    "NCBITaxon:7955": "zebrafish",
    "NCBITaxon:7227": "fly",
}
LABELS: dict[str, SpeciesName] = {
    "homo sapiens": "human",
    "human": "human",
    "mus musculus": "mouse",
    "mouse": "mouse",
    "danio rerio": "zebrafish",
    "zebrafish": "zebrafish",
    "drosophila melanogaster": "fly",
    "fruit fly": "fly",
}
ID_PREFIXES: dict[str, SpeciesName] = {"ENSG": "human", "ENSMUSG": "mouse", "ENSDARG": "zebrafish", "FBgn": "fly"}
ID_PATTERN = re.compile(r"(?:.*_)?(ENS[A-Z]*G|FBgn)\d{5,}(?:\.\d+)?")
"""A gene id, after the name of a genome where several were measured together."""

ID_COLUMNS = ("gene_ids", "gene_id", "ensembl_id", "feature_id", "ensembl", "ID")
NAME_COLUMNS = ("feature_name", "gene_name", "gene_names", "gene_symbols", "gene_symbol", "features", "name")

NO_RECORD = ("", "na", "nan", "none", "unknown")
ID_SHARE = 0.5
MIXED_SHARE = 0.1
STYLE_SHARE = 0.7
FEWEST_NAMES = 20
NUMBERED = re.compile(r"(.*?)[-_.]?\d+")
MOST_NUMBERED_SHARE = 0.5


@dataclass(frozen=True)
class Style:
    """How the gene symbols of a species are written."""

    species: SpeciesName
    pattern: re.Pattern[str]
    words: str


STYLES = (
    Style("fly", re.compile(r"(CG|CR)\d{4,}|(mt|lncRNA|asRNA|snoRNA|tRNA|mir):.+"), "written like CG9894 or mt:CoI"),
    Style("human", re.compile(r"(?=.*[A-Z])[A-Z0-9][A-Z0-9.\-]*(orf\d+)?"), "upper case like CD3D"),
    Style("mouse", re.compile(r"\w+Rik|(mt-)?[A-Z][a-z0-9.\-]*[a-z][a-z0-9.\-]*"), "capitalised like Cd3d"),
    Style("zebrafish", re.compile(r"[a-z][a-z0-9.:_\-]*(\.\d+)?"), "lower case like cd4-1"),
)
FLY_SHARE = 0.05
"""Most fly symbols follow no pattern, but so many of them have one that nothing else has."""


def recognise_species(h5ad: H5adFile, var: Frame | None) -> Species:
    """Tell the species from what the file records, else from gene ids, else from the style of gene symbols."""
    return (
        _recorded(h5ad)
        or (_of_ids(var) or _of_symbols(var) if var is not None else None)
        or Species("unknown", "no organism is recorded and there are no gene ids or symbols that tell")
    )


def species_of_ids(names: list[str]) -> Species | None:
    """Tell the species from the prefixes of gene ids, or return None if most names are no ids."""
    matches = filter(None, map(ID_PATTERN.fullmatch, names))
    prefixes = Counter(match[1] for match in matches)
    if not names or prefixes.total() < ID_SHARE * len(names):
        return None
    seen = ", ".join(
        f"{n:,} of {len(names):,} gene ids begin with {prefix}"
        for prefix, n in prefixes.most_common()
        if n >= MIXED_SHARE * len(names)
    )
    found = {ID_PREFIXES.get(prefix, "unknown") for prefix, n in prefixes.items() if n >= MIXED_SHARE * len(names)}
    return _one_of(found, seen)


def species_of_symbols(names: list[str]) -> Species | None:
    """Tell the species from the style of gene symbols, or return None if no style prevails."""
    if len(names) < FEWEST_NAMES or _are_numbered(names):
        return None
    for style in STYLES:
        n = sum(style.pattern.fullmatch(name) is not None for name in names)
        if n >= (FLY_SHARE if style.species == "fly" else STYLE_SHARE) * len(names):
            return Species(style.species, f"{n:,} of {len(names):,} gene names are {style.words}")
    return None


def _recorded(h5ad: H5adFile) -> Species | None:
    """Read the organism as the CELLxGENE schema records it, in obs or since version 6 in uns."""
    for name, known in (("organism_ontology_term_id", _species_of_taxon), ("organism", _species_of_label)):
        for place, texts in ((f"obs/{name}", _texts_of_obs(h5ad, name)), (f"uns/{name}", _text_of_uns(h5ad, name))):
            if texts:
                found = {known(text) for text in texts}
                return _one_of(found, f"{place} is {', '.join(texts[:5])}{_label_beside(h5ad, name)}")
    return None


def _species_of_taxon(text: str) -> SpeciesName:
    return TAXA.get(text, "unknown")


def _species_of_label(text: str) -> SpeciesName:
    """Look a label up, or a name of two words in it; `mouse` counts only alone, for there are mouse lemurs."""
    label = text.lower()
    for known, species in LABELS.items():
        if label == known or (" " in known and known in label):
            return species
    return "unknown"


def _label_beside(h5ad: H5adFile, name: str) -> str:
    labels = _texts_of_obs(h5ad, "organism") or _text_of_uns(h5ad, "organism")
    return f" ({', '.join(labels[:5])})" if labels and name != "organism" else ""


def _one_of(found: set[SpeciesName], seen: str) -> Species:
    if len(found) > 1:
        return Species("unknown", f"more than one species: {seen}")
    name = found.pop()
    return Species(name, seen if name != "unknown" else f"{seen}: not human, mouse, zebrafish or fly")


def _texts_of_obs(h5ad: H5adFile, name: str) -> list[str]:
    column = h5ad.obs.column(name)
    try:
        if column is not None and isinstance(column.content, Labelled):
            return _said(_levels_that_occur(column.content, h5ad.obs.n))
        return [] if column is None else _said(sorted(set(sample_texts(column.content))))
    except PartError:
        return []


def _levels_that_occur(content: Labelled, n_obs: int) -> list[str]:
    if len(content.codes) != n_obs:
        return []
    counts, _ = tally(column_codes(content, n_obs))
    names = read_level_names(content, n_obs)
    return [names[code] for code in np.flatnonzero(counts)]


def _text_of_uns(h5ad: H5adFile, name: str) -> list[str]:
    uns = find_group(h5ad.root, "uns")
    text = None if uns is None else read_text(find_dataset(uns, name))
    return [] if text is None else _said([text])


def _said(texts: list[str]) -> list[str]:
    return [text for text in texts if text.lower() not in NO_RECORD]


def _of_ids(var: Frame) -> Species | None:
    return next(filter(None, map(species_of_ids, _name_lists(var, ID_COLUMNS))), None)


def _of_symbols(var: Frame) -> Species | None:
    return next(filter(None, map(species_of_symbols, _name_lists(var, NAME_COLUMNS))), None)


def _name_lists(var: Frame, names: tuple[str, ...]) -> Iterator[list[str]]:
    candidates = (var.index, *map(var.column, names))
    return (texts_or_none(column.content) for column in candidates if column is not None)


def _are_numbered(names: list[str]) -> bool:
    """Say whether most names are one stem with numbers, such as gene1, gene2, which only stand in for names."""
    stems = Counter(match[1] for match in map(NUMBERED.fullmatch, names) if match)
    return bool(stems) and stems.most_common(1)[0][1] > MOST_NUMBERED_SHARE * len(names)
