"""Which convention a file follows, and which program may have written it."""

from __future__ import annotations

from collections.abc import Iterator

import h5py

from edviz.contents import Encoding, SchemaHint
from edviz.h5ad.columns import Labelled, Plain
from edviz.h5ad.frame import LEVEL_TABLES, Frame
from edviz.h5ad.parts import (
    attribute,
    find_dataset,
    find_group,
    find_part,
    part_names,
    text_attribute,
)
from edviz.h5ad.reader import H5adFile
from edviz.h5ad.sampling import texts_or_none
from edviz.h5ad.strings import harmless
from edviz.h5ad.values import read_text

ONTOLOGY_SUFFIX = "_ontology_term_id"
FEWEST_ONTOLOGY_COLUMNS = 3
RECEPTOR_PREFIXES = ("IR_VJ_", "IR_VDJ_")
SEURAT_COLUMNS = ("orig.ident", "nCount_RNA", "nFeature_RNA")
HTAN_PREFIX = "HTA"


def describe_encoding(h5ad: H5adFile, var: Frame | None) -> Encoding:
    """Describe how a file is encoded, and guess who wrote it."""
    kind, version = (text_attribute(h5ad.root, f"encoding-{what}") for what in ("type", "version"))
    root = None if kind is None else harmless(f"{kind} {version}" if version else kind)
    return Encoding(root, h5ad.obs.encoding, None if var is None else var.encoding, _writer(h5ad, root))


def schema_hints(h5ad: H5adFile) -> tuple[SchemaHint, ...]:
    """List the conventions that a file seems to follow."""
    columns = [column.name for column in h5ad.obs.columns]
    hints = (_cellxgene(h5ad, columns), _htan(h5ad), _receptors(h5ad, columns), _seurat(columns), _spatial(h5ad))
    return tuple(hint for hint in hints if hint is not None)


def _writer(h5ad: H5adFile, root: str | None) -> str:
    obs = find_group(h5ad.root, "obs")
    if obs is None:
        return "anndata 0.4-0.6"
    if h5ad.obs.encoding == "dataframe 0.1.0":
        return "SeuratDisk" if _has_tables_without_reference(obs) else "anndata 0.7"
    if _has_index_type(obs):
        return "snapatac2"
    if any(_is_three_valued(column) for column in _groups_in(obs)):
        return "anndataR"
    index = None if h5ad.obs.index is None else h5ad.obs.index.content
    if isinstance(index, Plain) and index.mask is not None:
        return "anndata 0.13 or later"
    if h5ad.obs.encoding == "dataframe 0.2.0":
        return "anndata 0.8 or later" if root else "not anndata itself: the root has no encoding"
    return "unknown: obs has no encoding attributes"


def _has_tables_without_reference(obs: h5py.Group) -> bool:
    tables = find_group(obs, LEVEL_TABLES)
    names = [] if tables is None else part_names(tables)
    codes = filter(None, (find_dataset(obs, name) for name in names))
    return any(attribute(column, "categories") is None for column in codes)


def _has_index_type(obs: h5py.Group) -> bool:
    index = find_part(obs, text_attribute(obs, "_index") or "_index")
    return index is not None and attribute(index, "index_type") is not None


def _groups_in(obs: h5py.Group) -> Iterator[h5py.Group]:
    return filter(None, (find_group(obs, name) for name in part_names(obs)))


def _is_three_valued(column: h5py.Group) -> bool:
    """Say whether `ordered` is the logical of R, which can be NA."""
    try:
        members = h5py.check_enum_dtype(column.attrs.get_id("ordered").dtype)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError):
        return False
    return members is not None and "NA" in members


def _cellxgene(h5ad: H5adFile, columns: list[str]) -> SchemaHint | None:
    uns = find_group(h5ad.root, "uns")
    version = None if uns is None else read_text(find_dataset(uns, "schema_version"))
    reference = None if uns is None else read_text(find_dataset(uns, "schema_reference"))
    n = sum(name.endswith(ONTOLOGY_SUFFIX) for name in columns)
    if n < FEWEST_ONTOLOGY_COLUMNS and (version is None or "cellxgene" not in (reference or "")):
        return None
    stated = f"uns/schema_version is {version}, " if version else ""
    return SchemaHint("CELLxGENE", version, f"{stated}{n} columns of obs end in {ONTOLOGY_SUFFIX}")


def _htan(h5ad: H5adFile) -> SchemaHint | None:
    column = h5ad.obs.column("donor_id")
    if column is None or not isinstance(column.content, Labelled):
        return None
    donors = texts_or_none(column.content)
    matching = [donor for donor in donors if donor.startswith(HTAN_PREFIX) and "_" in donor]
    if not donors or len(matching) < len(donors):
        return None
    return SchemaHint("HTAN", None, f"donor_id has HTAN participants such as {matching[0]}")


def _receptors(h5ad: H5adFile, columns: list[str]) -> SchemaHint | None:
    n = sum(name.startswith(RECEPTOR_PREFIXES) for name in columns)
    if n:
        return SchemaHint("scirpy", None, f"{n} columns of obs begin with {' or '.join(RECEPTOR_PREFIXES)}")
    return SchemaHint("scirpy", None, "obsm has airr") if "airr" in h5ad.names("obsm") else None


def _seurat(columns: list[str]) -> SchemaHint | None:
    found = [name for name in SEURAT_COLUMNS if name in columns]
    return SchemaHint("Seurat", None, f"obs has {', '.join(found)}") if len(found) > 1 else None


def _spatial(h5ad: H5adFile) -> SchemaHint | None:
    found = [f"{place}/spatial" for place in ("obsm", "uns") if "spatial" in h5ad.names(place)]
    return SchemaHint("spatial", None, f"the file has {' and '.join(found)}") if found else None
