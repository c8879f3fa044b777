"""Measures how often the interval of a pilot's forecast holds what the whole collection then costs; nominal is 95%.

    python benchmarks/figures/pilot_coverage.py

Simulated are 500 calls in two groups, such as two tasks, one of which costs four times as much, with lognormal costs. The
table of docs/collect.md comes from it.
"""

from __future__ import annotations

import numpy as np

from llmfusionbench.builders.collecting.totals import between, group_total, summed

CALLS = 250
"""Per group: the calls of one LLM, task and mode."""
SCALES = (0.001, 0.004)
"""USD, the median cost of a call in each group."""
SPREADS = {"even": 0.3, "skewed": 0.8, "very skewed": 1.2}
"""Standard deviation of the logarithm of the cost."""
MEASURED = (5, 10, 20, 50, 100)
"""Calls per group that are measured."""


def coverage(n: int, *, rounds: int = 5000, spread: float = 0.8, of_plan: bool = True, seed: int = 11) -> float:
    """The share of simulated collections whose cost is inside the interval.

    Args:
        n: Measured calls per group.
        rounds: Number of simulated collections.
        spread: Standard deviation of the logarithm of the cost.
        of_plan: Whether the measured calls are among the planned ones, as in a pilot, or were made by an earlier run.
        seed: Seed of the simulation.
    """
    draw = np.random.default_rng(seed)
    inside = 0
    for _ in range(rounds):
        parts, real = [], 0.0
        for scale in SCALES:
            costs = scale * np.exp(draw.normal(0, spread, CALLS + n))
            measured, others = costs[:n], costs[n : CALLS if of_plan else CALLS + n]
            known = float(measured.sum()) if of_plan else 0.0
            parts.append(group_total(measured.tolist(), len(others), known))
            real += known + float(others.sum())
        found = between(summed(parts))
        inside += found.low <= real <= found.high
    return inside / rounds


def main() -> None:
    print("| measured per group | " + " | ".join(SPREADS) + " |")
    print("|---" * (1 + len(SPREADS)) + "|")
    for n in MEASURED:
        print(f"| {n} | " + " | ".join(f"{coverage(n, spread=spread):.1%}" for spread in SPREADS.values()) + " |")


if __name__ == "__main__":
    main()
