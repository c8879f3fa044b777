"""A report as evaluate writes it, of simulated scores: 25 routers, 40 candidates, 14 tasks, 200 queries to look into."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

DOMAINS = {
    "math": ("gsm8k", "math"),
    "code": ("mbpp", "human_eval"),
    "commonsense": ("commonsense_qa", "arc_challenge", "hellaswag", "openbook_qa"),
    "world_knowledge": ("natural_qa", "trivia_qa"),
    "reading": ("squad", "boolq"),
    "popular": ("mmlu", "gpqa"),
}
TASKS = tuple(task for tasks in DOMAINS.values() for task in tasks)
DOMAIN_OF = {task: domain for domain, tasks in DOMAINS.items() for task in tasks}
LLMS = (
    "granite-8b", "gemma-7b", "llama-7b", "llama-8b", "mistral-7b", "qwen-7b", "mistral-12b", "gemma-9b", "codegemma-7b",
    "palmyra-12b",
    "mixtral-22b", "gemma-27b", "granite-34b", "llama-70b", "llama-70b-instruct", "nemotron-51b", "qwen-32b", "command-r-35b",
    "deepseek-r1", "mixtral-8x22b",
)  # fmt: skip
CANDIDATES = tuple(c for llm in LLMS for c in (llm, f"{llm}_think"))
NOISE = {
    "knn": 0.35, "knn_label": 0.9, "ridge": 0.3, "logistic": 0.45, "svm": 0.5, "mlp": 0.3, "matrix_factorization": 0.4,
    "elo": 0.7,
    "kmeans": 0.5, "cascade": 0.45, "graph": 0.33, "routerdc": 0.4, "bert": 0.36, "aptitude": 0.55, "iterative_ranker": 0.5,
    "reward_distilled": 0.42, "constrained": 0.6, "skills": 0.65, "task_then_expert": 0.25,
}  # fmt: skip
PROMPTS = (
    "A farm has {a} hens. Each lays {b} eggs a week. How many eggs are laid in four weeks?",
    "Write a Python function `f(xs)` that returns the {a} largest items of a list, in order.\n\nassert f([3, 1, 2]) == [3, 2]",
    "Which of these is warmest?\nA. ice of {a} degrees\nB. water of {b} degrees\nC. steam\nD. snow",
    "Who wrote the {a}th book of the series, and in which year after 19{b} did it come out?",
)


def estimate(values: np.ndarray) -> dict[str, float]:
    """Mean with a normal 95% interval."""
    mean, half = float(values.mean()), float(1.96 * values.std() / np.sqrt(len(values)))
    return {"value": mean, "low": mean - half, "high": mean + half, "n": len(values)}


def pairing(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Mean difference on the same queries."""
    found = estimate(ours - theirs)
    p = float(np.exp(-abs(found["value"]) / max(1e-9, found["high"] - found["low"]) * 4))
    return {"gain": found["value"], "low": found["low"], "high": found["high"], "p": p}


def luck(performance: np.ndarray, single: np.ndarray) -> dict[str, Any]:
    """The part of a report about luck, its figures near those of the simulated scores."""
    oracle = estimate(performance.max(axis=1) - performance[np.arange(len(single)), single])
    parts = {"oracle": 1.0, "luck": 0.6, "attainable": 0.4, "at_least": 0.2, "at_most": 0.7}
    shares = {"task": 0.05, "candidate": 0.1, "task_x_candidate": 0.05, "query": 0.2, "query_x_candidate": 0.15, "luck": 0.45}

    def times(factor: float) -> dict[str, float]:
        return {key: x * factor for key, x in oracle.items() if key != "n"} | {"n": len(single)}

    def around(value: float) -> dict[str, float]:
        return {"value": value, "low": 0.9 * value, "high": 1.1 * value, "n": performance.size}

    return {
        "scores": 3 * performance.size, "cells": performance.size, "replicated": performance.size, "queries": len(performance),
        "skipped_tasks": [], "reference": [CANDIDATES[int(single[0])]],
        "components": {name: {"variance": around(0.24 * v), "share": around(v)} for name, v in shares.items()},
        "ceiling": {part: times(factor) for part, factor in parts.items()},
        "routers": [{"name": "knn", "gain": times(0.1)}],
        "plan": None,
        "conclusion": "The oracle gains more than a router could attain.",
    }  # fmt: skip


