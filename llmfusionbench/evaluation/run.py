"""`evaluate`: routers are fitted and asked fold by fold, then measured together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.evaluation.asking import ask
from llmfusionbench.evaluation.measures.measure import Measurer
from llmfusionbench.evaluation.measures.trial import Trial, stacked_decisions
from llmfusionbench.evaluation.protocol import CURVE_SIZES, Fold, Protocol, widened
from llmfusionbench.evaluation.release_facts import source_of, tokens_of
from llmfusionbench.evaluation.report.report import Report
from llmfusionbench.evaluation.report.summary import Setting, summarise
from llmfusionbench.evaluation.routers.by_name import is_baseline, named_routers, resolve, sees_through
from llmfusionbench.evaluation.routers.decision import Decisions, refuse
from llmfusionbench.evaluation.scenario import scenario_named
from llmfusionbench.evaluation.variance.tested import tested
from llmfusionbench.release import Release, open_release
from llmfusionbench.release.failures import ZERO, all_failed_error
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder
from llmfusionbench.texts.near_duplicates import Overlap, overlap

BASELINES = ("best_single", "per_task", "knn")
"""The default baselines: fast, and hard enough to beat."""

Tables = tuple[RoutingTable, RoutingTable]


def evaluate(
    router: Any,
    release: Release | RoutingTable | Tables | str | Path,
    *,
    scenario: str = "performance_first",
    protocol: str = "split",
    split: str | None = None,
    baselines: Sequence[str] = BASELINES,
    folds: int = 5,
    failures: str = ZERO,
    ood_tasks: Sequence[str] = (),
    probes: int = 50,
    curve_sizes: Sequence[float] = CURVE_SIZES,
    llms: Sequence[str] | None = None,
    modes: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    embedder: Embedder | None = None,
    allow_partial: bool = False,
    near_duplicates: float | None = 0.8,
    explorer: int = 200,
    optional: Collection[str] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Measure routers: how good, at what cost, how sure, and against what.

    Args:
        router: One, a list, or a dict name -> router; each an object or class with `score` or `route`, a classifier or
            regressor of scikit-learn, the name of a baseline, `module:Class`, `path.py:Class`, a file of predictions, or
            the URL of a live router. Objects are copied before they are fitted.
        release: A release, what `open_release` takes, one table, or a (train, test) pair of tables.
        scenario: One of `SCENARIOS`: the reward to maximise.
        protocol: One of `PROTOCOLS`: `split` (the release's own), `kfold`, `leave_one_task_out`, `leave_one_llm_out`,
            `learning_curve` (the own split, with growing shares of train), `guarded` (see `ood_tasks`).
        split: Split to test on, `test` by default; for kfold and leave_one_task_out the queries to use, all by default.
        baselines: Names of baselines to compare with.
        folds: Number of folds for kfold.
        failures: What a failed answer (status `error` or `empty`, without a score) counts as in performance and judge score:
            `zero`, since the user of the router got nothing, or `missing`, as if it had not been asked. What was never
            asked is missing either way. In a reward that weighs costs, a failure saves none.
        ood_tasks: Tasks that a guarded router must decline.
        probes: Number of train queries with scores of the new LLM, for leave_one_llm_out.
        curve_sizes: Shares of train, for learning_curve.
        llms: Use only candidates of these LLMs.
        modes: Use only candidates in these modes.
        tasks: Use only queries of these tasks.
        resamples: Number of random changes of signs in paired tests, and of resamples for the components of variance.
        seed: Random seed of folds, draws and routers.
        embedder: Prompt embedder of scikit-learn estimators, and of routers given by name or as a class that take one; None
            leaves each its default, which is `TfidfSvdEmbedder()` for estimators and baselines.
        allow_partial: Count missing and faulty choices instead of refusing them.
        near_duplicates: Jaccard similarity from which a test query that asks the same is a duplicate; None skips this.
        explorer: Number of queries listed one by one in the report.
        optional: Names of routers that are skipped, with a warning, if they lack a package, or data such as sizes or prices.
        progress: Called as progress(stage, done, total).

    Returns:
        The report; see `Report`.

    Raises:
        UnknownNameError: No such scenario, protocol, split, task, LLM or baseline.
        InputError: A router raised an error or made faulty choices (all are listed), the protocol does not fit the release, or
            all answers failed.
    """
    plan = Protocol(protocol, split, folds, ood_tasks, probes, curve_sizes, seed, failures)
    rules = scenario_named(scenario)
    given = named_routers(router)
    asked = given | {name: name for name in baselines if name not in given}
    routers = {name: resolve(spec, seed=seed, embedder=embedder) for name, spec in asked.items()}
    source = open_release(release) if isinstance(release, str | Path) else release
    train, test = plan.tables(source)
    test = _narrowed(test, llms, modes, tasks)
    if train is not None:
        train = _narrowed(train, llms, modes, tasks)
        candidates = sorted({*train.candidates, *test.candidates})
        train, test = widened(train, candidates), widened(test, candidates)
    given_tables = [test] if train is None else [train, test]
    if all(table.all_failed for table in given_tables):
        place = source.path if isinstance(source, Release) else "evaluate"
        raise all_failed_error(place, sum(int(table.failures.sum()) for table in given_tables))
    made = plan.make(train, test, rules)
    growing = list(plan.curve(train, test, rules))
    warnings: list[str] = []
    if embedder is not None:
        users = [name for name, one in routers.items() if sees_through(one, embedder)]
        warnings.append(f"embedder {embedder.id}: {', '.join(users) or 'not used by any of these routers'}")
    decisions = _decisions(routers, made, warnings, optional, progress)
    for name, decided in decisions.items():
        if decided.faults:
            if not allow_partial:
                refuse(name, decided.faults)
            missing = int((decided.choice < 0).sum() - decided.declined.sum())
            warnings.append(
                f"{name}: {missing:,} of {len(decided.choice):,} choices are missing or faulty and skipped; "
                f"the first: {decided.faults[0]}"
            )
    ids = {query for fold in made for query in fold.test.query_ids}
    tokens = tokens_of(source, ids, test.candidates) if isinstance(source, Release) else None
    setting = Setting(
        release=source_of(source),
        protocol=plan.facts(len(made)),
        scenario=scenario,
        failures=failures,
        seed=seed,
        train=round(sum(len(fold.train) for fold in made) / len(made)),
        test=len(ids),
        baselines=[name for name in routers if is_baseline(asked[name])],
        warnings=warnings,
        explorer=explorer,
        near_duplicates=near_duplicates,
    )
    if progress is not None:
        progress("measuring routers and luck", 0, 1)
    measurer = Measurer(Trial.of(made, tokens), resamples, seed)
    scores = tested(source, measurer.trial)
    overlaps = _overlap(made, near_duplicates)
    curve = _learning_curve(routers, growing, resamples, seed, allow_partial)
    return Report(summarise(setting, measurer, decisions, scores, overlaps, curve))


