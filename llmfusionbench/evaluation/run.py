"""`evaluate`: routers are fitted and asked fold by fold, then measured together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.evaluation.asking import ask
from llmfusionbench.evaluation.measures.measure import Measurer
from llmfusionbench.evaluation.measures.trial import Trial, stacked_decisions
from llmfusionbench.evaluation.protocol import (
    PROTOCOLS,
    Fold,
    curve,
    guarded,
    kfold,
    leave_one_llm_out,
    leave_one_task_out,
    own_split,
    widened,
)
from llmfusionbench.evaluation.report.report import Report
from llmfusionbench.evaluation.report.summary import Setting, summarise
from llmfusionbench.evaluation.routers.by_name import is_baseline, named_routers, resolve, sees_through
from llmfusionbench.evaluation.routers.decision import Decisions, refuse
from llmfusionbench.evaluation.scenario import Scenario, scenario_named
from llmfusionbench.release import Release, open_release
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.statistics import Resamples, estimate
from llmfusionbench.texts.embedding import Embedder
from llmfusionbench.texts.near_duplicates import Overlap, overlap
from llmfusionbench.types import Candidate

BASELINES = ("best_single", "per_task", "knn")
"""The default baselines: fast, and hard enough to beat."""

CURVE_SIZES = (0.1, 0.25, 0.5, 1.0)
"""Shares of train on the learning curve."""

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
        ood_tasks: Tasks that a guarded router must decline.
        probes: Number of train queries with scores of the new LLM, for leave_one_llm_out.
        curve_sizes: Shares of train, for learning_curve.
        llms: Use only candidates of these LLMs.
        modes: Use only candidates in these modes.
        tasks: Use only queries of these tasks.
        resamples: Number of bootstrap resamples, over queries.
        seed: Random seed of folds, draws and routers.
        embedder: Prompt embedder of scikit-learn estimators, and of routers given by name or as a class that take one; None
            leaves each its default, which is `TfidfSvdEmbedder()` for estimators and baselines.
        allow_partial: Count missing and faulty choices instead of refusing them.
        near_duplicates: Jaccard similarity from which a test query counts as a duplicate of a train query; None skips this.
        explorer: Number of queries listed one by one in the report.
        optional: Names of routers that are skipped, with a warning, if a package that they need is not installed.
        progress: Called as progress(stage, done, total).

    Returns:
        The report; see `Report`.

    Raises:
        UnknownNameError: No such scenario, protocol, split, task, LLM or baseline.
        InputError: A router raised an error or made faulty choices (all are listed), or the protocol does not fit the release.
    """
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    if ood_tasks and protocol != "guarded":
        raise InputError(f"{protocol}: --ood-task works only with --protocol guarded. Remedy: choose that protocol or drop it")
    rules = scenario_named(scenario)
    given = named_routers(router)
    asked = given | {name: name for name in baselines if name not in given}
    routers = {name: resolve(spec, seed=seed, embedder=embedder) for name, spec in asked.items()}
    opened = open_release(release) if isinstance(release, str | Path) else release
    train, test = _tables(opened, protocol, split)
    narrow: dict[str, Any] = {"llms": llms, "modes": modes}
    train, test = (None if t is None else _narrowed(t, narrow, tasks) for t in (train, test))
    if train is not None and test is not None:
        candidates = sorted({*train.candidates, *test.candidates})
        train, test = widened(train, candidates), widened(test, candidates)
    made = _folds(protocol, train, test, rules, folds=folds, ood_tasks=ood_tasks, probes=probes, seed=seed)
    growing: list[Fold] = []
    if protocol == "learning_curve" and train is not None and test is not None:
        growing = list(curve(train, test, rules, curve_sizes, seed))
    found: dict[str, list[Decisions]] = {name: [] for name in routers}
    warnings: list[str] = []
    if embedder is not None:
        seeing = [name for name, made_of in routers.items() if sees_through(made_of, embedder)]
        warnings.append(f"embedder {embedder.id}: {', '.join(seeing) or 'not used by any of these routers'}")
    done, total = 0, len(made) * len(routers)
    for fold in made:
        for name in list(routers):
            if progress is not None:
                progress("fitting and asking routers", done, total)
            try:
                found[name].append(ask(name, routers[name], fold, protocol, warnings))
            except MissingExtraError as error:
                if name not in optional:
                    raise
                warnings.append(f"{name}: skipped; {error}")
                del routers[name], found[name], asked[name]
            done += 1
    decisions = {name: stacked_decisions(parts) for name, parts in found.items()}
    for name, decided in decisions.items():
        if decided.faults and not allow_partial:
            refuse(name, decided.faults)
        if decided.faults:
            missing = int((decided.choice < 0).sum() - decided.declined.sum())
            warnings.append(
                f"{name}: {missing:,} of {len(decided.choice):,} choices are missing or faulty and skipped; "
                f"the first: {decided.faults[0]}"
            )
    tokens = _tokens(opened, made) if isinstance(opened, Release) else None
    trial = Trial.of(made, tokens)
    measurer = Measurer(trial, Resamples(trial.table.query_ids, resamples=resamples, seed=seed))
    setting = Setting(
        release=_release_info(opened),
        protocol=_protocol_info(protocol, made, folds=folds, ood_tasks=ood_tasks, probes=probes),
        scenario=scenario,
        seed=seed,
        train=_unique([fold.train for fold in made]),
        test=len(set(trial.table.query_ids)),
        baselines=[name for name, spec in asked.items() if is_baseline(spec)],
        warnings=warnings,
        explorer=explorer,
    )
    like = _overlap(made, near_duplicates)
    learned = _learning(routers, growing, resamples, seed, allow_partial)
    return Report(summarise(setting, trial, measurer, decisions, like, near_duplicates, learned))


