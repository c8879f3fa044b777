"""What the torch routers share: the import, seeding, targets and training steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.parts import no_scores
from llmfusionbench.errors import MissingExtraError
from llmfusionbench.release.routing_table import RoutingTable

Floats = npt.NDArray[np.float32]


def import_torch() -> Any:
    """The module torch. Raises MissingExtraError if it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "torch") from error
    return torch


@contextmanager
def seeded(seed: int, *, threads: int | None = 1) -> Iterator[Any]:
    """torch with its generator seeded; the caller's random state is restored afterwards.

    Small networks are fastest on one thread, above all on a busy machine. `threads=None` leaves the number as it is.
    """
    torch = import_torch()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before if threads is None else threads)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield torch
    finally:
        torch.set_num_threads(before)


class UnitTargets(NamedTuple):
    """Targets of a table, scaled to 0..1 by the extremes of the whole table, for losses that take probabilities."""

    values: Floats
    """[Q, C] 0 where missing: use it together with `given`."""
    given: Floats
    """[Q, C] 1 for a value, 0 for a missing one."""
    low: float
    span: float
    """The original value is low + span * value."""
    prior: Floats
    """[C] log-odds of each candidate's mean, shrunk slightly towards the overall mean; the lowest for one without values."""

    @classmethod
    def of(cls, table: RoutingTable) -> UnitTargets:
        """Scale `table.target`. Raises InputError if it has no value at all."""
        target = table.target
        known = ~np.isnan(target)
        if not known.any():
            raise no_scores(table)
        low = float(target[known].min())
        span = float(target[known].max()) - low or 1.0
        values = np.where(known, (target - low) / span, 0).astype(np.float32)
        counts = known.sum(axis=0)
        mean = (values.sum(axis=0) + values.sum() / known.sum()) / (counts + 1)
        mean[counts == 0] = mean.min()
        bounded = np.clip(mean, 0.01, 0.99)
        return cls(values, known.astype(np.float32), low, span, np.log(bounded / (1 - bounded)).astype(np.float32))


def masked_loss(torch: Any, logits: Any, values: Any, given: Any) -> Any:
    """Mean cross-entropy of `logits` [B, C] over the cells that are `given`."""
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, values, reduction="none")
    return (losses * given).sum() / given.sum().clamp(min=1)


def descend(loss: Any, optimiser: Any, schedule: Any = None) -> None:
    """One gradient step."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if schedule is not None:
        schedule.step()
