"""What came of a run of judges: parse rates, means with intervals, and costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.judging.preferences import Preference, preferences
from llmfusionbench.builders.judging.replies import Spent
from llmfusionbench.release import Release
from llmfusionbench.release.retests import retest_of
from llmfusionbench.statistics import Estimate, Sample, share
from llmfusionbench.statistics.intervals import wilson
from llmfusionbench.types import ANSWER_KEY, Candidate


@dataclass(frozen=True)
class Judged:
    """One judge in a run."""

    judge: str
    """As in the column `judge`, without the number of a retest."""
    asked: int
    """Questions of this run, retests included."""
    replies: int
    scored: int
    """Replies with a score."""
    faults: dict[str, int]
    """Why a reply has no score -> number of replies."""
    spent: Spent
    """What all attempts took that no earlier step has stated."""
    replied: Spent
    """The part of it for questions with a new reply."""

    @property
    def parse_rate(self) -> Estimate:
        """Share of the replies with a score, with Wilson's 95% interval; NaN without replies."""
        if not self.replies:
            return Estimate(math.nan, math.nan, math.nan, 0)
        rate = self.scored / self.replies
        return Estimate(rate, *wilson(rate, self.replies), self.replies)


@dataclass(frozen=True)
class Scored:
    """The mean score of a judge, or that of a candidate over all judges."""

    name: str
    scores: Estimate
    """Mean with its 95% interval over queries."""


@dataclass(frozen=True)
class Compared:
    """How a judge of pairs decided, each pair by both orders together."""

    judge: str
    pairs: int
    """Pairs with a score in both orders."""
    ties: int
    half: int
    """Pairs with a score in one order only, which are not decided."""
    first: Estimate
    """Mean share of the answer that was shown first, over queries; 0.5 without a bias of position. NaN without pairs."""


@dataclass(frozen=True)
class JudgeRun:
    """Results of a run of judges."""

    judges: list[Judged]
    means: list[Scored]
    """The mean of each judge that sees answers alone, over its scores in the release, and that of a panel of several."""
    candidates: list[Scored]
    """Mean judge score of each candidate, or its share of wins in pairs, where a tie is half a win."""
    compared: list[Compared]
    items: int
    """Answers, or pairs, that are judged."""
    eligible: int
    """Answers, or pairs, that can be judged."""
    there: int
    """Judgements that the release had."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Reason -> answers that cannot be judged."""
    unfinished: int = 0
    """Questions without a reply, which a later run asks again."""
    again: int | None = None
    """Requests that a retry was to make; None without one."""
    enough: int = 0
    """Questions whose replies were cut off, and that a retry does not ask with the same maximum of tokens, or a lower one."""
    unknown: int = 0
    """Judgements without a score that the run of a retry has no reply to: it is not known whether they were cut off."""
    release: Release | None = None


PANEL = "mean of the judges"


def means_of(release: Release, names: Sequence[str]) -> list[Scored]:
    """The mean score of each of these judges in a release, retests averaged, and that of the panel of all of its judges."""
    logs = release.rows("judge_scores", columns=[*ANSWER_KEY, "judge", "opponent", "score"])
    known = pc.unique(logs["judge"]).to_pylist()
    logs = logs.filter(pc.and_(pc.is_null(logs["opponent"]), pc.is_valid(logs["score"])))
    found = []
    for name in names:
        own = [other for other in known if retest_of(other, known)[0] == name]
        rows = logs.filter(pc.is_in(logs["judge"], pa.array(own, pa.string())))
        rows = rows.group_by([*ANSWER_KEY]).aggregate([("score", "mean")])
        found.append(Scored(name, _mean(rows["query_id"].to_pylist(), rows["score_mean"].to_numpy())))
    if len(names) > 1:
        view = release.rows("logs", columns=["query_id", "judge_score"])
        found.append(Scored(PANEL, _mean(view["query_id"].to_pylist(), view["judge_score"].to_numpy())))
    return found


def candidates_of(release: Release) -> list[Scored]:
    """The mean judge score of each candidate, the best first."""
    view = release.rows("logs", columns=["query_id", "llm", "mode", "judge_score"])
    names = np.array([Candidate(*pair).name for pair in zip(view["llm"].to_pylist(), view["mode"].to_pylist(), strict=True)])
    ids, scores = np.array(view["query_id"].to_pylist()), view["judge_score"].to_numpy().astype(np.float64)
    found = [Scored(str(n), _mean(ids[names == n].tolist(), scores[names == n])) for n in np.unique(names)]
    return sorted((s for s in found if s.scores.n), key=lambda s: (-s.scores.value, s.name))


def compared_by(release: Release, names: Sequence[str]) -> tuple[list[Compared], list[Scored]]:
    """How these judges decided pairs, and each candidate's share of wins."""
    mine = [found for found in preferences(release) if found.judge in names]
    rows = [_compared(name, [p for p in mine if p.judge == name]) for name in names]
    wins: dict[str, list[tuple[str, float]]] = {}
    for found in mine:
        if found.winner is not None:
            won = {"a": 1.0, "tie": 0.5, "b": 0.0}[found.winner]
            wins.setdefault(found.a, []).append((found.query_id, won))
            wins.setdefault(found.b, []).append((found.query_id, 1 - won))
    scored = [Scored(name, _mean([q for q, _ in values], np.array([w for _, w in values]))) for name, values in wins.items()]
    return rows, sorted(scored, key=lambda s: (-s.scores.value, s.name))


def _compared(name: str, mine: Sequence[Preference]) -> Compared:
    decided = [p for p in mine if p.share is not None]
    half = sum((p.shown_first is None) != (p.shown_second is None) for p in mine)
    first = list(_first_shares(decided))
    queries, shares = [query for query, _ in first], np.array([share for _, share in first], np.float64)
    return Compared(name, len(decided), sum(p.winner == "tie" for p in decided), half, _mean(queries, shares))


def _first_shares(decided: Iterable[Preference]) -> Iterator[tuple[str, float]]:
    """(query, share of the answer that was shown first) of both orders of each pair."""
    for found in decided:
        if found.shown_first is not None and found.shown_second is not None:
            yield found.query_id, found.shown_first
            yield found.query_id, 1 - found.shown_second


def _mean(queries: Sequence[str], values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Estimate:
    known = int((~np.isnan(np.asarray(values, np.float64))).sum())
    if not known:
        return Estimate(math.nan, math.nan, math.nan, 0)
    return share(Sample(queries).mean(values), known)
