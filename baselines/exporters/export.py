"""Corpora out of a release: what is chosen, by which numbers, and the way from there to whole files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import InputError, UnknownNameError
from ...files import sha256
from ...release import Release, open_release
from .answers import TRAIN, Answers, Places
from .card import corpus_card
from .corpus import CORPUS, Corpus, Counts, described, dump, keys_of
from .directory import whole_directory
from .drops import Drops
from .filters import Filters
from .formats import FORMATS, Format
from .guard import THRESHOLD, Guarded, guard
from .labelled import evened, labelled, labels
from .labels import labels_of
from .pairs import BYS, By, pairs, scores
from .reasoning import HOWS, How, apply
from .repeats import DUPLICATES, Duplicates, repeated_prompts, text_digests
from .samples import TEXTS, Kind, Samples
from .selection import (
    GROUND_TRUTH,
    LENGTHS,
    SETTINGS,
    Chosen,
    Length,
    Setting,
    balanced,
    drawn,
    firsts,
    good_answers,
    positions,
    ranked,
)
from .writer import CONTAINERS, Container, LineWriter, ShardWriter

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and how much there is of it (if that is known)."""


class Options(TypedDict, total=False):
    """What every export takes beside its own arguments."""

    tasks: Collection[str]
    """Only these tasks."""
    llms: Collection[str]
    """Only answers of these LLMs, named without a mode."""
    modes: Collection[str]
    """Only answers in these modes: `direct`, `think`."""
    licenses: Collection[str]
    """Only queries with these licences; `unknown` for those that state none."""
    llm_licenses: Collection[str]
    """Only answers of LLMs with these licences."""
    scale: str
    """Only answers of LLMs of this scale: `small`, `medium`, `large`, or `all` (the default)."""
    min_tokens: int | None
    max_tokens: int | None
    """Only answers of so many tokens, by the tokenizer of the release."""
    min_judge: float | None
    """Only answers that the judges gave so much on average, 0 to 1."""
    best_of: int | None
    """Look at so many answers of a query alone, drawn by the seed before anything is known of their worth."""
    duplicates: Duplicates
    """What is left out as repeated. `exact` (the default): queries whose prompt is another's in the corpus, and answers with
    the same text as a better one to the same query. `near`: prompts that are nearly alike, too. `keep`: nothing."""
    max_share: float | None
    """The largest share of the records that one task may have."""
    seed: int
    """Of every draw; 0 by default."""
    reasoning: How
    """What becomes of `<think>` blocks: `keep` (the default), `strip` or `tag`."""
    include_test: bool
    """Take the test splits as well, and turn the leakage guard off; the corpus says so."""
    container: Container | None
    """`jsonl` or `parquet`; by default what the format's readers expect."""
    shard_rows: int
    """Records a file; 100,000 by default."""
    overwrite: bool
    """Replace a corpus that is there."""
    progress: Progress | None
    """Told how it goes."""


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
    _one_of("setting", setting, SETTINGS)
    _one_of("length", length, LENGTHS)
    _positive("k", k)
    work = _Export("sft", release, format, options)
    baseline = setting == "baseline"
    selection = {"setting": setting, "k": k, "with_labels": with_labels, "one_per_llm": one_per_llm, "length": length}
    if baseline:
        given = sorted({*work.filters.stated()} - {"tasks", "licenses"})
        given += ["best_of"] if work.best_of is not None else []
        if given or one_per_llm:
            given += ["one_per_llm"] if one_per_llm else []
            raise InputError(f"{', '.join(given)}: the baseline has no answers to choose from. Remedy: another --setting")
        selection = {"setting": setting}
    queries, rows = work.eligible(answers_too=not baseline)
    truths = np.zeros(0, np.int64)
    if baseline or with_labels:
        there, usable = labels_of(work.release, work.answers.queries)
        truths = work.query_drops.keep(queries, there[queries], "no_ground_truth") if baseline else queries
        truths = work.query_drops.keep(truths, usable[truths], "tests_for_truth") if baseline else truths[usable[truths]]
    if baseline:
        truths = work.unrepeated(truths)
        work.query_drops.check(truths)
    else:
        rows = work.with_text(good_answers(work.answers, rows, setting, work.drops))
        if not with_labels:
            work.drops.check(rows)
        kept = work.unrepeated(np.union1d(truths, work.answers.query[rows]))
        truths = truths[np.isin(truths, kept)]
        rows = work.drops.keep(rows, np.isin(work.answers.query[rows], kept), "repeated_prompt")
        rows = ranked(work.answers, rows, setting, length, work.seed)
        rows = work.distinct(rows)
        query = work.answers.query
        if one_per_llm:
            rows = work.drops.keep(rows, firsts(query[rows], work.answers.llm[rows]), "same_llm")
        rows = work.drops.keep(rows, positions(query[rows]) < k, "not_top")
        if not len(truths):
            work.drops.check(rows)
    rank = positions(work.answers.query[rows]) + 1 if not baseline else np.zeros(0, np.int64)
    rows = rows if not baseline else rank
    chosen = Chosen(
        np.concatenate([truths, work.answers.query[rows]]),
        np.concatenate([np.full(len(truths), GROUND_TRUTH), rows]),
        np.concatenate([np.zeros(len(truths), np.int64), rank]),
    )
    chosen = chosen.rows(np.lexsort((chosen.rank, chosen.query)))
    return work.write(chosen, out, selection)


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
    _one_of("score", by, BYS)
    _positive("pairs_per_query", pairs_per_query)
    if not 0 < min_gap <= 1:
        raise InputError(f"min_gap {min_gap}: expected above 0, up to 1. Remedy: another --min-gap")
    if match_length is not None and not match_length >= 1:
        raise InputError(f"match_length {match_length}: expected 1 or above. Remedy: another --match-length")
    work = _Export("preference", release, format, options)
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
    _one_of("score", by, BYS)
    _positive("answers_per_label", answers_per_label)
    if not 0 <= bad < good <= 1:
        raise InputError(f"good {good}, bad {bad}: expected 0 <= bad < good <= 1. Remedy: another --good or --bad")
    work = _Export("kto", release, format, options)
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
    if balance:
        keep = evened(chosen, work.seed)
        work.record_drops.keep(np.arange(len(chosen)), keep, "balance")
        chosen = chosen.rows(keep)
        work.record_drops.check(chosen.query)
    return work.write(chosen, out, selection)


