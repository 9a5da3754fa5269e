# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Say what a training of scVI would do with an .h5ad file, or why it is refused; nothing is trained."""

from __future__ import annotations

import sys

from _cli import add_file, arguments, page_of, print_json, run
from _training import add_training, local_file, print_plan, request_of

from mcp_server.training.plan import plan_training

EXAMPLES = """examples:
  plan_training.py cells.h5ad
  plan_training.py cells.h5ad --batch-key donor --layer counts

Exits with 1 if the file cannot be trained on as asked."""


def main() -> None:
    """Read the arguments, plan, print the plan."""
    parser = arguments(__doc__, examples=EXAMPLES)
    add_file(parser, "the .h5ad file, on this machine")
    add_training(parser)
    args = parser.parse_args()
    plan = plan_training(local_file(args.path), request_of(args), trusted=args.trusted)
    if args.json:
        print_json(plan)
    else:
        print_plan(plan, page_of(args))
    if not plan.can_train:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
