"""The part of a report about variance and the ceiling, as plain data: what was found, and the sentence that sums it up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from llmfusionbench.evaluation.measures.measure import Measurer
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.ceiling import Ceiling, ceiling
from llmfusionbench.evaluation.variance.components import components
from llmfusionbench.evaluation.variance.plan import plan
from llmfusionbench.evaluation.variance.tested import Tested
from llmfusionbench.statistics import Estimate, Floats, estimate

HALF_WIDTH: Final = 0.01
"""Half-width of the interval of the attainable gain that is planned for."""

PARTS: Final = ("oracle", "luck", "attainable", "at_least", "at_most")
"""The figures of a ceiling, in order."""

_LEAST_QUERIES: Final = 5
_MOSTLY: Final = 0.5

Figure = Callable[[Estimate], dict[str, Any]]


def findings(
    found: Tested, measurer: Measurer, outcomes: Mapping[str, Floats], figure: Figure, *, resamples: int, seed: int
) -> dict[str, Any]:
    """How the variance of the tested scores splits, and the attainable ceiling beside the oracle and the routers.

    Args:
        found: The tested scores.
        measurer: The measurer of their trial.
        outcomes: Router -> outcomes [R, 5] of its choices.
        figure: Makes plain data of an estimate.
        resamples: Number of bootstrap resamples.
        seed: Random seed.

    Returns:
        The block `variance` of report_schema.json.
    """
    cells, names = found.cells, np.array(measurer.trial.table.tasks)[found.rows]
    several = cells.with_replicates()
    used = several if several.any() else np.ones(len(names), bool)
    kept, rows = cells.rows(used), found.rows[used]
    reference = measurer.trial.strongest[rows]
    obstacle = _obstacle(found, kept)
    split = None if obstacle else components(kept, resamples=resamples, seed=seed)
    block: dict[str, Any] = {
        "scores": int(cells.count.sum()),
        "cells": int((cells.count > 0).sum()),
        "replicated": int((cells.count > 1).sum()),
        "queries": int(used.sum()),
        "skipped_tasks": sorted(set(names[~used].tolist())),
        "reference": sorted({measurer.trial.table.candidates[c] for c in np.unique(reference) if c >= 0}),
        "components": None
        if split is None
        else {
            name: {"variance": figure(value), "share": figure(split.share[name]) if name in split.share else None}
            for name, value in split.variance.items()
        },
        "ceiling": None,
        "routers": [],
        "plan": None,
    }
    if obstacle:
        return block | {"conclusion": f"The ceiling cannot be told: {obstacle}."}
    if not several.any():
        designs = [{"samples": p.samples, "queries": p.queries} for p in plan(kept, half_width=HALF_WIDTH, seed=seed)]
        return block | {"plan": {"half_width": HALF_WIDTH, "designs": designs}, "conclusion": _untold(designs)}
    top = ceiling(kept, reference, seed=seed)
    base = measurer.strongest[:, 0]
    inside = np.isin(np.arange(len(base)), rows)
    gains = {
        name: estimate(measurer.resamples.mean(np.where(inside, own[:, 0] - base, np.nan)), int(inside.sum()))
        for name, own in outcomes.items()
    }
    designs = _more_queries(top, float(kept.count[kept.count > 0].mean()))
    return block | {
        "ceiling": {part: figure(getattr(top, part)) for part in PARTS},
        "routers": [{"name": name, "gain": figure(gain)} for name, gain in gains.items()],
        "plan": {"half_width": HALF_WIDTH, "designs": designs} if designs else None,
    }


def _obstacle(found: Tested, kept: Cells) -> str:
    """Why neither components nor a ceiling can be estimated; empty if they can."""
    if found.averaged:
        return "a routing table holds means over replicates, not the replicates. Evaluate the release instead"
    if ((kept.count > 0).sum(axis=1) > 1).sum() < _LEAST_QUERIES:
        return f"fewer than {_LEAST_QUERIES} tested queries have scores of two candidates"
    if np.nanmin(kept.values) < 0 or np.nanmax(kept.values) > 1:
        return "some scores lie outside 0 to 1"
    return ""
