"""Species from records, ids and symbols."""

import h5py
import pytest

from edviz.h5ad import summarise
from edviz.h5ad.species import species_of_ids, species_of_symbols
from tests.h5ad.files import write_categorical, write_frame, write_texts

HUMAN = (
    "CD3D ACTB MALAT1 MT-CO1 HLA-DRB1 C1orf112 AL627309.1 LINC00115 GAPDH B2M RPS4Y1 XIST FAM41C NOC2L ISG15".split()
)
MOUSE = (
    "Cd3d Actb Malat1 mt-Co1 H2-K1 Gm1234 4833423E24Rik A830018L16Rik Gapdh B2m Xist Isg15 Adcyap1 Sox2 Pax6".split()
)
FISH = "cd4-1 actb1 malat1 mt-co1 sox2 pax6a zgc:123456 si:dkey-1a2.3 gapdh b2m isg15 her4.1 fosab hbbe1.1 krt4".split()
FLY = "CG9894 mt:CoI lncRNA:roX1 Act5C bcd eve ftz hb Kr kni tll gt Ubx Antp CG31516".split()
MORE = [f"{stem}{end}" for stem in ("AB", "CD", "EF") for end in ("X1", "Y2")]


def _styled(names, extra):
    return names + [extra(name) for name in MORE]


SYMBOLS = {
    "human": (_styled(HUMAN, str.upper), "human"),
    "mouse": (_styled(MOUSE, str.capitalize), "mouse"),
    "zebrafish": (_styled(FISH, str.lower), "zebrafish"),
    "fly": (_styled(FLY, str.capitalize), "fly"),
    "no style": (HUMAN[:8] + MOUSE[:8] + FISH[:8], None),
    "too few": (HUMAN[:10], None),
    "numbers in place of names": ([f"GENE{number}" for number in range(100)], None),
    "only numbers": ([str(number) for number in range(100)], None),
    "nothing": ([], None),
}

IDS = {
    "human": ([f"ENSG{number:011}" for number in range(10)], "human", "10 of 10 gene ids begin with ENSG"),
    "with versions": ([f"ENSG{number:011}.2" for number in range(10)], "human", "ENSG"),
    "mouse with a few spikes": (
        [f"ENSMUSG{number:011}" for number in range(95)] + [f"ERCC-{number:05}" for number in range(5)],
        "mouse",
        "95 of 100 gene ids begin with ENSMUSG",
    ),
    "zebrafish": ([f"ENSDARG{number:011}" for number in range(10)], "zebrafish", "ENSDARG"),
    "fly": ([f"FBgn{number:07}" for number in range(10)], "fly", "FBgn"),
    "rat": ([f"ENSRNOG{number:011}" for number in range(10)], "unknown", "ENSRNOG: not human, mouse, zebrafish or fly"),
    "two genomes": (
        [f"GRCh38_ENSG{number:011}" for number in range(50)] + [f"mm10___ENSMUSG{number:011}" for number in range(50)],
        "unknown",
        "more than one species: 50 of 100 gene ids begin with ENSG, 50 of 100 gene ids begin with ENSMUSG",
    ),
}


@pytest.mark.parametrize("case", SYMBOLS)
def test_symbols_tell_the_species_by_their_style(case):
    names, expected = SYMBOLS[case]
    species = species_of_symbols(names)
    assert (species and species.name) == expected


@pytest.mark.parametrize("case", IDS)
def test_ids_tell_the_species_by_their_prefix(case):
    names, expected, evidence = IDS[case]
    species = species_of_ids(names)
    assert species.name == expected
    assert evidence in species.evidence


def test_names_that_are_no_ids_do_not_tell():
    assert species_of_ids(HUMAN) is None


RECORDS = {
    "term in obs": ({"organism_ontology_term_id": ["NCBITaxon:7227"]}, {}, "fly"),
    "term in uns": ({}, {"organism_ontology_term_id": "NCBITaxon:7955"}, "zebrafish"),
    "label in obs": ({"organism": ["Mus musculus"]}, {}, "mouse"),
    "label in uns": ({}, {"organism": "Homo sapiens (human)"}, "human"),
    "another species": ({"organism": ["Rattus norvegicus"]}, {}, "unknown"),
    "a mouse lemur": ({"organism": ["mouse lemur"]}, {}, "unknown"),
    "a record that says nothing": ({"organism": ["unknown"]}, {}, "human"),
    "two species": ({"organism": ["Mus musculus", "Homo sapiens"]}, {}, "unknown"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_records_come_before_gene_names(case, tmp_path):
    columns, uns, expected = RECORDS[case]
    with h5py.File(tmp_path / "species.h5ad", "w") as file:
        obs = write_frame(file, "obs", 4)
        for name, levels in columns.items():
            write_categorical(obs, name, [0, len(levels) - 1] * 2, [*levels, "Danio rerio"])
        for name, text in uns.items():
            file[f"uns/{name}"] = text
        var = write_frame(file, "var", 20)
        write_texts(var, "gene_ids", [f"ENSG{number:011}" for number in range(20)])
    assert summarise(tmp_path / "species.h5ad").species.name == expected


def test_levels_of_the_organism_that_do_not_occur_do_not_count(tmp_path):
    with h5py.File(tmp_path / "species.h5ad", "w") as file:
        write_categorical(write_frame(file, "obs", 2), "organism", [1, 1], ["Homo sapiens", "Mus musculus"])
    species = summarise(tmp_path / "species.h5ad").species
    assert (species.name, species.evidence) == ("mouse", "obs/organism is Mus musculus")
