"""`graph`: queries, LLMs and tasks as nodes of a graph, with predicted edges for new queries.

The source is GraphRouter (Feng, Shen and You 2025, arXiv 2410.03834).

A query has an edge to its task, and an edge to each candidate that answered it, weighted by the score. Two rounds of messages
run over the edges of train queries; a new query has only the edge to its task. In training, the edges of the batch are removed
from the graph, so that the answer is never among the messages. It uses plain matrices, without a graph library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from llmfusionbench.baselines.routers.shared.neural import Floats, UnitTargets, descend, masked_loss, seeded
from llmfusionbench.baselines.routers.shared.parts import fitted_embedder, learned, numbered
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder
from llmfusionbench.types import DIRECT, THINK, Candidate


@dataclass(kw_only=True, eq=False)
class GraphRouter:
    """Scores are predicted targets.

    Args:
        embedder: Embedder of prompts and of LLM descriptions; `TfidfSvdEmbedder()` by default.
        dimensions: Length of a node's vector.
        context: Maximum number of train queries in the graph, drawn at random.
        steps: Number of gradient steps; they bound the time for any size of table.
        batch_size: Queries per step.
        learning_rate: Initial learning rate of AdamW, which falls to zero.
        weight_decay: Weight decay of AdamW.
        dropout: Share of the query features dropped in training.
        seed: Random seed of weights, batches and the graph's queries.
    """

    embedder: Embedder | None = None
    dimensions: int = 32
    context: int = 1024
    steps: int = 200
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    dropout: float = 0.5
    seed: int = 0

    def fit(self, table: RoutingTable) -> Self:
        """Learn the messages and store the graph. Raises MissingExtraError without torch, InputError without scores."""
        targets = UnitTargets.of(table)
        self.candidates_ = list(table.candidates)
        self.low_, self.span_ = targets.low, targets.span
        self.tasks_ = numbered(table.tasks)
        with seeded(self.seed) as torch:
            self.embedder_ = fitted_embedder(self.embedder, table.prompts)
            x = torch.from_numpy(self.embedder_.encode(table.prompts))
            task = torch.tensor([self.tasks_[t] for t in table.tasks])
            values, given = torch.from_numpy(targets.values), torch.from_numpy(targets.given)
            mean = (values * given).sum(dim=1, keepdim=True) / given.sum(dim=1, keepdim=True).clamp(min=1)
            edges = (values - mean) * given  # relative to the other candidates on this query
            edges = edges / edges.square().mean().sqrt().clamp(min=1e-6)
            llms = torch.from_numpy(_llm_features(table, self.embedder_))
            self.layers_ = self._build(torch, x.shape[1], llms.shape[1], torch.from_numpy(targets.prior))
            optimiser = torch.optim.AdamW(self.layers_.parameters(), self.learning_rate, weight_decay=self.weight_decay)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.steps)
            for _ in range(self.steps):
                order = torch.randperm(len(x))
                size = min(self.batch_size, math.ceil(len(x) / 4))
                batch, graph = order[:size], order[size : size + self.context]
                nodes = (x[graph], task[graph], edges[graph], llms)
                logits = self._predict(torch, nodes, x[batch], task[batch])
                descend(masked_loss(torch, logits, values[batch], given[batch]), optimiser, schedule)
            self.layers_.eval()
            kept = torch.randperm(len(x))[: self.context]
            self.graph_ = (x[kept], task[kept], edges[kept], llms)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Floats:
        """[Q, C] float32 predicted targets. The node of an unseen task is connected to all train queries."""
        graph = learned(self, "graph_")
        if not prompts:
            return np.zeros((0, len(self.candidates_)), np.float32)
        with seeded(self.seed) as torch, torch.no_grad():
            x = torch.from_numpy(self.embedder_.encode(prompts))
            task = torch.tensor([self.tasks_.get(t, len(self.tasks_)) for t in tasks], dtype=torch.int64)
            chances: Floats = torch.sigmoid(self._predict(torch, graph, x, task)).numpy()
        return self.low_ + self.span_ * chances

    def _build(self, torch: Any, query_width: int, llm_width: int, prior: Any) -> Any:
        """One linear map per kind of message."""
        nn, d = torch.nn, self.dimensions
        layers = nn.ModuleDict({name: nn.Linear(d, d) for name in _MESSAGES})
        layers["query"] = nn.Sequential(nn.Dropout(self.dropout), nn.Linear(query_width, d), nn.ReLU())
        layers["llm"] = nn.Linear(llm_width, d)
        layers["own"] = nn.Embedding(len(prior), d)  # what the description lacks
        layers["prior"] = nn.ParameterList([nn.Parameter(prior.clone()), nn.Parameter(torch.ones(()))])
        return layers

    def _predict(self, torch: Any, graph: tuple[Any, Any, Any, Any], x: Any, task: Any) -> Any:
        """[B, C] log-odds of the edges from queries `x` [B, e] of tasks [B] to each candidate."""
        graph_x, graph_task, edges, llm_features = graph
        lay, relu = self.layers_, torch.nn.functional.relu
        queries, targets = lay["query"](graph_x), lay["query"](x)
        llms = lay["llm"](llm_features) + lay["own"].weight
        member = torch.nn.functional.one_hot(graph_task, len(self.tasks_) + 1).float()
        member[:, -1] = 1  # the node of unseen tasks is connected to every query
        count = member.sum(dim=0)
        share = (member / count.clamp(min=1)).T
        tasks = relu(lay["query_to_task"](share @ queries))
        # First round: queries receive messages from their task and candidates, candidates from their queries.
        heard = lay["llm_to_query"](edges @ llms / edges.shape[1])
        queries_1 = relu(lay["query_self"](queries) + lay["task_to_query"](tasks[graph_task]) + heard)
        targets_1 = relu(lay["query_self"](targets) + lay["task_to_query"](tasks[task]))
        llms_1 = lay["llm_self"](llms) + lay["query_to_llm"](edges.T @ queries / max(len(edges), 1))
        # Second round: tasks receive the first round of their queries, and the scores on their edges.
        tasks_1 = relu(lay["task_self"](tasks) + lay["query_to_task_2"](share @ queries_1))
        # [T + 1, C] relative scores of the candidates in each task, shrunk towards 0.
        paths = share @ edges * (count / (count + 5))[:, None]
        tasks_1 = tasks_1 + lay["llm_to_task"](paths @ llms)
        targets_2 = lay["query_self_2"](targets_1) + lay["task_to_query_2"](tasks_1[task])
        prior, weight = lay["prior"]
        return targets_2 @ llms_1.T / math.sqrt(self.dimensions) + prior + weight * paths[task]


_MESSAGES = (
    "query_to_task", "llm_to_query", "query_self", "task_to_query", "llm_self", "query_to_llm", "task_self", "query_to_task_2",
    "llm_to_task", "query_self_2", "task_to_query_2",
)  # fmt: skip


def _llm_features(table: RoutingTable, embedder: Embedder) -> Floats:
    """[C, f] float32: the embedded description of each candidate's LLM, logarithms of its size and prices, and its mode.

    An unknown number is replaced by the mean of its column.
    """
    candidates = [Candidate.parse(name) for name in table.candidates]
    rows = [table.llm_info.get(c.llm, {}) for c in candidates]
    described = embedder.encode([row.get("description") or c.llm for row, c in zip(rows, candidates, strict=True)])
    numbers = np.array([[row.get(n) or np.nan for n in ("parameters_b", "input_price", "output_price")] for row in rows], float)
    numbers = np.log(numbers)
    known = ~np.isnan(numbers)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, numbers - np.where(known, numbers, 0).sum(axis=0) / count, 0)
    scaled = centred / np.maximum(np.sqrt((centred**2).sum(axis=0) / count), 1e-6)
    others = sorted({c.mode for c in candidates} - {DIRECT}) or [THINK]
    modes = np.array([[float(c.mode == mode) for mode in others] for c in candidates])
    return np.hstack([described, scaled, modes]).astype(np.float32)
