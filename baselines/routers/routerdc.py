"""`routerdc`: queries and LLMs in one space, by two contrastive losses (RouterDC, Chen et al. 2024, arXiv 2409.19886).

The sample-LLM loss pulls a query towards its best candidates and pushes it away from its worst. The sample-sample loss keeps
queries of one cluster together, which stabilises the first. The paper fine-tunes mDeBERTa; this router trains a small network
on top of any embedder, which a laptop can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from llmfusionbench.baselines.routers.shared.neural import Floats, UnitTargets, descend, seeded
from llmfusionbench.baselines.routers.shared.parts import fit_clusters, fitted_embedder, learned
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


@dataclass(kw_only=True, eq=False)
class RouterDC:
    """Scores are cosines of query and candidate, -1 to 1. As published, the router does not use the task of a query.

    Args:
        embedder: `TfidfSvdEmbedder()` by default.
        dimensions: Length of the vectors in the common space.
        positives: Number of best candidates that a query is pulled towards (K+ in the paper).
        negatives: Number of worst candidates that it is pushed away from (K-).
        clusters: Maximum number of clusters of queries for the sample-sample loss (N).
        others: Number of queries from other clusters that a query is compared with (H).
        weight: Weight of the sample-sample loss (lambda).
        temperature: Divisor of the cosines in a loss.
        steps: Number of gradient steps; they bound the time for any size of table.
        batch_size: Queries per step.
        learning_rate: Learning rate of AdamW.
        dropout: Share of the embedding's dimensions dropped in training.
        seed: Random seed of weights, batches, clusters and draws.
    """

    embedder: Embedder | None = None
    dimensions: int = 64
    positives: int = 3
    negatives: int = 3
    clusters: int = 5
    others: int = 3
    weight: float = 1.0
    temperature: float = 0.2
    steps: int = 100
    batch_size: int = 64
    learning_rate: float = 1e-3
    dropout: float = 0.3
    seed: int = 0

    def fit(self, table: RoutingTable) -> Self:
        """Learn the encoder and one vector per candidate. Raises MissingExtraError without torch, InputError without scores."""
        targets = UnitTargets.of(table)
        self.candidates_ = list(table.candidates)
        with seeded(self.seed) as torch:
            self.embedder_ = fitted_embedder(self.embedder, table.prompts)
            vectors = self.embedder_.encode(table.prompts)
            best, worst = _extremes(targets, self.positives, self.negatives, np.random.default_rng(self.seed))
            group = torch.from_numpy(fit_clusters(vectors, self.clusters, self.seed, tries=4).labels_.astype(np.int64))
            x, best, worst = torch.from_numpy(vectors), torch.from_numpy(best), torch.from_numpy(worst)
            self.encoder_ = torch.nn.Sequential(
                torch.nn.Dropout(self.dropout),
                torch.nn.Linear(x.shape[1], 2 * self.dimensions),
                torch.nn.ReLU(),
                torch.nn.Linear(2 * self.dimensions, self.dimensions),
            )
            self.llms_ = torch.nn.Parameter(torch.randn(len(self.candidates_), self.dimensions))
            optimiser = torch.optim.AdamW([*self.encoder_.parameters(), self.llms_], self.learning_rate, weight_decay=0.01)
            for _ in range(self.steps):
                rows = torch.randint(len(x), (min(self.batch_size, len(x)),))
                queries = torch.nn.functional.normalize(self.encoder_(x[rows]), dim=1)
                similar = queries @ torch.nn.functional.normalize(self.llms_, dim=1).T / self.temperature
                loss = _sample_llm_loss(torch, similar, best[rows], worst[rows])
                descend(loss + self.weight * self._sample_sample_loss(torch, queries, group[rows]), optimiser)
            self.encoder_.eval()
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Floats:
        """[Q, C] float32 cosines."""
        encoder = learned(self, "encoder_")
        if not prompts:
            return np.zeros((0, len(self.candidates_)), np.float32)
        with seeded(self.seed) as torch, torch.no_grad():
            queries = torch.nn.functional.normalize(encoder(torch.from_numpy(self.embedder_.encode(prompts))), dim=1)
            scores: Floats = (queries @ torch.nn.functional.normalize(self.llms_, dim=1).T).numpy()
        return scores

    def _sample_sample_loss(self, torch: Any, queries: Any, group: Any) -> Any:
        """Each query of the batch against one of its cluster and some of others; 0 if the batch has no such queries."""
        similar = queries @ queries.T / self.temperature
        same = (group[:, None] == group[None, :]) & ~torch.eye(len(group), dtype=torch.bool)
        other = group[:, None] != group[None, :]
        usable = same.any(dim=1) & other.any(dim=1)
        if not usable.any():
            return similar.sum() * 0
        friend = torch.multinomial(same[usable].float(), 1)
        strangers = torch.multinomial(other[usable].float() + 1e-12, min(self.others, len(group)), replacement=True)
        logits = torch.cat([similar[usable].gather(1, friend), similar[usable].gather(1, strangers)], dim=1)
        return -torch.log_softmax(logits, dim=1)[:, 0].mean()


def _sample_llm_loss(torch: Any, similar: Any, best: Any, worst: Any) -> Any:
    """Mean over queries and their best candidates of -log softmax against the worst.

    `similar`, `best` and `worst` are [B, C]. A query whose candidates are all equal has neither, and does not count.
    """
    against = (torch.exp(similar) * worst).sum(dim=1, keepdim=True)
    losses = torch.log(torch.exp(similar) + against) - similar
    return (losses * best).sum() / best.sum().clamp(min=1)


def _extremes(targets: UnitTargets, positives: int, negatives: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """[Q, C] masks of the best and the worst candidates of each query; random among ties.

    The best are above the middle of the query's range, the worst below it.
    """
    missing = targets.given == 0
    noise = rng.random(targets.values.shape) * 1e-6
    rank_high = np.argsort(np.argsort(np.where(missing, np.inf, -targets.values + noise), axis=1), axis=1)
    rank_low = np.argsort(np.argsort(np.where(missing, np.inf, targets.values + noise), axis=1), axis=1)
    top = np.where(missing, -np.inf, targets.values).max(axis=1, keepdims=True)
    bottom = np.where(missing, np.inf, targets.values).min(axis=1, keepdims=True)
    middle = (top + bottom) / 2
    best = ~missing & (rank_high < positives) & (targets.values > middle)
    worst = ~missing & (rank_low < negatives) & (targets.values < middle)
    return best.astype(np.float32), worst.astype(np.float32)