def _tables(release: Any, protocol: str, split: str | None) -> tuple[RoutingTable | None, RoutingTable | None]:
    """(train, test); train is None for a protocol that makes its own folds of one table."""
    one = protocol in ("kfold", "leave_one_task_out")
    if isinstance(release, RoutingTable):
        if not one:
            raise InputError(f"{protocol}: one table, expected a (train, test) pair. Remedy: choose protocol kfold")
        return None, release
    if isinstance(release, tuple):
        train, test = release
        if one:
            raise InputError(f"{protocol}: got a (train, test) pair, expected one table: this protocol makes its own folds")
        return train, test
    if one:
        return None, release.routing(split)
    tested = split or "test"
    for name in ("train", tested):
        if name not in release.splits:
            raise InputError(
                f"{release.path}: has no split {name!r}, only {', '.join(release.splits)}. Remedy: choose --protocol kfold"
            )
    return release.routing("train"), release.routing(tested)


def _narrowed(table: RoutingTable, narrow: dict[str, Any], tasks: Sequence[str] | None) -> RoutingTable:
    return table.filter(**narrow, tasks=None if tasks is None else [t for t in tasks if t in set(table.tasks)] or tasks)


def _folds(
    protocol: str,
    train: RoutingTable | None,
    test: RoutingTable | None,
    scenario: Scenario,
    *,
    folds: int,
    ood_tasks: Sequence[str],
    probes: int,
    seed: int,
) -> list[Fold]:
    assert test is not None
    if train is None:
        made = kfold(test, scenario, folds=folds, seed=seed) if protocol == "kfold" else leave_one_task_out(test, scenario)
        return list(made)
    both = set(train.query_ids) & set(test.query_ids)
    if both:
        raise InputError(f"{len(both)} queries are in train and in test, such as {min(both)}. Remedy: split by query_id")
    if protocol == "leave_one_llm_out":
        return list(leave_one_llm_out(train, test, scenario, probes=probes, seed=seed))
    if protocol == "guarded":
        return list(guarded(train, test, scenario, ood_tasks=ood_tasks))
    return list(own_split(train, test, scenario))


def _learning(
    routers: dict[str, Any], folds: Iterable[Fold], resamples: int, seed: int, allow_partial: bool
) -> list[dict[str, Any]]:
    """Mean reward by number of train queries, per fitted router."""
    rows = []
    for fold in folds:
        trial = Trial.of([fold])
        measurer = Measurer(trial, Resamples(trial.table.query_ids, resamples=resamples, seed=seed))
        for name, router in routers.items():
            if hasattr(router, "fit"):
                decided = ask(name, router, fold, "learning_curve", [])
                if not allow_partial:
                    refuse(name, decided.faults)
                rows.append((name, len(fold.train), measurer.measure(decided).draws["reward"]))
    return [
        {"router": name, "train_queries": size, "value": e.value, "low": e.low, "high": e.high}
        for name, size, draws in rows
        for e in [estimate(draws, 0)]
    ]


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


def _tokens(release: Release, folds: Sequence[Fold]) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """query_id -> input plus output tokens [C] of the tested queries."""
    candidates = folds[0].test.candidates
    ids = pa.array(sorted({q for fold in folds for q in fold.test.query_ids}))
    columns = ["query_id", "llm", "mode", "input_tokens", "output_tokens"]
    answers = release.table("responses").to_table(columns=columns, filter=pc.field("query_id").isin(ids))
    place = {name: i for i, name in enumerate(candidates)}
    matrix = np.full((len(ids), len(candidates)), np.nan, np.float32)
    pairs = pc.dictionary_encode(pc.binary_join_element_wise(answers["llm"], answers["mode"], "\x1f")).combine_chunks()
    names = [Candidate(*pair.rsplit("\x1f", 1)).name for pair in pairs.dictionary.to_pylist()]
    column = np.array([place.get(name, -1) for name in names], np.int64)[pairs.indices.to_numpy()]
    row = pc.index_in(answers["query_id"], value_set=ids).to_numpy()
    used = pc.add(answers["input_tokens"], answers["output_tokens"]).cast(pa.float64()).to_numpy()
    matrix[row[column >= 0], column[column >= 0]] = used[column >= 0]
    return dict(zip(ids.to_pylist(), matrix, strict=True))


def _release_info(release: Any) -> dict[str, Any]:
    if not isinstance(release, Release):
        return {"source": None, "revision": None, "schema_version": None, "provenance": [], "digest": None}
    from llmfusionbench.manifest import dump_manifest
    from llmfusionbench.types import content_id

    source = release.manifest.get("source")
    source = source if isinstance(source, dict) else {}
    return {
        "source": source.get("name"),
        "revision": source.get("revision"),
        "schema_version": release.manifest.get("schema_version"),
        "provenance": release.provenance,
        "digest": content_id(dump_manifest({"files": release.manifest["files"]})),
    }


def _protocol_info(name: str, made: Sequence[Fold], *, folds: int, ood_tasks: Sequence[str], probes: int) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name, "folds": len(made)}
    if name == "guarded":
        details["ood_tasks"] = sorted(ood_tasks)
    if name == "leave_one_llm_out":
        details["probes"] = probes
    return details


def _unique(tables: Sequence[RoutingTable]) -> int:
    """Number of train queries, averaged over folds and rounded."""
    return round(sum(len(t) for t in tables) / len(tables))
