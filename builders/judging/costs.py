"""What judges cost for each answer, by the history of a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench.builders.judging.outcome import Judged
from llmfusionbench.release import Release

STEP: Final = "judge"
"""The step in the history of a release."""
_COST: Final = "cost_usd"


def cost_figures(judges: list[Judged], answers: Mapping[str, int]) -> dict[str, Any]:
    """For the history: what the judgements of each judge with a known cost took, USD, and of how many further answers or pairs.

    What attempts took at a question without a reply is stated by the step that brings one.
    """
    told = [(j.judge, j.replied.cost_usd, answers.get(j.judge, 0)) for j in judges if not j.replied.unpriced]
    return {_COST: {judge: {"usd": round(usd, 9), "answers": count} for judge, usd, count in told if usd or count}}


def costs_of(release: Release) -> dict[str, float]:
    """Judge -> USD per answer that it judged alone, retests included; without judges whose cost the history does not state."""
    usd: dict[str, float] = {}
    answers: dict[str, int] = {}
    for step in release.manifest.get("history", []):
        if step.get("step") != STEP or step.get("options", {}).get("pairwise") or not isinstance(step.get(_COST), dict):
            continue
        for judge, told in step[_COST].items():
            usd[judge] = usd.get(judge, 0.0) + told["usd"]
            answers[judge] = answers.get(judge, 0) + told["answers"]
    return {judge: usd[judge] / count for judge, count in answers.items() if count}
