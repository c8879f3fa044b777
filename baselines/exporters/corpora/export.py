"""Corpora out of a release: for supervised fine-tuning, of preference pairs, and of labelled answers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Unpack

import numpy as np

from llmfusionbench.baselines.exporters.corpora.answers import Places
from llmfusionbench.baselines.exporters.corpora.corpus import Corpus
from llmfusionbench.baselines.exporters.corpora.ground_truths import labels_of
from llmfusionbench.baselines.exporters.corpora.labelled import evened, labelled, labels
from llmfusionbench.baselines.exporters.corpora.options import Options, one_of, positive
from llmfusionbench.baselines.exporters.corpora.pairs import BYS, By, pairs
from llmfusionbench.baselines.exporters.corpora.pipeline import Pipeline
from llmfusionbench.baselines.exporters.corpora.selection import (
    GROUND_TRUTH,
    LENGTHS,
    SETTINGS,
    Chosen,
    Length,
    Setting,
    firsts,
    good_answers,
    positions,
    ranked,
)
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release


def export_sft(
    release: Release | str | Path,
    out: str | Path,
    *,
    setting: Setting = "perf",
    k: int = 5,
    format: str = "alpaca",  # noqa: A002
    with_labels: bool = False,
    one_per_llm: bool = False,
    length: Length = "longest",
    **options: Unpack[Options],
) -> Corpus:
    """Write a corpus for supervised fine-tuning: the best answers to every query.

    Args:
        release: A release, or where one is (see `open_release`).
        out: Directory of the corpus; it appears whole or not at all.
        setting: What is best. `perf`: performance, then length. `judge`: the judges' mean score, then length. `hybrid`:
            performance, then the judges' score, then length. In each, answers with a performance of 0 are left out, and those
            that lack the first score; one that lacks a later score comes after those that have it. `baseline`: no answers, but
            the ground truth of every query, in the published form (see `labels.label_answer`).
        k: Answers a query at most.
        format: A name in `formats.FORMATS["sft"]`.
        with_labels: Put the ground truth of every query before its answers, as the published corpora do; queries that nobody
            answered well have it alone.
        one_per_llm: Take one answer of an LLM to a query at most, the better of its modes.
        length: Which of two equally good answers comes first: the `longest`, as published, or the `shortest`.
        **options: See `Options`.

    Raises:
        UnknownNameError: no such setting, format, task, LLM, ...
        InputError: nothing is left to write, an option is out of range, or `out` is there already.
        ReleaseError: the release is damaged.
    """
    one_of("setting", setting, SETTINGS)
    one_of("length", length, LENGTHS)
    positive("k", k)
    work = Pipeline("sft", release, format, options)
    if setting == "baseline":
        _refuse_choices(work, one_per_llm)
        return work.write(_joined(work, _truths(work), np.zeros(0, np.int64)), out, {"setting": setting})
    queries, rows = work.eligible()
    truths = queries[labels_of(work.release, work.answers.queries)[1][queries]] if with_labels else queries[:0]
    rows = work.with_text(good_answers(work.answers, rows, setting, work.drops))
    query = work.answers.query
    kept = work.unrepeated(np.union1d(truths, query[rows]))
    truths = truths[np.isin(truths, kept)]
    rows = work.drops.keep(rows, np.isin(query[rows], kept), "repeated_prompt")
    rows = work.distinct(ranked(work.answers, rows, setting, length, work.seed))
    if one_per_llm:
        rows = work.drops.keep(rows, firsts(query[rows], work.answers.llm[rows]), "same_llm")
    rows = work.drops.keep(rows, positions(query[rows]) < k, "not_top")
    if not len(truths):
        work.drops.check(rows)
    selection = {"setting": setting, "k": k, "with_labels": with_labels, "one_per_llm": one_per_llm, "length": length}
    return work.write(_joined(work, truths, rows), out, selection)


def _truths(work: Pipeline) -> Places:
    """The queries whose ground truth can be an answer."""
    queries, _ = work.eligible(answers_too=False)
    there, usable = labels_of(work.release, work.answers.queries)
    queries = work.query_drops.keep(queries, there[queries], "no_ground_truth")
    queries = work.unrepeated(work.query_drops.keep(queries, usable[queries], "tests_for_truth"))
    work.query_drops.check(queries)
    return queries


def _refuse_choices(work: Pipeline, one_per_llm: bool) -> None:
    """No answers, nothing to choose from: say so of options that would."""
    given = sorted({*work.filters.stated()} - {"tasks", "licenses"})
    given += [name for name, is_given in (("best_of", work.best_of), ("one_per_llm", one_per_llm)) if is_given]
    if given:
        raise InputError(f"{', '.join(given)}: the baseline has no answers to choose from. Remedy: another --setting")


def _joined(work: Pipeline, truths: Places, rows: Places) -> Chosen:
    """Ground truths of the queries `truths`, and behind each the answers `rows` in their order."""
    query = work.answers.query[rows]
    chosen = Chosen(
        np.concatenate([truths, query]),
        np.concatenate([np.full(len(truths), GROUND_TRUTH), rows]),
        np.concatenate([np.zeros(len(truths), np.int64), positions(query) + 1]),
    )
    return chosen.rows(np.lexsort((chosen.rank, chosen.query)))


def export_preference(
    release: Release | str | Path,
    out: str | Path,
    *,
    by: By = "performance",
    pairs_per_query: int = 1,
    min_gap: float = 0.3,
    match_length: float | None = None,
    format: str = "trl",  # noqa: A002
    **options: Unpack[Options],
) -> Corpus:
    """Write a corpus of preference pairs: a better and a worse answer to the same prompt, see `pairs.pairs`.

    Args:
        release: A release, or where one is.
        out: Directory of the corpus; it appears whole or not at all.
        by: What says which is better: `performance` or `judge`.
        pairs_per_query: At most; no answer is in two pairs.
        min_gap: What the better answer's score is above the worse one's, at least; above 0, up to 1.
        match_length: The longer answer of a pair may have so many times the tokens of the shorter one, and of equal gaps the
            closest in length are taken; 1 or above. Without it length plays no part.
        format: A name in `formats.FORMATS["preference"]`.
        **options: See `Options`.

    Raises:
        The same as `export_sft`.
    """
    one_of("score", by, BYS)
    positive("pairs_per_query", pairs_per_query, "--pairs")
    if not 0 < min_gap <= 1:
        raise InputError(f"min_gap {min_gap}: expected above 0, up to 1. Remedy: another --min-gap")
    if match_length is not None and not 1 <= match_length < math.inf:
        raise InputError(f"match_length {match_length}: expected 1 or above. Remedy: another --match-length, or none")
    work = Pipeline("preference", release, format, options)
    _, rows = work.eligible()
    rows = work.with_text(work.scored(rows, by))
    rows = work.only_unrepeated(rows)
    rows = work.distinct(ranked(work.answers, rows, "judge" if by == "judge" else "perf", "longest", work.seed))
    chosen = pairs(work.answers, rows, by=by, n=pairs_per_query, min_gap=min_gap, match_length=match_length, seed=work.seed)
    assert chosen.rejected is not None
    paired = np.isin(rows, np.concatenate([chosen.answer, chosen.rejected]))
    work.drops.check(work.drops.keep(rows, paired, "no_partner"))
    selection = {"by": by, "pairs_per_query": pairs_per_query, "min_gap": min_gap, "match_length": match_length}
    return work.write(chosen, out, selection)


def export_kto(
    release: Release | str | Path,
    out: str | Path,
    *,
    by: By = "performance",
    answers_per_label: int = 2,
    good: float = 0.5,
    bad: float = 0.0,
    balance: bool = False,
    format: str = "trl",  # noqa: A002
    **options: Unpack[Options],
) -> Corpus:
    """Write a corpus of labelled answers for KTO; how many are good and bad is in corpus.json.

    Args:
        release: A release, or where one is.
        out: Directory of the corpus; it appears whole or not at all.
        by: What says how good an answer is: `performance` or `judge`.
        answers_per_label: Good ones, and bad ones, of a query at most.
        good: An answer with this score or a higher one is good.
        bad: One with this score or a lower one is bad; what lies between is left out.
        balance: As many good as bad ones; the others' lowest ranks go.
        format: A name in `formats.FORMATS["kto"]`.
        **options: See `Options`.

    Raises:
        The same as `export_sft`.
    """
    one_of("score", by, BYS)
    positive("answers_per_label", answers_per_label, "--answers")
    if not 0 <= bad < good <= 1:
        raise InputError(f"good {good}, bad {bad}: expected 0 <= bad < good <= 1. Remedy: another --good or --bad")
    work = Pipeline("kto", release, format, options)
    _, rows = work.eligible()
    rows = work.scored(rows, by)
    is_good, is_bad = labels(work.answers, rows, by=by, good=good, bad=bad)
    rows = work.with_text(work.drops.keep(rows, is_good | is_bad, "between"))
    work.drops.check(rows)
    rows = work.only_unrepeated(rows)
    rows = work.distinct(ranked(work.answers, rows, "judge" if by == "judge" else "perf", "longest", work.seed))
    is_good = labels(work.answers, rows, by=by, good=good, bad=bad)[0]
    chosen = labelled(work.answers, rows, is_good, by=by, n=answers_per_label, seed=work.seed)
    work.drops.keep(rows, np.isin(rows, chosen.answer), "not_top")
    selection = {"by": by, "answers_per_label": answers_per_label, "good": good, "bad": bad, "balance": balance}
    return work.write(_evened(work, chosen) if balance else chosen, out, selection)


def _evened(work: Pipeline, chosen: Chosen) -> Chosen:
    """As many good as bad ones, and no task beyond its share: what one takes may undo the other, so both until neither does."""
    while True:
        keep = evened(chosen, work.seed)
        work.record_drops.keep(np.arange(len(chosen)), keep, "balance")
        chosen = chosen.rows(keep)
        work.record_drops.check(chosen.query)
        shared = work.within_share(chosen)
        if len(shared) == len(chosen):
            return chosen
        chosen = shared
