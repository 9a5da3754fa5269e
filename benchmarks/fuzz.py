"""Change a few bytes of valid files and see how the scripts bear it; exit 1 if one hangs, dies or tells a traceback."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from measure import MB, ROOT, Run, Spread, print_machine, print_table, run, say, script

Outcome = Literal["read", "refused", "memory", "unclear", "traceback", "died", "hang"]
MEANING: dict[Outcome, str] = {
    "read": "exit 0 and JSON",
    "refused": "exit 1 and one sentence",
    "memory": "one process took more than 512 MB",
    "unclear": "anything else",
    "traceback": "a traceback on standard error",
    "died": "ended by a signal",
    "hang": "killed at the limit",
}
"""From the best to the worst; a case that several scripts read has the worst of its outcomes."""
FAILURES: frozenset[Outcome] = frozenset({"traceback", "died", "hang"})
KEPT: frozenset[Outcome] = FAILURES | {"memory", "unclear"}
SCRIPTS = ("inspect_h5ad.py", "infer_design.py")
MOST_EDITS = 4
EDITED_BYTES = 20_000
"""The front of a file, where small files keep the structure that HDF5 trusts."""
LARGEST_FILE = MB
MOST_MEMORY_MB = 512 * 1024**2 / MB


@dataclass(frozen=True)
class Case:
    """A valid file and what is changed in it; the same number and seed give the same case."""

    number: int
    file: Path
    edits: tuple[tuple[int, int], ...]

    def changed(self) -> bytes:
        """Return the content of the file with the changes."""
        content = bytearray(self.file.read_bytes())
        for place, value in self.edits:
            content[place] = value
        return bytes(content)


@dataclass(frozen=True)
class Verdict:
    """How a case ended, and the run that says so."""

    case: Case
    outcome: Outcome
    script: str
    run: Run
    slowest: float


def main() -> None:
    """Read the arguments, run all cases, print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="valid files to change; without it the recorded files of the tests")
    parser.add_argument("--cases", type=int, default=2500)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first case")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=float, default=30.0, help="seconds after which a script is taken to hang")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz", help="folder for the files of bad cases")
    args = parser.parse_args()
    files = _small([args.folder] if args.folder else _recorded())
    if not files:
        sys.exit("there are no small .h5ad files to change; name a folder with --folder")
    cases = [_case(number, args.seed, files) for number in range(args.first, args.first + args.cases)]
    print_machine()
    print(f"{len(cases)} cases from {args.first} with seed {args.seed}, of {len(files)} files")
    verdicts = []
    for verdict in _verdicts(cases, jobs=args.jobs, limit=args.limit):
        verdicts.append(verdict)
        if verdict.outcome in KEPT:
            _keep(verdict, args.keep, args.seed)
        if len(verdicts) % 100 == 0:
            say(f"{len(verdicts)} of {len(cases)}")
    _print_summary(verdicts)
    sys.exit(any(verdict.outcome in FAILURES for verdict in verdicts))


def judge(done: Run) -> Outcome:
    """Say how one script ended."""
    if done.timed_out:
        return "hang"
    if done.status < 0:
        return "died"
    if "Traceback (most recent call last)" in done.errors:
        return "traceback"
    if done.peak > MOST_MEMORY_MB:
        return "memory"
    if done.status == 0 and _is_json(done.output):
        return "read"
    return "refused" if done.status == 1 and len(done.errors.splitlines()) == 1 else "unclear"


def _recorded() -> list[Path]:
    """Return where the tests look for valid files."""
    shared = Path(os.environ.get("EDVIZ_SHARED") or ROOT.parent / "shared") / "h5ad"
    return [shared, shared / "encodings", ROOT / "tests" / "data"]


def _small(folders: Sequence[Path]) -> list[Path]:
    # Sorted by name alone, as a case must not depend on where the folders are.
    found = sorted((file for folder in folders for file in folder.glob("*.h5ad")), key=lambda file: file.name)
    return [file for file in found if file.stat().st_size <= LARGEST_FILE]


def _case(number: int, seed: int, files: Sequence[Path]) -> Case:
    chance = random.Random(f"{seed} {number}")
    file = chance.choice(files)
    places = chance.choices(range(min(file.stat().st_size, EDITED_BYTES)), k=chance.randint(1, MOST_EDITS))
    return Case(number, file, tuple((place, chance.randrange(256)) for place in places))


def _verdicts(cases: Sequence[Case], *, jobs: int, limit: float) -> Iterator[Verdict]:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        for done in as_completed(pool.submit(_verdict, case, Path(folder), limit) for case in cases):
            yield done.result()


def _verdict(case: Case, folder: Path, limit: float) -> Verdict:
    path = folder / f"{case.number}.h5ad"
    path.write_bytes(case.changed())
    runs = {name: run(script(name, path, "--json"), limit=limit) for name in SCRIPTS}
    path.unlink()
    outcomes = {name: judge(done) for name, done in runs.items()}
    worst = max(outcomes, key=lambda name: list(MEANING).index(outcomes[name]))
    # Thousands of outputs would make this process large, and with it the peak that new processes start from.
    kept = replace(runs[worst], output="")
    return Verdict(case, outcomes[worst], worst, kept, max(done.wall for done in runs.values()))


def _keep(verdict: Verdict, folder: Path, seed: int) -> None:
    """Keep the changed file and what the script said of it."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{verdict.outcome}-{seed}-{verdict.case.number}.h5ad"
    kept.write_bytes(verdict.case.changed())
    kept.with_suffix(".txt").write_text(
        f"{verdict.script} {verdict.case.file.name} {verdict.case.edits}\n"
        f"exit {verdict.run.status}, {verdict.run.wall:.1f} s, {verdict.run.peak:.0f} MB\n{verdict.run.errors}"
    )
    say(f"{verdict.outcome}: {verdict.script} {kept}")


def _print_summary(verdicts: Sequence[Verdict]) -> None:
    counts = Counter(verdict.outcome for verdict in verdicts)
    print_table(
        ["outcome", "means", "cases", "share"],
        [[name, said, str(counts[name]), f"{counts[name] / len(verdicts):.2%}"] for name, said in MEANING.items()],
    )
    for what, values in (
        ("seconds of the slower script", [verdict.slowest for verdict in verdicts]),
        ("peak MB of the worse run", [verdict.run.peak for verdict in verdicts]),
    ):
        print(f"{what}: {Spread.of(values)}")
    bad = sorted((verdict for verdict in verdicts if verdict.outcome in KEPT), key=lambda verdict: verdict.case.number)
    if bad:
        print_table(
            ["case", "outcome", "script", "file", "edits (place, value)"],
            [[str(v.case.number), v.outcome, v.script, v.case.file.name, str(v.case.edits)] for v in bad],
        )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    main()
