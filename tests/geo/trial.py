"""Servers like those of GEO to try commands by hand: `python -m tests.geo.trial` says which variables name them.

What they know is invented, but the files are real: those of `shared/h5ad`.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.geo.files_server import FilesServer
from tests.geo.server import EutilsServer, series
from tests.h5ad.files import SHARED

REAL = SHARED


def fill(files: FilesServer) -> None:
    """Put four invented series there: with one .h5ad file, with several, with those of samples only, with none."""
    kang, lung = (REAL / "kang_pbmc_stim_ctrl_14039.h5ad").read_bytes(), (REAL / "lung_lca_3donors_2methods.h5ad")
    small = (REAL / "krumsiek11_nullable.h5ad").read_bytes()
    files.add("GSE999001", "GSE999001_pbmc.h5ad", kang)
    files.add("GSE999001", "GSE999001_metadata.csv.gz", gzip.compress(b"cell,donor\n"))
    files.add("GSE999002", "GSE999002_lung.h5ad", lung.read_bytes())
    files.add("GSE999002", "GSE999002_lung (raw) +100% #1.h5ad.gz", gzip.compress(small))
    files.add("GSE999002", "GSE999002_bulk_TPM.txt.gz", gzip.compress(b"gene\ttpm\n"))
    files.add_archive(
        "GSE999003",
        {
            "GSM9990001_donor1.h5ad": small,
            "GSM9990002_donor2.h5ad.gz": gzip.compress(small),
            "GSM9990003_barcodes.tsv.gz": gzip.compress(b"AAAC\n"),
        },
    )
    files.add("GSE999004", "GSE999004_counts.txt.gz", gzip.compress(b"gene\tcount\n"))


@contextmanager
def trial_servers() -> Iterator[dict[str, str]]:
    """Run both servers, and yield the variables that name them."""
    told = {"title": "Stimulated <and> control | PBMC of eight donors", "n_samples": 16, "pubmedids": ["29227470"]}
    known = [series(999_001, bioproject="PRJNA1", **told), *(series(number) for number in (999_002, 999_003, 999_004))]
    with FilesServer() as files, EutilsServer(known) as eutils:
        fill(files)
        yield {
            "EDVIZ_GEO_FILES": files.origin,
            "EDVIZ_GEO_EUTILS": eutils.url,
            "EDVIZ_ALLOW_PRIVATE_ADDRESSES": "1",
        }


def main() -> None:
    """Serve until interrupted."""
    with trial_servers() as variables:
        for name, value in variables.items():
            print(f"export {name}={value}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