@cache
def sample_report() -> dict[str, Any]:
    """The report; treat it as read-only, or copy it."""
    rng = np.random.default_rng(0)
    queries, shown = 1_120, 200
    tasks = np.array([TASKS[i % len(TASKS)] for i in range(queries)])
    skill = np.linspace(-0.6, 1.1, 20).repeat(2) + rng.normal(0, 0.25, 40)
    ease = rng.normal(0.3, 0.8, len(TASKS))[np.arange(queries) % len(TASKS)]
    fit = rng.normal(0, 0.6, (len(TASKS), 40))[np.arange(queries) % len(TASKS)]
    chance = 1 / (1 + np.exp(-(ease[:, None] + skill + fit + rng.normal(0, 0.7, (queries, 1)))))
    performance = (rng.random((queries, 40)) < chance).astype(float)
    price = np.linspace(0.00004, 0.0016, 20).repeat(2) * np.tile([1.0, 1.7], 20) * rng.uniform(0.5, 1.6, 40)
    cost = price * rng.lognormal(0, 0.3, (queries, 40))
    judge = np.clip(0.3 + 0.5 * performance + rng.normal(0, 0.15, (queries, 40)), 0, 1)
    single = np.full(queries, chance.mean(0).argmax())
    best = (performance - cost * 1e-3).argmax(1)
    choice = {name: (chance + rng.normal(0, noise, chance.shape) * 0.35).argmax(1) for name, noise in NOISE.items()}
    choice |= {
        "oracle": best,
        "best_single": single,
        "random": rng.integers(0, 40, queries),
        "cheapest": np.full(queries, price.argmin()),
        "largest": np.full(queries, 36),
        "per_task": (chance + rng.normal(0, 0.05, chance.shape)).argmax(1),
    }
    at = np.arange(queries)
    routers = []
    for name, c in choice.items():
        got, paid = performance[at, c], cost[at, c]
        metrics = {
            "performance": estimate(got),
            "cost_usd": estimate(paid),
            "judge": estimate(judge[at, c]),
            "gap_closed": {
                "value": float((got.mean() - performance[at, single].mean()) / 0.2),
                "low": None,
                "high": None,
                "n": queries,
            },
            "ndcg@5": estimate(np.clip(got * 0.3 + 0.6, 0, 1)),
            "mrr": estimate(np.clip(got * 0.4 + 0.2, 0, 1)),
            "entropy": {"value": 1.5, "low": None, "high": None, "n": queries},
        }
        share = np.bincount(c, minlength=40) / queries
        per_task = {t: {"performance": estimate(got[tasks == t]), "cost_usd": estimate(paid[tasks == t])} for t in TASKS}
        domains = np.array([DOMAIN_OF[t] for t in tasks])
        routers.append(
            {
                "name": name,
                "metrics": metrics,
                "per_task": per_task,
                "per_domain": {d: {"performance": estimate(got[domains == d])} for d in DOMAINS},
                "sweep": [
                    {"cost_usd": float(paid.mean() * x), "performance": float(got.mean() * (0.6 + 0.4 * x))}
                    for x in ((0.1, 0.3, 0.7, 1.0) if name in ("knn", "ridge", "mlp") else ())
                ],
                "picks": {CANDIDATES[i]: float(share[i]) for i in range(40) if share[i] > 0},
                "paired": {
                    "best_single": pairing(got, performance[at, single]),
                    "best_baseline": pairing(got, performance[at, choice["per_task"]]),
                },
            }
        )
    like = at % 50 == 0
    effect = [
        {"router": r["name"], "with": r["metrics"]["performance"]["value"], "without": value, "difference": value - whole}
        | {"low": value - whole - 0.01, "high": value - whole + 0.01, "n": int((~like).sum())}
        for r, c in zip(routers, choice.values(), strict=True)
        for value, whole in [(float(performance[at, c][~like].mean()), r["metrics"]["performance"]["value"])]
    ]
    means, costs = performance.mean(0), cost.mean(0)
    frontier = [CANDIDATES[i] for i in np.argsort(costs) if means[i] > max(means[costs < costs[i]], default=-1)]
    sizes = (100, 200, 400, 800, 1_600, 3_200)
    curve = [
        {"router": name, "train_queries": n, "value": v, "low": v - 0.02, "high": v + 0.02}
        for k, name in enumerate(("knn", "ridge", "mlp", "per_task", "elo"))
        for n in sizes
        for v in (0.62 + 0.02 * k + 0.02 * float(np.log2(n / 100)) * (1 - 0.15 * k) + float(rng.normal(0, 0.004)),)
    ]
    explorer = []
    for q in range(shown):
        scores = {CANDIDATES[i]: float(performance[q, i]) for i in range(40)}
        if q % 9 == 0:
            scores[CANDIDATES[q % 40]] = None  # type: ignore[assignment]
        prompt = PROMPTS[q % len(PROMPTS)].format(a=q + 3, b=10 + q % 90)
        choices = {name: CANDIDATES[int(c[q])] for name, c in choice.items()}
        explorer.append(
            {"query_id": f"q{q:016x}", "task": tasks[q].item(), "prompt": prompt, "scores": scores, "choices": choices}
        )
    return {
        "version": "1.1",
        "release": {
            "source": "sample", "revision": "1", "schema_version": "1.0", "provenance": ["simulated"],
            "digest": "sha256:" + "0f" * 32,
        },
        "protocol": {"name": "split", "train": "train", "test": "test"},
        "scenario": "performance_first",
        "duplicates": {"threshold": 0.8, "exact": 5, "near": int(like.sum()) - 5, "queries": [], "effect": effect},
        "seed": 0,
        "queries": {"train": 560, "test": queries},
        "routers": routers,
        "candidates": [
            {
                "candidate": name,
                "performance": estimate(performance[:, i]),
                "cost_usd": estimate(cost[:, i]),
                "judge": estimate(judge[:, i]),
            }
            for i, name in enumerate(CANDIDATES)
        ],
        "variance": luck(performance, single),
        "frontier": frontier,
        "learning_curve": curve,
        "explorer": explorer,
        "warnings": ["12 queries of test are near-duplicates of a train query; without them the gain of knn is 0.002 lower."],
    }  # fmt: skip