class _Export:
    """What the three exports share: an opened release, its numbers, what was left out so far, and the way to the files."""

    def __init__(self, kind: Kind, release: Release | str | Path, format_name: str, options: Options) -> None:
        given: dict[str, Any] = {**options}
        names = {f.name for f in fields(Filters)}
        self.filters = Filters(**{name: given.pop(name) for name in list(given) if name in names})
        settings = _Settings(**given)
        settings.check()
        if format_name not in FORMATS[kind]:
            raise UnknownNameError(f"{kind} format", format_name, FORMATS[kind])
        self.kind: Kind = kind
        self.format: Format = FORMATS[kind][format_name]
        self.settings, self.seed, self.best_of = settings, settings.seed, settings.best_of
        self.tell: Progress = settings.progress or (lambda *_: None)
        self.release = release if isinstance(release, Release) else open_release(release)
        splits = self.release.splits if settings.include_test else [s for s in self.release.splits if s == TRAIN]
        if not splits:
            raise InputError(
                f"{self.release.path}: has no train split (it has {', '.join(self.release.splits) or 'none'}). "
                "Remedy: another release, or --include-test"
            )
        self.tell("reading numbers", 0, 4)
        self.answers = Answers.load(self.release, splits)
        self.filters.check(self.answers)
        self.query_drops, self.drops, self.record_drops = Drops("queries"), Drops("answers"), Drops("records")
        self.guarded = Guarded(np.zeros(len(self.answers.queries), bool))

    def eligible(self, *, answers_too: bool = True) -> tuple[Places, Places]:
        """The queries and the answers that pass the guard and the filters."""
        answers, queries = self.answers, self.answers.queries
        self.tell("keeping test queries out", 1, 4)
        if not self.settings.include_test:
            self.guarded = guard(self.release, queries)
        asked = np.arange(len(queries))
        asked = self.query_drops.keep(asked, ~self.guarded.like_test, "like_test")
        asked = self.filters.queries(queries, asked, self.query_drops)
        asked = self.query_drops.keep(asked, queries.has_think[asked], "no_prompt")
        self.query_drops.check(asked)
        passed = np.zeros(len(queries), bool)
        passed[asked] = True
        rows = np.flatnonzero(passed[answers.query])
        if not answers_too:
            return asked, rows
        rows = self.filters.answers(answers, rows, self.drops)
        rows = self.drops.keep(rows, (queries.has_prompt[answers.query] | answers.think)[rows], "no_prompt")
        if self.best_of is not None:
            rows = self.drops.keep(rows, drawn(answers, rows, self.best_of, self.seed), "not_drawn")
        return asked, rows

    def with_text(self, rows: Places) -> Places:
        """Those of the answers whose text was kept; looked for as late as can be, for it means going through all texts."""
        self.tell("reading answers", 2, 4)
        there, self._digests = text_digests(self.release, self.answers, rows, self.settings.duplicates)
        return self.drops.keep(rows, there[rows], "no_text")

    def scored(self, rows: Places, by: By) -> Places:
        """Those of the answers that have the score."""
        rows = self.drops.keep(rows, ~np.isnan(scores(self.answers, by)[rows]), "unjudged" if by == "judge" else "unscored")
        self.drops.check(rows)
        return rows

    def unrepeated(self, queries: Places) -> Places:
        """Those of the queries whose prompt repeats none before it."""
        repeated = repeated_prompts(self.release, self.answers.queries, queries, self.settings.duplicates, THRESHOLD)
        return self.query_drops.keep(queries, ~repeated, "repeated_prompt")

    def only_unrepeated(self, rows: Places) -> Places:
        """Those of the answers whose query repeats none before it."""
        kept = self.unrepeated(np.unique(self.answers.query[rows]))
        return self.drops.keep(rows, np.isin(self.answers.query[rows], kept), "repeated_prompt")

    def distinct(self, rows: Places) -> Places:
        """Those of the answers, in order of merit, whose text repeats none before it to the same query."""
        if self.settings.duplicates == "keep":
            return rows
        return self.drops.keep(rows, firsts(self.answers.query[rows], self._digests[rows]), "repeated_answer")

    def write(self, chosen: Chosen, out: str | Path, selection: dict[str, Any]) -> Corpus:
        """Write what was chosen."""
        settings = self.settings
        if settings.max_share is not None:
            keep = balanced(self.answers.queries.task, chosen, settings.max_share, self.seed)
            self.record_drops.keep(np.arange(len(chosen)), keep, "share")
            chosen = chosen.rows(keep)
        selection |= {"best_of": self.best_of, "duplicates": settings.duplicates, "max_share": settings.max_share}
        with whole_directory(out, CORPUS, overwrite=settings.overwrite) as root:
            files, counts = self._write_files(root, chosen)
            dropped = {d.noun: d.counts for d in (self.query_drops, self.drops, self.record_drops)}
            about = described(
                self.release, self.kind,
                format=self.format.name, container=settings.container or self.format.container,
                splits=self.answers.queries.splits, selection={k: v for k, v in selection.items() if v is not None},
                filters=self.filters.stated(), seed=self.seed, reasoning=settings.reasoning, guard=self._guard(),
                **counts.told(), dropped=dropped,
            )  # fmt: skip
            entry = self.format.dataset_info(f"llmfusionbench_{self.kind}", [n for n in files if n.startswith("data/")])
            if entry is not None:
                files["dataset_info.json"] = _saved(root / "dataset_info.json", dump(entry))
            files["README.md"] = _saved(root / "README.md", corpus_card({**about, "files": files}))
            about["files"] = dict(sorted(files.items()))
            (root / CORPUS).write_text(dump(about), encoding="utf-8")
        return Corpus(Path(out), about)

    def _write_files(self, root: Path, chosen: Chosen) -> tuple[dict[str, dict[str, Any]], Counts]:
        """Write the records, the keys that they cannot hold, and what the guard kept out."""
        settings = self.settings
        counts = Counts(self.answers, chosen)
        shards = ShardWriter(root, settings.container or self.format.container, settings.shard_rows)
        sidecar = None if self.format.keeps_keys else LineWriter(root / "provenance.jsonl")
        try:
            for places, samples in Samples(self.release, self.answers, chosen, self.kind):
                samples = self._reasoned(samples)
                full = pc.and_(*(samples[c].is_valid() for c in two)) if len(two := TEXTS[self.kind]) == 2 else (
                    samples[two[0]].is_valid()
                )  # fmt: skip
                left = self.record_drops.keep(places, full.to_numpy(), "only_reasoning")
                if len(left) < len(places):
                    samples = samples.filter(full)
                if not len(left):
                    continue
                records = self.format.records(samples)
                if sidecar is not None:
                    keys = keys_of(samples, records).to_pylist()
                    sidecar.write({"line": line, **row} for line, row in enumerate(keys, start=sidecar.rows + 1))
                shards.write(records)
                counts.add(left)
                self.tell("records written", int(left[-1]) + 1, len(chosen))
            self.record_drops.check(counts.records)
            files = shards.finish()
        finally:
            shards.abort()
        if sidecar is not None:
            files["provenance.jsonl"] = sidecar.finish()
        kept_out = LineWriter(root / "dropped.jsonl")
        kept_out.write(self.guarded.entries)
        files["dropped.jsonl"] = kept_out.finish()
        return files, counts

    def _reasoned(self, samples: pa.Table) -> pa.Table:
        """The samples with their `<think>` blocks as asked for."""
        if self.settings.reasoning == "keep":
            return samples
        for name in TEXTS[self.kind]:
            texts = apply(samples[name], samples["mode"], self.settings.reasoning)
            samples = samples.set_column(samples.schema.get_field_index(name), name, texts)
        return samples

    def _guard(self) -> dict[str, Any]:
        entries = self.guarded.entries
        return {
            "include_test": self.settings.include_test,
            "threshold": THRESHOLD,
            "test_queries": sum(entry["reason"] == "test_split" for entry in entries),
            "exact": self.guarded.count("exact"),
            "near": self.guarded.count("near"),
        }


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """The options that are no filter; `Options` says what each means."""

    best_of: int | None = None
    duplicates: Duplicates = "exact"
    max_share: float | None = None
    seed: int = 0
    reasoning: How = "keep"
    include_test: bool = False
    container: Container | None = None
    shard_rows: int = 100_000
    overwrite: bool = False
    progress: Progress | None = None

    def check(self) -> None:
        _one_of("way with duplicates", self.duplicates, DUPLICATES)
        _one_of("way with reasoning", self.reasoning, HOWS)
        if self.container is not None:
            _one_of("container", self.container, CONTAINERS)
        _positive("shard_rows", self.shard_rows)
        if self.best_of is not None:
            _positive("best_of", self.best_of)
        if self.max_share is not None and not 0 < self.max_share <= 1:
            raise InputError(f"max_share {self.max_share}: expected above 0, up to 1. Remedy: another --max-share")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: expected 0 or above. Remedy: another --seed")


def _one_of(noun: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise UnknownNameError(noun, name, known)


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{name} {value}: expected 1 or above. Remedy: another --{name.replace('_', '-')}")


def _saved(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text, encoding="utf-8")
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}
