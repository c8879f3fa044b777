"""The base of routers that see each prompt as a vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from llmfusionbench.baselines.routers.shared.parts import Array, Features, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


@dataclass(kw_only=True, eq=False)
class PromptRouter:
    """Embeds the prompts in `fit` and `score`; a subclass defines `_learn` and `_predict` on the vectors."""

    sees_task: ClassVar[bool] = True
    """Whether the vectors end in the one-hot task."""
    embedder: Embedder | None = None

    def fit(self, table: RoutingTable) -> Self:
        """Learn from a train table. Raises InputError if it has no scores."""
        target = self._target(table)
        self.features_ = Features(self.embedder, with_task=self.sees_task).fit(table.prompts, table.tasks)
        self.candidates_ = list(table.candidates)
        self._learn(table, target, self.features_.of(table.prompts, table.tasks))
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] the higher, the better."""
        features: Features = learned(self, "features_")
        return self._predict(features.of(prompts, tasks), tasks)

    def _target(self, table: RoutingTable) -> Array:
        """[Q, C] what the router learns from; NaN = missing."""
        return target_of(table)

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        """Learn from `target` [Q, C] and `vectors` [Q, d] of the train queries."""
        raise NotImplementedError

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] scores for `vectors` [Q, d]; Q may be 0."""
        raise NotImplementedError
