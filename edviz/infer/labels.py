"""Labels such as 1, 2, 3 that may start anew in each parent."""

from __future__ import annotations

from edviz.infer.facts import Facts
from edviz.infer.lexicon import is_counted_anew, is_generic, is_numbered_by_demultiplexing


def reused_label_pairs(facts: Facts) -> list[tuple[str, str]]:
    """Find factors whose bare labels are crossed with a parent within which they are probably nested.

    Either a third column equals the combination of the two, or the name of the column is one whose
    labels are usually used again, or they are units and batches, which may each have counted their own.
    """
    combined = {frozenset(pair) for pair in facts.combinations.values()}
    classes = {
        name for name in facts.names if facts.kinds[name] == "classification" and facts.confidence[name] != "low"
    }
    found = []
    for name in facts.names:
        if name in classes or name in facts.given_kinds or _is_surely_a_condition(facts, name):
            continue
        if not is_generic(facts.tables.occurring(name), but_for_prefix=True):
            continue
        for parent in facts.names:
            if parent != name and parent not in classes and _starts_anew(facts, name, parent, combined):
                found.append((name, parent))
                break
    return found


def labels_of_combinations(facts: Facts) -> set[str]:
    """Labels that start anew in each parent, where another column names the combination and so says it all."""
    combined = {frozenset(pair) for pair in facts.combinations.values()}
    return {
        name
        for name, parent in reused_label_pairs(facts)
        if frozenset((name, parent)) in combined and not may_mean_the_same(facts, name, parent)
    }


def may_mean_the_same(facts: Facts, name: str, parent: str) -> bool:
    """Whether the same bare label may well be the same thing: a donor 1 that is in every batch."""
    numbered = is_numbered_by_demultiplexing(name, facts.tables.occurring(name), parent)
    return facts.kinds[parent] == "batch" and not is_counted_anew(name, parent) and not numbered


def labels_to_nest(facts: Facts) -> tuple[str, str] | None:
    """A label that surely starts anew in its only parent, where no column names the combination of the two.

    Taking the label as it stands would pair strangers: replicate 1 of one genotype with replicate 1 of another.
    """
    combined = {frozenset(pair) for pair in facts.combinations.values()}
    for name, parent in reused_label_pairs(facts):
        surely = not may_mean_the_same(facts, name, parent) and facts.kinds[name] in ("unit", "batch")
        crossed = [
            other
            for other in facts.names
            if other not in (name, parent)
            and facts.kinds[other] in ("treatment", "observational")
            and facts.crossed(name, other)
            and facts.confidence[other] != "low"
            and not facts.nests(other, parent)
        ]
        if surely and not crossed and frozenset((name, parent)) not in combined:
            return parent, name
    return None


def _is_surely_a_condition(facts: Facts, name: str) -> bool:
    return facts.kinds[name] in ("treatment", "observational") and facts.confidence[name] != "low"


def _starts_anew(facts: Facts, name: str, parent: str, combined: set[frozenset[str]]) -> bool:
    if facts.relation(name, parent).relation != "crossed":
        return False
    if is_counted_anew(name, parent) or is_numbered_by_demultiplexing(name, facts.tables.occurring(name), parent):
        return True
    if facts.kinds[name] == "batch" and facts.kinds[parent] == "unit":
        return False  # lanes and runs that hold cells of several donors are what they say
    bare = is_generic(facts.tables.occurring(name))
    if is_generic(facts.tables.occurring(parent)) and facts.n_levels(parent) <= facts.n_levels(name):
        bare = False  # of two counters the one with fewer labels is the one that starts anew
    of_batches = facts.kinds[name] == "unit" and facts.kinds[parent] == "batch"
    return bare and (of_batches or frozenset((name, parent)) in combined)
