# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "anndata>=0.10", "h5py>=3.8", "lark>=1.1.5", "matplotlib>=3.8", "numpy>=1.24", "openTSNE>=1.0.2", "rich>=13",
#     "scikit-learn>=1.5", "scipy>=1.10",
# ]
# ///
"""Plot cells in two dimensions, coloured by columns of obs or genes, as a PNG with a caption."""

from __future__ import annotations

from pathlib import Path

from _cli import arguments, page_of, print_json, run

from mcp_server.embeddings.picture import picture_path, plot_embedding
from mcp_server.embeddings.requests import PlotRequest

EXAMPLES = """examples:
  plot_embedding.py RUN --color cell_type --color donor
  plot_embedding.py cells.h5ad --obsm X_umap --color leiden -o clusters.png
  plot_embedding.py cells.tsne.h5ad --color cell_type --facet condition
  plot_embedding.py RUN --beside unintegrated --color batch --color cell_type
  plot_embedding.py cells.h5ad --obsm X_umap --beside RUN --color batch

Colours suit any colour vision. Of more than 40 levels the most frequent are named. The caption has the numbers.
What a training run lacks for a picture is embedded first."""


def main() -> None:
    """Read the arguments, plot, print the caption and where the picture is."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("source", metavar="SOURCE", help="an .h5ad file, a training run, or what embed.py wrote")
    parser.add_argument("--obsm", metavar="NAME", help="coordinates (default: t-SNE, UMAP or what there is)")
    parser.add_argument(
        "--color",
        metavar="C",
        action="append",
        default=[],
        help="column of obs or gene to colour by; each has a panel (repeatable)",
    )
    parser.add_argument("--facet", metavar="C", help="column with a panel for each level")
    parser.add_argument(
        "--beside",
        metavar="NAME|SOURCE",
        help="other coordinates to draw beside: of obsm, of another source, or unintegrated: what no batch key changed",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="order of drawing (default: %(default)s)")
    parser.add_argument("-o", "--output", metavar="OUT.png", help="the picture, or its folder (default: this one)")
    args = parser.parse_args()
    output = Path(args.output or "")
    if output.is_dir():
        output /= picture_path(args.source, args.color, args.facet)
    request = PlotRequest(
        args.source, str(output), args.obsm, tuple(args.color), args.facet, args.beside, args.seed, embeds=True
    )
    plot = plot_embedding(request)
    if args.json:
        print_json(plot)
        return
    page = page_of(args)
    page.paragraph(plot.caption)
    print(f"\nPicture: {page.text(plot.path)} ({plot.width} x {plot.height})")


if __name__ == "__main__":
    run(main)
