# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13", "submitit>=1.5",
#   "anndata>=0.10", "matplotlib>=3.8", "scib-metrics>=0.5", "scvi-tools>=1.4.2,<1.6",
# ]
# ///
"""Put the cells of a new .h5ad file into the latent space of a model of scVI that was trained; nothing is trained."""

from __future__ import annotations

from pathlib import Path

from _cli import arguments, page_of, print_json, run
from _training import local_file

EXAMPLES = """examples:
  embed_cells.py cells-scvi new_cells.h5ad
  embed_cells.py cells-scvi new_cells.h5ad --layer counts -o new_cells.latent.h5ad

A saved model is a program: give only one that you trust."""


def main() -> None:
    """Read the arguments, embed, print what was found."""
    from mcp_server.training.child import run_in_child

    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("model", metavar="MODEL", help="folder of a training, or of a model that scvi-tools saved")
    parser.add_argument("path", metavar="FILE", help="the .h5ad file with new cells")
    parser.add_argument("--layer", metavar="L", help="X, raw/X or a layer (default: the matrix that holds counts)")
    parser.add_argument("-o", "--output", metavar="OUT", help="file to write (default: <name>.latent.h5ad)")
    args = parser.parse_args()
    output = Path(args.output or f"{Path(args.path).name.removesuffix('.h5ad')}.latent.h5ad").absolute()
    request = {
        "model": str(Path(args.model).absolute()),
        "path": str(Path(local_file(args.path)).absolute()),
        "layer": args.layer,
    }
    result = run_in_child(request, output, lambda fraction, message: None)
    if args.json:
        print_json(result)
        return
    page = page_of(args)
    page.paragraph(f"{result['output']}: {result['n_cells']:,} cells in {result['n_latent']} dimensions")
    order = ", put in the order of the model" if result["reordered"] else ""
    page.fields(
        [
            ("genes", f"{result['overlap']:.1%} of those of the model are there{order}"),
            ("missing", f"{result['n_missing']:,}, taken as not seen: {', '.join(result['missing']) or 'none'}"),
            ("unknown", f"{result['n_unknown']:,} are left out, as the model does not know them"),
        ]
    )
    for notice in result["notices"]:
        page.paragraph(notice, first="  - ")


if __name__ == "__main__":
    run(main)
