# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "anndata>=0.10", "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "openTSNE>=1.0", "rich>=13", "scikit-learn>=1.5",
#     "scipy>=1.10", "submitit>=1.5", "umap-learn>=0.5.5",
# ]
# ///
"""Embed the cells of an .h5ad file or of a training run in two dimensions, and write them to a small file beside."""

from __future__ import annotations

import argparse
from pathlib import Path

from _cli import arguments, page_of, print_json, run
from _progress import ProgressBar

from mcp_server.embeddings.embedding import EmbeddingResult, embed
from mcp_server.embeddings.requests import ALL_CELLS, BACKEND_CHOICES, METHODS, MOST_CELLS, EmbeddingRequest

EXAMPLES = """examples:
  embed.py RUN
  embed.py cells.h5ad --method umap
  embed.py cells.h5ad --obsm X_pca_harmony --sample all -o cells.tsne.h5ad
  embed.py cells.h5ad --method pca
  embed.py RUN --beside counts
  embed.py RUN --background

Without coordinates in obsm, the counts are normalised and reduced to principal components first.
plot_embedding.py draws the result."""
PERCENT = 100


def main() -> None:
    """Read the arguments, embed, say what came of it."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("source", metavar="FILE|RUN", help="an .h5ad file, or the folder of a training run")
    parser.add_argument("--obsm", metavar="NAME", help="what to embed (default: X_scVI, X_pca, or counts)")
    parser.add_argument(
        "--beside", metavar="NAME|counts", help="embed this, too, to compare: another entry of obsm, or the counts"
    )
    parser.add_argument("--method", choices=METHODS, default="tsne", help="(default: %(default)s)")
    parser.add_argument(
        "--backend",
        choices=BACKEND_CHOICES,
        default="auto",
        help="what computes t-SNE; remote sends data to $EDVIZ_TSNE_URL",
    )
    parser.add_argument(
        "--sample",
        metavar="N|all",
        type=_n_cells,
        default=MOST_CELLS,
        help="most cells to embed (default: %(default)s)",
    )
    parser.add_argument(
        "--stratify", metavar="C", action="append", default=[], help="column that a sample is to represent (repeatable)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT.h5ad",
        type=Path,
        help="the file, or a folder for it (default: in RUN, or in this folder under the name of FILE)",
    )
    parser.add_argument("--background", action="store_true", help="start a job, which jobs.py shows")
    args = parser.parse_args()
    if args.background and args.output is not None:
        parser.error("--background goes without --output: the job writes into its folder")
    request = EmbeddingRequest(
        args.source, args.obsm, args.method, args.backend, args.sample, tuple(args.stratify), args.seed, args.beside
    )
    if args.background:
        embed_in_background(request, args)
    else:
        embed_here(request, args)


def embed_here(request: EmbeddingRequest, args: argparse.Namespace) -> None:
    """Embed, with progress, and print the result."""
    bar = ProgressBar(PERCENT, ascii=page_of(args).ascii)

    def draw(share: float) -> None:
        bar.n_done = int(share * PERCENT)
        bar.draw([request.method])

    try:
        result = embed(request, args.output, draw)
    finally:
        bar.clear()
    if args.json:
        print_json(result)
    else:
        print_result(result, args)


def embed_in_background(request: EmbeddingRequest, args: argparse.Namespace) -> None:
    """Start a job, and print its handle."""
    from mcp_server.embeddings.requests import request_for
    from mcp_server.jobs.start import start_job

    status = start_job("embed", request_for(request))
    if args.json:
        print_json(status)
    else:
        page_of(args).paragraph(f"job {status.id} is started; jobs.py wait {status.id} waits for it")


def print_result(result: EmbeddingResult, args: argparse.Namespace) -> None:
    """Print what was embedded and where it is."""
    page = page_of(args)
    page.paragraph(result.caption)
    if result.beside is not None:
        page.paragraph(f"To compare, plot_embedding.py ... --beside {result.beside}")
    print(f"\nEmbedding: {page.text(result.path)}")


def _n_cells(text: str) -> int:
    if text == "all":
        return ALL_CELLS
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of cells nor all")
    return int(text)


if __name__ == "__main__":
    run(main)
