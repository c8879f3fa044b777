"""`check_router`: the conformance suite for routers, ours and yours."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.evaluation.routers.by_name import resolve
from llmfusionbench.evaluation.routers.decision import decide, name_of
from llmfusionbench.release.routing_table import RoutingTable


def check_router(router: Any, *, seed: int = 0) -> list[str]:
    """Check that a router does what `evaluate` relies on, on a small made-up table.

    The router is made without arguments, fitted, and asked. It must choose one candidate of the table per query; give finite
    scores of the right shape; answer the same when asked or fitted again, and for queries one by one or all at once; and cope
    with missing scores, a missing prompt and an unseen task. Its constructor must only store its arguments, and its `fit` must
    return it and leave the table unchanged.

    Args:
        router: An object, a class, or anything else that `evaluate` takes. Objects are copied.
        seed: Random seed of the made-up table.

    Returns the names of the checks passed. Raises InputError that lists all failures, or MissingExtraError without a package.
    """
    made = resolve(copy.deepcopy(router), seed=seed)
    name = name_of(made)
    train, test = made_up_table(60, seed), made_up_table(12, seed + 1, prefix="test")
    passed: list[str] = []
    failed: list[str] = []

    def check(what: str, holds: bool, found: object = "") -> None:
        (passed if holds else failed).append(what if holds else f"{what}{f': {found}' if found != '' else ''}")

    early = [a for a in getattr(made, "__dict__", {}) if a.endswith("_") and not a.startswith("_")]
    check("the constructor learns nothing", not early, ", ".join(early))
    before = [np.array(m) for m in (train.performance, train.cost, train.judge)]
    try:
        fitted = _fitted(made, train, check)
    except MissingExtraError:
        raise
    except Exception as error:  # a router may raise anything
        failed.append(f"fitted, it raises {type(error).__name__}: {error}")
        raise _failure(name, failed) from error
    after = (train.performance, train.cost, train.judge)
    check(
        "fit leaves the table as it was", all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))
    )
    sees_truth = getattr(fitted, "needs_truth", False)
    try:
        first = decide(fitted, test, train)
        check("every query has a choice", not first.faults, "; ".join(first.faults[:3]))
        again = decide(fitted, test, train)
        check("the same answers when asked again", np.array_equal(first.choice, again.choice))
        refitted = _fitted(resolve(copy.deepcopy(router), seed=seed), train, lambda *_: None)
        check("the same answers when fitted again", np.array_equal(first.choice, decide(refitted, test, train).choice))
        if not sees_truth and not getattr(fitted, "per_batch", False):
            single = np.concatenate([decide(fitted, test.rows([i]), train).choice for i in range(len(test))])
            check(
                "the same answers one by one", np.array_equal(first.choice, single), f"{(first.choice != single).sum()} differ"
            )
        if not sees_truth:
            strange = replace(test.rows([0, 1]), prompts=[None, ""], tasks=["a task never seen"] * 2)
            odd = decide(fitted, strange, train)
            check("a choice without a prompt, and for a task never seen", not odd.faults, "; ".join(odd.faults))
    except InputError as error:
        failed.append(str(error))
    except Exception as error:  # a router may raise anything
        failed.append(f"asked for choices, it raises {type(error).__name__}: {error}")
    if failed:
        raise _failure(name, failed)
    return passed


def _failure(name: str, failed: list[str]) -> InputError:
    noun = "check" if len(failed) == 1 else "checks"
    return InputError(f"router {name}: fails {len(failed)} {noun}: " + "; ".join(failed))


def made_up_table(queries: int, seed: int, prefix: str = "train") -> RoutingTable:
    """Queries of two tasks for three LLMs in two modes; a tenth of the cells is missing, but no whole row."""
    rng = np.random.default_rng(seed)
    tasks = [("sums", "capitals")[i % 2] for i in range(queries)]
    words = ("river", "seven", "count", "largest", "city", "apples", "train", "north", "half", "price")
    prompts = [f"{task}: {' '.join(rng.choice(words, 8))} {i}?" for i, task in enumerate(tasks)]
    candidates = ["big-70b", "big-70b_think", "code-7b", "code-7b_think", "small-7b", "small-7b_think"]
    skill = {"sums": (0.8, 0.9, 0.6, 0.7, 0.3, 0.5), "capitals": (0.9, 0.8, 0.3, 0.2, 0.6, 0.6)}
    performance = np.array([rng.random(6) < skill[task] for task in tasks], np.float32)
    cost = np.array([1e-3, 4e-3, 1e-4, 5e-4, 1e-4, 4e-4], np.float32) * rng.uniform(0.5, 1.5, (queries, 6)).astype(np.float32)
    judge = np.clip(performance * 0.6 + rng.random((queries, 6)) * 0.4, 0, 1).astype(np.float32)
    gone = rng.random((queries, 6)) < 0.1
    gone[:, 0] = False
    for matrix in (performance, judge):
        matrix[gone] = np.nan
    cost[rng.random((queries, 6)) < 0.05] = np.nan
    info = {
        "big-70b": {"llm": "big-70b", "scale": "medium", "parameters_b": 70.0, "input_price": 0.9, "output_price": 0.9,
                    "license": "llama3", "description": "A large model for anything.", "family": "big", "endpoint": None},
        "code-7b": {"llm": "code-7b", "scale": "small", "parameters_b": 7.0, "input_price": 0.1, "output_price": 0.1,
                    "license": "apache-2.0", "description": "A small model for code and sums.", "family": "code",
                    "endpoint": None},
        "small-7b": {"llm": "small-7b", "scale": "small", "parameters_b": 7.0, "input_price": 0.1, "output_price": 0.1,
                     "license": None, "description": None, "family": None, "endpoint": None},
    }  # fmt: skip
    ids = [f"{prefix}-{i:04d}" for i in range(queries)]
    domains = ["math" if task == "sums" else "knowledge" for task in tasks]
    return RoutingTable(ids, list(prompts), tasks, candidates, performance, cost, judge, domains, info)


def _fitted(router: Any, table: RoutingTable, check: Any) -> Any:
    if not hasattr(router, "fit"):
        return router
    learned = router.fit(table)
    check("fit returns the router", learned is router)
    return router
