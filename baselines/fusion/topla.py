"""Prunes an ensemble by focal diversity (LLM-TOPLA, Tekin et al. 2024, arXiv 2410.03953), then votes.

Two LLMs that fail on the same queries add nothing to each other. The paper searches with a genetic algorithm; here a beam
search does, which has no seed and is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.fusion.answers import NO_ANSWER, AnswerTable
from llmfusionbench.baselines.fusion.vote import Floats, WeightedVote
from llmfusionbench.errors import InputError

_CELLS = 1 << 20
"""Answers that are compared at a time, to save memory."""


class Topla(WeightedVote):
    """A weighted vote of the `size` candidates that are diverse and vote well on the queries fitted on.

    An ensemble is worth `diversity_weight` times its focal diversity plus the rest times the performance of its plain vote.
    A query counts where every candidate is scored.

    Args:
        members: The candidates to pick from; all of the table by default.
        size: How many are kept, two or more.
        diversity_weight: 0 to 1.
        beam: How many ensembles of each size the search keeps.
        prior: As in `Vote`.
    """

    def __init__(
        self,
        *,
        members: Sequence[str] | None = None,
        size: int = 5,
        diversity_weight: float = 0.2,
        beam: int = 30,
        prior: float = 20.0,
    ) -> None:
        super().__init__(members=members, prior=prior)
        self.size = size
        self.diversity_weight = diversity_weight
        self.beam = beam

    def _members(self, table: AnswerTable) -> list[str]:
        own = table.columns(super()._members(table))
        if not 2 <= self.size <= len(own.candidates):
            raise InputError(f"size is {self.size}, expected 2 to {len(own.candidates)}, the number of candidates")
        own = own.rows(np.flatnonzero(~np.isnan(own.performance).any(axis=1)))
        if not own.query_ids:
            raise InputError("No query has a score of every candidate. Remedy: name fewer members")
        counts = FailureCounts(own.performance < 0.5)
        order = np.argsort(-own.performance.mean(axis=0), kind="stable").tolist()
        found = list(combinations(order, 2))
        while True:
            worth = dict(zip(found, self._worths(np.array(found), own, counts).tolist(), strict=True))
            found = sorted(found, key=lambda e: (-worth[e], e))[: self.beam]
            if len(found[0]) == self.size:
                break
            found = sorted({tuple(i for i in order if i in e or i == new) for e in found for new in order if new not in e})
        self.focal_diversity_ = float(counts.focal_diversity(np.array(found[0])))
        return [own.candidates[i] for i in found[0]]

    def _worths(self, ensembles: npt.NDArray[np.int64], table: AnswerTable, counts: FailureCounts) -> Floats:
        """[E] for the places of candidates [E, M], best first, so that a draw goes to the best."""
        at_a_time = max(1, _CELLS // (len(table.query_ids) * ensembles.shape[1]))
        parts = [ensembles[start : start + at_a_time] for start in range(0, len(ensembles), at_a_time)]
        voted = np.concatenate([_plain_vote(part, table) for part in parts])
        return np.asarray(self.diversity_weight * counts.focal_diversity(ensembles) + (1 - self.diversity_weight) * voted)


def _plain_vote(ensembles: npt.NDArray[np.int64], table: AnswerTable) -> Floats:
    """[E] mean performance of the plain vote of each of the ensembles [E, M]."""
    answers = table.answers.T[ensembles]  # [E, M, Q]
    votes = np.zeros(answers.shape, np.int16)
    for member in range(ensembles.shape[1]):
        votes += answers == answers[:, [member]]
    votes[answers == NO_ANSWER] = -1
    chosen = np.take_along_axis(ensembles, votes.argmax(axis=1), axis=1)  # [E, Q]
    return np.asarray(table.performance[np.arange(len(table.query_ids)), chosen].mean(axis=1, dtype=np.float64))


class FailureCounts:
    """How often the candidates fail together, counted once so that any ensemble's diversity is a sum over its members.

    Args:
        failed: [Q, C] bool.
    """

    def __init__(self, failed: npt.NDArray[np.bool_]) -> None:
        fails = failed.astype(np.float64)
        self.alone = fails.sum(axis=0)
        """[C] queries on which each fails."""
        self.pairs: Floats = fails.T @ fails
        """[F, C] queries on which both fail."""
        self.triples: Floats = np.stack([(fails * fails[:, [f]]).T @ fails for f in range(fails.shape[1])])
        """[F, C, C] queries on which all three fail."""

    def focal_diversity(self, ensembles: npt.ArrayLike) -> Floats:
        """[...] of the ensembles [..., M]: the mean over the members of 1 - P(2) / P(1), taken over the queries on which that
        (focal) member fails.

        P(1) is the chance that one member drawn at random fails there, P(2) that two drawn without replacement both do
        (the generalised diversity of Partridge and Krzanowski 1997): 1 where no other member shares the focal member's
        failures, 0 where all fail together. A member that never fails shares none.
        """
        members = np.asarray(ensembles)
        size = members.shape[-1]
        # Over the members m and n beside the focal member f: on how many of its failures m fails, and both m and n do.
        pairs = self.pairs[members[..., :, None], members[..., None, :]].sum(axis=-1)
        triples = self.triples[members[..., :, None, None], members[..., None, :, None], members[..., None, None, :]]
        both = triples.sum(axis=(-2, -1)) - pairs  # a member is no pair with itself
        fails = self.alone[members] > 0
        shared = np.divide(both / (size - 1), pairs, out=np.zeros(pairs.shape), where=fails)
        return np.asarray((1.0 - shared).mean(axis=-1))
