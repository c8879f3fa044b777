"""What judges of pairs prefer: the two orders of a pair are put together before anything is decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow.compute as pc

from llmfusionbench.release import Release
from llmfusionbench.release.retests import retest_of
from llmfusionbench.types import Candidate

_EQUAL = 1e-9


@dataclass(frozen=True)
class Preference:
    """What one judge prefers of two answers to a query. `a` is the candidate whose name sorts first."""

    query_id: str
    replicate: int
    judge: str
    number: int
    """Number of the judgement of this pair, from 0: those above it are retests."""
    a: str
    b: str
    shown_first: float | None
    """The share, from 0 to 1, that `a` got where it was shown first; None without a score."""
    shown_second: float | None

    @property
    def share(self) -> float | None:
        """The share of `a`: the mean of both orders; None unless both are known."""
        if self.shown_first is None or self.shown_second is None:
            return None
        return (self.shown_first + self.shown_second) / 2

    @property
    def winner(self) -> Literal["a", "b", "tie"] | None:
        """Which answer is preferred, by `share`; a judge that always prefers the same place finds a tie."""
        share = self.share
        if share is None:
            return None
        return "tie" if abs(share - 0.5) < _EQUAL else "a" if share > 0.5 else "b"


def preferences(release: Release, split: str | None = None) -> Iterator[Preference]:
    """The preferences of all judges of pairs whose rows state the order, by query and pair.

    Raises:
        UnknownNameError: unknown split.
        ReleaseError: a file differs from the manifest.
    """
    columns = ["query_id", "llm", "mode", "replicate", "judge", "opponent", "order", "score"]
    rows = release.rows("judge_scores", split, columns=columns, filter=pc.field("order").is_valid())
    found: dict[tuple[Any, ...], dict[str, float | None]] = {}
    for row in rows.to_pylist():
        own, other = Candidate(row["llm"], row["mode"]).name, row["opponent"]
        key = (row["query_id"], min(own, other), max(own, other), row["replicate"], row["judge"])
        shares, score = found.setdefault(key, {}), row["score"]
        if own < other:
            shares[row["order"]] = shares.get(row["order"]) if score is None else score
        else:  # the rest of 1, which counts where the row of `a` is missing or has no score
            place = "second" if row["order"] == "first" else "first"
            rest = None if score is None else round(1 - score, 12)
            shares[place] = rest if shares.get(place) is None else shares[place]
    names = {key[-1] for key in found}
    for (query, a, b, replicate, name), shares in sorted(found.items(), key=lambda item: item[0]):
        judge, number = retest_of(name, names)
        yield Preference(query, replicate, judge, number, a, b, shares.get("first"), shares.get("second"))
