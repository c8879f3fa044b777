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
from llmfusionbench.baselines.fusion.vote import Floats, WeightedVote, support
from llmfusionbench.errors import InputError


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
        found = [tuple(pair) for pair in combinations(order, 2)]
        while True:
            found = sorted(found, key=lambda e: (-self._worth(e, own, counts), e))[: self.beam]
            if len(found[0]) == self.size:
                break
            grown = {tuple(i for i in order if i in e or i == new) for e in found for new in order if new not in e}
            found = sorted(grown)
        self.focal_diversity_ = counts.focal_diversity(found[0])
        return [own.candidates[i] for i in found[0]]

    def _worth(self, ensemble: tuple[int, ...], table: AnswerTable, counts: FailureCounts) -> float:
        """`ensemble` holds places of candidates, best first, so that a draw goes to the best."""
        answers = table.answers[:, ensemble]
        votes = np.where(answers == NO_ANSWER, -1.0, support(answers, np.ones(answers.shape)))
        voted = np.take_along_axis(table.performance[:, ensemble], votes.argmax(axis=1)[:, None], axis=1).mean()
        return self.diversity_weight * counts.focal_diversity(ensemble) + (1 - self.diversity_weight) * float(voted)


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

    def focal_diversity(self, ensemble: Sequence[int]) -> float:
        """Mean over the members of 1 - P(2) / P(1), taken over the queries on which that (focal) member fails.

        P(1) is the chance that one member drawn at random fails there, P(2) that two drawn without replacement both do
        (the generalised diversity of Partridge and Krzanowski 1997): 1 where no other member shares the focal member's
        failures, 0 where all fail together. A member that never fails shares none.
        """
        members = list(ensemble)
        size = len(members)
        values = []
        for focal in members:
            if not self.alone[focal]:
                values.append(1.0)
                continue
            one = self.pairs[focal, members].sum() / size
            together = self.triples[focal][np.ix_(members, members)]
            two = (together.sum() - np.trace(together)) / (size * (size - 1))
            values.append(1.0 - float(two / one))
        return float(np.mean(values))
