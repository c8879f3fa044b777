"""The part of a report about variance and the ceiling, as plain data: what was found, and the sentence that sums it up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from llmfusionbench.evaluation.measures.measure import Measurer
from llmfusionbench.evaluation.report.figures import figure
from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.evaluation.variance.ceiling import Ceiling, ceiling
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.components import components
from llmfusionbench.evaluation.variance.plan import SAMPLES, queries_needed
from llmfusionbench.evaluation.variance.tested import Tested
from llmfusionbench.evaluation.variance.words import conclusion
from llmfusionbench.statistics import Floats, mean

HALF_WIDTH: Final = 0.01
"""Half-width of the interval of the attainable gain that is planned for."""

PARTS: Final = ("oracle", "luck", "attainable", "at_least", "at_most")
"""The figures of a ceiling, in order."""

_LEAST_QUERIES: Final = 5


def findings(found: Tested, measurer: Measurer, outcomes: Mapping[str, Floats], *, seed: int) -> dict[str, Any]:
    """How the variance of the tested scores splits, and the attainable ceiling beside the oracle and the routers.

    Only tasks with replicates count, if there are any.

    Args:
        found: The tested scores.
        measurer: The measurer of their trial.
        outcomes: Router -> outcomes [R, 5] of its choices; the first is the one that the conclusion names.
        seed: Random seed.

    Returns:
        The block `variance` of report_schema.json.
    """
    cells, tasks = found.cells, np.array(measurer.trial.table.tasks)[found.rows]
    several = cells.with_replicates()
    used = several if several.any() else np.ones(len(tasks), bool)
    kept, rows = cells.rows(used), found.rows[used]
    reference = measurer.trial.strongest[rows]
    obstacle = _obstacle(found, kept, reference)
    block: dict[str, Any] = {
        "scores": int(cells.count.sum()),
        "cells": int((cells.count > 0).sum()),
        "replicated": int((cells.count > 1).sum()),
        "queries": int(used.sum()),
        "skipped_tasks": sorted(set(tasks[~used].tolist())),
        "reference": sorted({measurer.trial.table.candidates[c] for c in np.unique(reference) if c >= 0}),
        "components": None if obstacle else _components(kept, measurer.resamples, seed),
        "ceiling": None,
        "routers": [],
        "plan": None,
    }
    if not obstacle and not several.any():
        block["plan"] = _planned(SAMPLES, queries_needed(kept, half_width=HALF_WIDTH, seed=seed))
    elif not obstacle:
        top = ceiling(kept, reference, seed=seed)
        block["ceiling"] = {part: figure(getattr(top, part)) for part in PARTS}
        block["routers"] = [{"name": name, "gain": _gain(own, measurer, rows)} for name, own in outcomes.items()]
        block["plan"] = _more_queries(top, kept)
    return block | {"conclusion": conclusion(block, obstacle)}


def _components(cells: Cells, resamples: int, seed: int) -> dict[str, Any]:
    """Component -> its variance and its share of the total, which has none itself."""
    split = components(cells, resamples=resamples, seed=seed)
    return {
        name: {"variance": figure(value), "share": figure(split.share[name]) if name in split.share else None}
        for name, value in split.variance.items()
    }


def _gain(own: Floats, measurer: Measurer, rows: Indices) -> dict[str, Any]:
    """Mean gain in performance of a router's choices over the reference, on some rows of the trial."""
    difference = np.full(len(own), np.nan)
    difference[rows] = own[rows, 0] - measurer.strongest[rows, 0]
    return figure(mean(measurer.sample.mean(difference), int((~np.isnan(difference)).sum())))


def _planned(samples: float, queries: int) -> dict[str, Any]:
    return {"half_width": HALF_WIDTH, "samples": samples, "queries": queries}


def _more_queries(top: Ceiling, cells: Cells) -> dict[str, Any] | None:
    """The queries that would narrow the interval of the attainable gain to the half-width, sampled as these; None if it is."""
    half = (top.attainable.high - top.attainable.low) / 2
    if half <= HALF_WIDTH:
        return None
    samples = round(float(cells.count[cells.count > 0].mean()), 1)
    return _planned(samples, math.ceil(top.queries * (half / HALF_WIDTH) ** 2))


def _obstacle(found: Tested, kept: Cells, reference: Indices) -> str:
    """Why neither components nor a ceiling can be estimated; empty if they can."""
    if found.averaged:
        return "a routing table holds means over replicates. Remedy: evaluate the release itself"
    compared = (reference >= 0) & ((kept.count > 0).sum(axis=1) > 1)
    compared &= kept.count[np.arange(len(reference)), np.maximum(reference, 0)] > 0
    if compared.sum() < _LEAST_QUERIES:
        return f"fewer than {_LEAST_QUERIES} tested queries have scores of the best single candidate and of another one"
    if np.nanmin(kept.values) < 0 or np.nanmax(kept.values) > 1:
        return "some scores lie outside 0 to 1"
    return ""
