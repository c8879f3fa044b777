"""Costs that the tokens and prices do not give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import Floats, numbers
from llmfusionbench.auditing.row_detector import Judged, RowDetector

TOLERANCE: Final = 0.02
"""Relative difference from which a cost is wrong."""
SMALLEST: Final = 1e-6
"""Smallest difference that counts, USD: costs are often rounded."""
DISCOUNTS: Final[Mapping[str, float]] = {"batch": 0.5, "flex": 0.5}
"""Service tier -> the lowest share of the list price that is known to be charged there. A release does not state discounts."""
CACHED: Final = 0.1
"""The lowest share of the input price that is charged for input tokens read from a cache."""


class Costs(RowDetector):
    """Compares `cost_usd` with input and output tokens at list price.

    A lower cost is allowed where the row explains it: by cached input tokens, or by a service tier in `DISCOUNTS`.
    """

    name = "costs"
    columns = ("input_tokens", "output_tokens", "cached_tokens", "service_tier", "cost_usd", "input_price", "output_price")
    title = "Costs that tokens and prices do not give"
    remedy = "Correct the prices of these LLMs, or run llmfusionbench tokens to count and price all answers again"
    severity = "medium"
    shown: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.given, self.listed = 0.0, 0.0
        """Sums over the hits, USD."""
        self.below = 0
        """Hits below the lowest cost at a service tier of `DISCOUNTS`."""

    def judge(self, batch: pa.RecordBatch) -> Judged:
        given = numbers(batch["cost_usd"])
        low, high = expected_costs(batch)
        known = ~np.isnan(given) & ~np.isnan(high)
        slack = np.maximum(TOLERANCE * high, SMALLEST)
        hits = known & ((given < low - slack) | (given > high + slack))
        self.given += float(given[hits].sum())
        self.listed += float(high[hits].sum())
        self.below += int((hits & (given < low) & (_shares(batch) < 1)).sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            ranks = np.abs(np.log((given + SMALLEST) / (high + SMALLEST)))

        def note(row: int) -> str:
            parts = (f"{name} {batch[name][row].as_py()}" for name in self.columns)
            return f"The tokens cost {high[row]:.6g} USD at list price: {', '.join(parts)}."

        return Judged(hits, known, ranks, note)

    def merge(self, other: Self) -> None:
        super().merge(other)
        self.given += other.given
        self.listed += other.listed
        self.below += other.below

    def what(self) -> str:
        times = f", {self.given / self.listed:.2f} times as much" if self.listed else ""
        are, tiers = "is" if self.below == 1 else "are", " or ".join(DISCOUNTS)
        agreed = (
            f" {self.below:,} of them {are} at the service tier {tiers}, below the discount known for it: a release does not "
            "state a larger one, which may be right."
        )
        return (
            f"{self.tally.count:,} of {self.tally.total:,} costs differ by more than {TOLERANCE:.0%} from their list price: "
            f"together they are {self.given:.6g} USD, where {self.listed:.6g} is expected{times}.{agreed if self.below else ''}"
        )


def expected_costs(batch: pa.RecordBatch) -> tuple[Floats, Floats]:
    """[n] the lowest and the highest cost, USD, that tokens, prices and stated discounts give; NaN if one is not known."""
    tokens_in, tokens_out, price_in, price_out = (
        numbers(batch[name]) for name in ("input_tokens", "output_tokens", "input_price", "output_price")
    )
    cached = np.minimum(np.nan_to_num(numbers(batch["cached_tokens"])), np.nan_to_num(tokens_in))
    high = (tokens_in * price_in + tokens_out * price_out) / 1e6
    return _shares(batch) * (high - (1 - CACHED) * cached * price_in / 1e6), high


def _shares(batch: pa.RecordBatch) -> Floats:
    """[n] the lowest share of the list price that the service tier explains."""
    tiers = batch["service_tier"].dictionary_encode()
    shares = np.array([*(DISCOUNTS.get(tier or "", 1.0) for tier in tiers.dictionary.to_pylist()), 1.0])
    found: Floats = shares[tiers.indices.fill_null(len(shares) - 1).to_numpy()]
    return found
