"""Queries that are nearly the same, within a split and across splits; all are compared, so this needs a whole release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from llmfusionbench.auditing.counting import excerpt
from llmfusionbench.auditing.finding import EXAMPLES, Example, Finding, Place, Severity
from llmfusionbench.release import Release
from llmfusionbench.texts.near_duplicates import first_near_duplicates, similar_pairs
from llmfusionbench.types import sorted_splits

NAME: Final = "near_duplicates"
_MANY: Final = 0.05
"""Share of a split's queries that have a near-duplicate in it, from which the severity is medium."""

Queries = Sequence[dict[str, Any]]
Pair = tuple[int, int]


def near_duplicates(release: Release) -> list[Finding]:
    """Two findings at most: queries with a near-duplicate in an earlier split, and in their own.

    Prompts are compared by `texts.near_duplicates`: a Jaccard similarity of word triples of at least .8, and what differs
    asks the same thing. Queries of different tasks are compared, too. A missing prompt has no duplicate.
    """
    columns = ["query_id", "task", "split", "prompt"]
    return of_queries(release.rows("queries", columns=columns).to_pylist())


def of_queries(queries: Queries) -> list[Finding]:
    """The findings for queries with the columns query_id, task, split and prompt."""
    queries = sorted(queries, key=lambda query: query["query_id"])
    members = {
        split: [i for i, query in enumerate(queries) if query["split"] == split]
        for split in sorted_splits({query["split"] for query in queries})
    }
    return [*_across(queries, members), *_within(queries, members)]


def _across(queries: Queries, members: dict[str, list[int]]) -> list[Finding]:
    """Queries of a split with a near-duplicate in an earlier one, `train` being the first."""
    pairs: list[Pair] = []
    splits: Counter[str] = Counter()
    earlier: list[int] = []
    for split, mine in members.items():
        found = similar_pairs(_prompts(queries, mine), _prompts(queries, earlier), limit=1).tolist() if earlier else []
        pairs += [(mine[i], earlier[j]) for i, j in found]
        splits.update(f"{split} and {queries[earlier[j]]['split']}" for _, j in found)
        earlier += mine
    total = len(queries) - len(next(iter(members.values()), []))
    places = [Place("splits", name, count, len(members[name.partition(" ")[0]])) for name, count in splits.most_common()]
    what = (
        f"{len(pairs):,} of {total:,} queries outside the first split are near-duplicates of a query in an earlier split. "
        f"What is trained on that split has seen them."
    )
    remedy = "Move each group of near-duplicates into one split, or report results without these queries"
    return _finding("Near-duplicate queries across splits", what, remedy, "high", queries, pairs, total, places)


def _within(queries: Queries, members: dict[str, list[int]]) -> list[Finding]:
    """Queries with a near-duplicate earlier in their own split."""
    pairs: list[Pair] = []
    places, worst = [], 0.0
    for split, mine in members.items():
        leaders = first_near_duplicates(_prompts(queries, mine)).tolist()
        found = [(mine[i], mine[leader]) for i, leader in enumerate(leaders) if leader != i]
        pairs += found
        if found:
            places.append(Place("split", split, len(found), len(mine)))
            worst = max(worst, len(found) / len(mine))
    what = (
        f"{len(pairs):,} of {len(queries):,} queries are near-duplicates of an earlier query of their split. They count "
        f"several times in every mean, and a router can remember them."
    )
    remedy = "Keep one query of each group, or give the group one vote"
    severity: Severity = "medium" if worst >= _MANY else "low"
    return _finding("Near-duplicate queries within a split", what, remedy, severity, queries, pairs, len(queries), places)


def _finding(
    title: str, what: str, remedy: str, severity: Severity, queries: Queries, pairs: list[Pair], total: int, places: list[Place]
) -> list[Finding]:
    if not pairs:
        return []
    tasks, of_task = Counter(queries[i]["task"] for i, _ in pairs), Counter(query["task"] for query in queries)
    places = [*places, *(Place("task", task, count, of_task[task]) for task, count in tasks.most_common())]
    examples = [_example(queries[i], queries[j]) for i, j in sorted(pairs)[:: max(len(pairs) // EXAMPLES, 1)][:EXAMPLES]]
    return [Finding(NAME, title, what, len(pairs), total, remedy, severity, places, examples)]


def _example(query: dict[str, Any], other: dict[str, Any]) -> Example:
    texts = {"prompt": excerpt(query["prompt"]), "near-duplicate": excerpt(other["prompt"])}
    note = f"of {other['query_id']} in {other['task']} ({other['split']})"
    return Example(query["query_id"], None, None, None, query["task"], texts, note)


def _prompts(queries: Queries, members: list[int]) -> list[str | None]:
    return [queries[i]["prompt"] for i in members]
