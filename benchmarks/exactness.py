"""Compare every pair of factors in the JSON of `infer_design.py` with a crosstab of pandas."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import combinations

import anndata
import numpy as np
import pandas as pd
from measure import run, say, script
from numpy.typing import NDArray


def main() -> None:
    """Read the arguments, compare all pairs, exit 1 if one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", metavar="FILE", help="the .h5ad file")
    args = parser.parse_args()
    found = run(script("infer_design.py", args.path, "--json"))
    if found.status:
        sys.exit(found.errors)
    report = json.loads(found.output)
    obs = anndata.read_h5ad(args.path, backed="r").obs
    aside = {column["column"] for column in report["set_aside"]}
    told = {frozenset((pair["a"], pair["b"])): pair for pair in report["pairs"]}
    expected = {frozenset(pair) for pair in combinations([name for name in obs if name not in aside], 2)}
    different = [f"{sorted(pair)}: only on one side" for pair in expected ^ set(told)]
    for pair in told.values():
        crosstab = pd.crosstab(obs[pair["a"]], obs[pair["b"]])
        different += [
            f"{pair['a']}, {pair['b']}: {what} is {pair[what]!r}, by pandas {value!r}"
            for what, value in relation(crosstab).items()
            if pair[what] != value
        ]
    for line in different:
        say(line)
    print(f"{len(told)} pairs of {len(obs.columns) - len(aside)} factors compared, {len(different)} differences")
    sys.exit(bool(different))


def relation(crosstab: pd.DataFrame) -> dict[str, str | int]:
    """Say from the definitions how two factors occur together."""
    occurs = crosstab.to_numpy() > 0
    occurs = occurs[occurs.any(axis=1)][:, occurs.any(axis=0)]
    a_tells_b = bool((occurs.sum(axis=1) == 1).all())
    b_tells_a = bool((occurs.sum(axis=0) == 1).all())
    return {
        "relation": _name(a_tells_b, b_tells_a, bool(occurs.all())),
        "filled": int(occurs.sum()),
        "possible": occurs.size,
        "components": _components(occurs),
        "n_obs": int(crosstab.to_numpy().sum()),
    }


def _name(a_tells_b: bool, b_tells_a: bool, all_occur: bool) -> str:
    if a_tells_b and b_tells_a:
        return "aliased"
    if a_tells_b:
        return "a_nested_in_b"
    if b_tells_a:
        return "b_nested_in_a"
    return "crossed" if all_occur else "partially_crossed"


def _components(occurs: NDArray[np.bool_]) -> int:
    """Count the groups of levels of a that are linked through levels of b."""
    groups: list[set[int]] = []
    for row in occurs:
        columns = set(row.nonzero()[0].tolist())
        linked = [group for group in groups if group & columns]
        groups = [group for group in groups if not group & columns] + [columns.union(*linked)]
    return len(groups)


if __name__ == "__main__":
    main()