def _narrowed(
    table: RoutingTable, llms: Sequence[str] | None, modes: Sequence[str] | None, tasks: Sequence[str] | None
) -> RoutingTable:
    known = None if tasks is None else [task for task in tasks if task in set(table.tasks)]  # train or test may lack a task
    return table.filter(llms=llms, modes=modes, tasks=known or tasks)


def _decisions(
    routers: dict[str, Any],
    folds: Sequence[Fold],
    warnings: list[str],
    optional: Collection[str],
    progress: Callable[[str, int, int], None] | None,
) -> dict[str, Decisions]:
    """Router -> its decisions on all folds. An optional router that lacks a package or data is removed from `routers`."""
    found: dict[str, list[Decisions]] = {name: [] for name in routers}
    done, total = 0, len(folds) * len(routers)
    for fold in folds:
        for name in list(routers):
            if progress is not None:
                progress("fitting and asking routers", done, total)
            try:
                found[name].append(ask(name, routers[name], fold, warnings))
            except (MissingExtraError, InputError) as error:  # of a package, or of data such as prices and sizes
                if name not in optional:
                    raise
                warnings.append(f"{name}: skipped; {error}")
                del routers[name], found[name]
            done += 1
    return {name: stacked_decisions(parts) for name, parts in found.items()}


def _learning_curve(
    routers: dict[str, Any], folds: Sequence[Fold], resamples: int, seed: int, allow_partial: bool
) -> list[dict[str, Any]]:
    """Mean reward by number of train queries, per fitted router."""
    points = []
    for fold in folds:
        measurer = Measurer(Trial.of([fold]), resamples, seed)
        for name, router in routers.items():
            if hasattr(router, "fit"):
                decided = ask(name, router, fold, [])
                if not allow_partial:
                    refuse(name, decided.faults)
                e = measurer.measure(decided).figures["reward"]
                points.append(
                    {"router": name, "train_queries": len(fold.train), "value": e.value, "low": e.low, "high": e.high}
                )
    return points


def _overlap(folds: Sequence[Fold], threshold: float | None) -> Overlap | None:
    """Duplicates of the fold's train queries among its test queries, in the order of the trial."""
    if threshold is None:
        return None
    if folds[0].held_out is not None:  # the same queries in every fold
        one = overlap(folds[0].train.prompts, folds[0].test.prompts, threshold=threshold)
        parts = [one] * len(folds)
    else:
        parts = [overlap(fold.train.prompts, fold.test.prompts, threshold=threshold) for fold in folds]
    return Overlap(np.concatenate([p.exact for p in parts]), np.concatenate([p.near for p in parts]))
