"""What the routers that need torch share: the import, seeds that leave no trace, and targets as a loss wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder, TfidfSvdEmbedder

Floats = npt.NDArray[np.float32]


def import_torch() -> Any:
    """The module torch.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "torch") from error
    return torch


@contextmanager
def seeded(seed: int, *, threads: int | None = 1) -> Iterator[Any]:
    """torch with its generator at `seed`; the caller's own random numbers go on afterwards as if nothing had been drawn.

    Small networks run on one thread, where they are fastest: threads that wait for each other cost more than they save, and
    very much more on a busy machine. `threads=None` leaves torch as it is.
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
    """[Q, C] 0 where missing: always to be used together with `given`."""
    given: Floats
    """[Q, C] 1 where there is a value, else 0."""
    low: float
    span: float
    """What a scaled value was: low + span * value."""
    prior: Floats
    """[C] log-odds of each candidate's mean, pulled a little towards the mean of all; the least, where it has no value."""

    @classmethod
    def of(cls, table: RoutingTable) -> UnitTargets:
        """Those of `table.target`.

        Raises:
            InputError: it has no value at all.
        """
        target = table.target
        known = ~np.isnan(target)
        if not known.any():
            raise InputError(f"fit: {len(table)} queries without a single score. Remedy: fit on a split that has scores")
        low = float(target[known].min())
        span = float(target[known].max()) - low or 1.0
        values = np.where(known, (target - low) / span, 0).astype(np.float32)
        counts = known.sum(axis=0)
        mean = (values.sum(axis=0) + values.sum() / known.sum()) / (counts + 1)
        mean[counts == 0] = mean.min()
        bounded = np.clip(mean, 0.01, 0.99)
        return cls(values, known.astype(np.float32), low, span, np.log(bounded / (1 - bounded)).astype(np.float32))


def fitted_embedder(embedder: Embedder | None, prompts: Sequence[str | None]) -> Any:
    """The embedder, or the built-in one, fitted on the train prompts if it is one that is fitted."""
    chosen: Any = TfidfSvdEmbedder() if embedder is None else embedder
    fit = getattr(chosen, "fit", None)
    if fit is not None:
        fit(prompts)
    return chosen
