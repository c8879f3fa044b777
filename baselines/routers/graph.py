"""`graph`: queries, LLMs and tasks as the nodes of one graph, and the edges of new queries predicted (GraphRouter, Feng, Shen
and You 2025, arXiv 2410.03834).

A query has an edge to its task, and an edge to every candidate that answered it, which carries how well. Two rounds of messages
run over the edges of train queries; a query to be routed has its task's edge alone. In training the edges of the batch are
taken out of the graph, so that what is to be predicted is never among the messages. Plain matrices, no graph library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from llmfusionbench.baselines.routers.shared.neural import Floats, UnitTargets, fitted_embedder, seeded
from llmfusionbench.baselines.routers.shared.parts import learned
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder
from llmfusionbench.types import Candidate


class GraphRouter:
    """Scores are predicted targets.

    Args:
        embedder: Makes the first features of queries, and of LLMs from their descriptions; TF-IDF and SVD by default.
        dimensions: Of a node.
        context: Train queries in the graph, at most; more are drawn from.
        steps: Gradient steps; they bound the time, whatever the size of the table.
        batch_size: Queries a step whose edges are predicted.
        learning_rate: Of AdamW, falling to nothing.
        weight_decay: Of AdamW.
        dropout: Share of the query features dropped in training.
        seed: Of weights, batches and the graph's queries.
    """

    def __init__(
        self,
        *,
        embedder: Embedder | None = None,
        dimensions: int = 32,
        context: int = 1024,
        steps: int = 200,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        dropout: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.embedder = embedder
        self.dimensions = dimensions
        self.context = context
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.seed = seed

    def fit(self, table: RoutingTable) -> Self:
        """Learn the messages and keep the graph.

        Raises:
            MissingExtraError: torch is not installed; InputError: the table has no value to fit on.
        """
        targets = UnitTargets.of(table)
        self.candidates_ = list(table.candidates)
        self.low_, self.span_ = targets.low, targets.span
        self.tasks_ = {task: i for i, task in enumerate(sorted(set(table.tasks)))}
        with seeded(self.seed) as torch:
            self.embedder_ = fitted_embedder(self.embedder, table.prompts)
            x = torch.from_numpy(self.embedder_.encode(table.prompts))
            task = torch.tensor([self.tasks_[t] for t in table.tasks])
            values, given = torch.from_numpy(targets.values), torch.from_numpy(targets.given)
            mean = (values * given).sum(dim=1, keepdim=True) / given.sum(dim=1, keepdim=True).clamp(min=1)
            edges = (values - mean) * given  # better or worse than the others on this query
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
                losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, values[batch], reduction="none")
                loss = (losses * given[batch]).sum() / given[batch].sum().clamp(min=1)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            self.layers_.eval()
            kept = torch.randperm(len(x))[: self.context]
            self.graph_ = (x[kept], task[kept], edges[kept], llms)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Floats:
        """[Q, C] float32 predicted targets. A task that was not seen has the mean of all tasks for its node."""
        graph = learned(self, "graph_")
        if not prompts:
            return np.zeros((0, len(self.candidates_)), np.float32)
        with seeded(self.seed) as torch, torch.no_grad():
            x = torch.from_numpy(self.embedder_.encode(prompts))
            task = torch.tensor([self.tasks_.get(t, len(self.tasks_)) for t in tasks], dtype=torch.int64)
            chances: Floats = torch.sigmoid(self._predict(torch, graph, x, task)).numpy()
        return self.low_ + self.span_ * chances

    def _build(self, torch: Any, query_width: int, llm_width: int, prior: Any) -> Any:
        """One linear map for every kind of message."""
        nn, d = torch.nn, self.dimensions
        layers = nn.ModuleDict({name: nn.Linear(d, d) for name in _MESSAGES})
        layers["query"] = nn.Sequential(nn.Dropout(self.dropout), nn.Linear(query_width, d), nn.ReLU())
        layers["llm"] = nn.Linear(llm_width, d)
        layers["own"] = nn.Embedding(len(prior), d)  # what no description says
        layers["prior"] = nn.ParameterList([nn.Parameter(prior.clone()), nn.Parameter(torch.ones(()))])
        return layers

    def _predict(self, torch: Any, graph: tuple[Any, Any, Any, Any], x: Any, task: Any) -> Any:
        """[B, C] log-odds of the edges from the queries `x` [B, e] of tasks [B] to every candidate."""
        graph_x, graph_task, edges, llm_features = graph
        lay, relu = self.layers_, torch.nn.functional.relu
        queries, targets = lay["query"](graph_x), lay["query"](x)
        llms = lay["llm"](llm_features) + lay["own"].weight
        member = torch.nn.functional.one_hot(graph_task, len(self.tasks_) + 1).float()
        member[:, -1] = 1  # the node that stands for a task not seen knows every query
        count = member.sum(dim=0)
        share = (member / count.clamp(min=1)).T
        tasks = relu(lay["query_to_task"](share @ queries))
        # First round: queries hear from their task and their candidates, candidates from their queries.
        heard = lay["llm_to_query"](edges @ llms / edges.shape[1])
        queries_1 = relu(lay["query_self"](queries) + lay["task_to_query"](tasks[graph_task]) + heard)
        targets_1 = relu(lay["query_self"](targets) + lay["task_to_query"](tasks[task]))
        llms_1 = lay["llm_self"](llms) + lay["query_to_llm"](edges.T @ queries / max(len(edges), 1))
        # Second round: tasks hear from their queries what these heard, and what became of their edges.
        tasks_1 = relu(lay["task_self"](tasks) + lay["query_to_task_2"](share @ queries_1))
        # [T + 1, C] how the candidates did on the queries of each task, as if a few more had been like all the others.
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
    """[C, f] float32: the description of each candidate's LLM as a vector, its size and prices in logarithms, its mode.

    A number that is not known has its column's mean, and so says nothing.
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
    think = np.array([[float(c.mode == "think")] for c in candidates])
    return np.hstack([described, scaled, think]).astype(np.float32)
