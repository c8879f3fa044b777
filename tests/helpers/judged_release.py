"""Releases with judges whose faults are planted, so that a report on judges has something known to find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmfusionbench.release import Release
from tests.helpers.made_up_release import answer, made_up_release

Judge = Callable[[np.random.Generator, dict[str, Any]], float | None]
"""Score of an answer; None = no score."""

SKILLS = {"alpha-7b": 0.3, "beta-8b": 0.5, "gamma-9b": 0.8}


def judged_rows(
    judges: dict[str, Judge],
    *,
    queries: int = 60,
    skills: dict[str, float] = SKILLS,
    labelled: Sequence[str] | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Answers of some LLMs, each scored by every judge, who sees `llm`, `number`, `right` and `characters`.

    Args:
        judges: Name -> score of an answer.
        queries: Number of queries.
        skills: LLM -> share of its answers that is right.
        labelled: LLMs whose performance is known; by default all.
        seed: Random seed.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(queries):
        for llm, skill in skills.items():
            right, words = float(rng.random() < skill), int(rng.integers(10, 400))
            known = right if labelled is None or llm in labelled else None
            text = f"{llm} {number} " + "word " * words + "end"
            made = answer(number, llm, response=text, performance=known)
            facts = {"llm": llm, "number": number, "right": right, "characters": len(text)}
            rows += [made | {"judge": name, "judge_score": judge(rng, facts)} for name, judge in judges.items()]
    return rows


def judged_release(folder: Path, judges: dict[str, Judge], **options: Any) -> Release:
    """The release of `judged_rows`."""
    return made_up_release(folder, judged_rows(judges, **options))


def noisy(rng: np.random.Generator, facts: dict[str, Any]) -> float:
    """A judge that is right up to noise, on a compressed scale, in tenths."""
    return round(float(np.clip(0.2 + 0.6 * facts["right"] + rng.normal(0, 0.15), 0, 1)), 1)


def exact(_: np.random.Generator, facts: dict[str, Any]) -> float:
    """A judge that is always right."""
    return float(facts["right"])


def guessing(rng: np.random.Generator, _: dict[str, Any]) -> float:
    """A judge that does not read."""
    return round(float(rng.random()), 1)


def lengthy(rng: np.random.Generator, facts: dict[str, Any]) -> float:
    """A judge that adds .05 for every doubling of the length."""
    return float(np.clip(0.2 + 0.2 * facts["right"] + 0.05 * np.log2(facts["characters"]) + rng.normal(0, 0.02), 0, 1))


def partial_to(llm: str) -> Judge:
    """A judge that adds .2 to the answers of an LLM."""

    def score(rng: np.random.Generator, facts: dict[str, Any]) -> float:
        return float(np.clip(0.3 + 0.3 * facts["right"] + 0.2 * (facts["llm"] == llm) + rng.normal(0, 0.05), 0, 1))

    return score
