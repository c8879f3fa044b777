"""From a release to the files of a corpus, in four stages that every kind shares: read -> eligible -> choose -> write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.answer_texts import AnswerTexts
from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.card import corpus_card
from llmfusionbench.baselines.exporters.corpora.chosen import Chosen, balanced, drawn, firsts, ranked
from llmfusionbench.baselines.exporters.corpora.corpus import (
    CORPUS,
    CORPUS_DIRECTORY,
    Corpus,
    counted,
    described,
    dump,
    keys_of,
)
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.baselines.exporters.corpora.formats import TEXTS, Format, format_named
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import LEAST_EXAMPLES
from llmfusionbench.baselines.exporters.corpora.leakage_guard import THRESHOLD, LeakageGuard
from llmfusionbench.baselines.exporters.corpora.prompts import Prompts
from llmfusionbench.baselines.exporters.corpora.queries import TRAIN, Places
from llmfusionbench.baselines.exporters.corpora.reasoning import apply
from llmfusionbench.baselines.exporters.corpora.samples import Samples
from llmfusionbench.baselines.exporters.corpora.settings import Settings
from llmfusionbench.baselines.exporters.corpora.writer import LineWriter, ShardWriter, described_file
from llmfusionbench.engines import engine_of
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release, open_release
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.types import Progress

_SHOWN: Final = 10
"""Issues of a file that an error shows."""


def export(release: Release | str | Path, out: str | Path, settings: Settings) -> Corpus:
    """Write the corpus that the settings describe.

    Raises:
        UnknownNameError, InputError, ReleaseError: See `export_sft`.
    """
    work = _Export(release, settings)
    truths, rows = work.eligible()
    return work.write(work.choose(truths, rows), out)


class _Export:
    """One export: what is known of the release, and what each stage has dropped so far."""

    def __init__(self, release: Release | str | Path, settings: Settings) -> None:
        """Read everything but the texts of the answers."""
        settings.check()
        self.settings = settings
        self.format: Format = format_named(settings.kind, settings.format)
        self.engine = engine_of(settings.engine, settings.workers)
        self.tell: Progress = settings.progress or (lambda *_: None)
        self.release = release if isinstance(release, Release) else open_release(release)
        splits = self.release.splits if settings.include_test else [s for s in self.release.splits if s == TRAIN]
        if not splits:
            raise InputError(
                f"{self.release.path}: has no train split (it has {', '.join(self.release.splits) or 'none'}). "
                "Remedy: choose another release, or use --include-test"
            )
        self.tell("reading numbers", 0, 4)
        self.answers = Answers.load(self.release, splits)
        settings.check_names(self.answers)
        self.tell("keeping test queries out", 1, 4)
        guard = None if settings.include_test else LeakageGuard(self.release)
        self.prompts = Prompts.read(self.release, self.answers.queries, guard, settings.duplicates)
        self.query_drops, self.drops, self.record_drops = Drops("queries"), Drops("answers"), Drops("records")
        self.reasoned: Counter[str] = Counter()
        """Texts with reasoning, by what they were; see `reasoning.apply`."""

    def eligible(self) -> tuple[Places, Places]:
        """The queries whose ground truth is a record, and the answers that may be records, by query and in order of merit."""
        answers, settings = self.answers, self.settings
        queries = self._queries()
        truths = settings.truths(self.release, answers, queries, self.query_drops)
        if not settings.takes_answers:
            truths = self._unrepeated(truths)
            self.query_drops.check(truths)
            return truths, truths[:0]
        rows = settings.may_enter(answers, self._filtered(queries), self.drops)
        self.tell("reading answers", 2, 4)  # as late as possible, because it reads all texts
        digested = settings.duplicates != "keep"
        texts = AnswerTexts.read(self.release, answers, rows, settings.reasoning, with_digests=digested, engine=self.engine)
        rows = self.drops.keep(rows, texts.there[rows], "no_text")
        rows = self.drops.keep(rows, texts.answered[rows], "only_reasoning")
        kept = self._unrepeated(np.union1d(truths, answers.query[rows]))
        rows = self.drops.keep(rows, np.isin(answers.query[rows], kept), "repeated_prompt")
        rows = ranked(answers, rows, settings.merit(answers), settings.seed)
        if digested:
            rows = self.drops.keep(rows, firsts(answers.query[rows], texts.digests[rows]), "repeated_answer")
        return truths[np.isin(truths, kept)], rows

    def choose(self, truths: Places, rows: Places) -> Chosen:
        """The records: what the kind chooses, with every task within its share."""
        settings = self.settings
        chosen = settings.choose(self.answers, truths, rows, self.drops)
        if settings.takes_answers and not len(truths):
            self.drops.check(chosen.answer)
        while True:  # what one rule drops may break the other: until neither drops any
            kept = settings.trim(chosen, self.record_drops)
            if settings.max_share is not None:
                keep = balanced(self.answers.queries.task, kept, settings.max_share, settings.seed)
                self.record_drops.keep(np.arange(len(kept)), keep, "share")
                kept = kept.rows(keep)
            if len(kept) == len(chosen):
                return kept
            chosen = kept

    def write(self, chosen: Chosen, out: str | Path) -> Corpus:
        """Write what was chosen."""
        settings, kind = self.settings, self.settings.kind
        with whole_directory(out, CORPUS_DIRECTORY, overwrite=settings.overwrite, inputs=self.release.inputs) as root:
            files, written, schema = self._write_files(root, chosen)
            dropped = {d.noun: d.counts for d in (self.query_drops, self.drops, self.record_drops)}
            about = described(
                self.release, kind,
                format=self.format.name, container=settings.container or self.format.container,
                splits=self.answers.queries.splits, selection=settings.selection(),
                filters=settings.stated(), seed=settings.seed, reasoning={"how": settings.reasoning, **self.reasoned},
                guard=self._guard(), **counted(self.answers, written), dropped=dropped,
            )  # fmt: skip
            entry = self.format.dataset_info(f"llmfusionbench_{kind}", [n for n in files if n.startswith("data/")])
            if entry is not None:
                files["dataset_info.json"] = _saved(root / "dataset_info.json", dump(entry))
            files["README.md"] = _saved(root / "README.md", corpus_card(about, schema))
            about["files"] = dict(sorted(files.items()))
            (root / CORPUS).write_text(dump(about), encoding="utf-8")
        return Corpus(Path(out), about)

    def _queries(self) -> Places:
        """The queries that pass the guard and the filters."""
        queries, drops = np.arange(len(self.answers.queries)), self.query_drops
        queries = drops.keep(queries, ~self.prompts.like_test, "like_test")
        queries = self.settings.queries(self.answers.queries, queries, drops)
        queries = drops.keep(queries, self.prompts.think[queries], "no_prompt")
        drops.check(queries)
        return queries

    def _filtered(self, queries: Places) -> Places:
        """The answers to these queries that pass the filters."""
        answers, settings = self.answers, self.settings
        rows = settings.answers(answers, np.flatnonzero(np.isin(answers.query, queries)), self.drops)
        rows = self.drops.keep(rows, (self.prompts.direct[answers.query] | answers.think)[rows], "no_prompt")
        if settings.best_of is not None:
            rows = self.drops.keep(rows, drawn(answers, rows, settings.best_of, settings.seed), "not_drawn")
        return settings.judged(answers, rows, self.drops)

    def _unrepeated(self, queries: Places) -> Places:
        """Those of the queries whose prompt repeats none before it."""
        repeated = self.prompts.repeated(self.release, self.answers.queries, queries, self.settings.duplicates)
        return self.query_drops.keep(queries, ~repeated, "repeated_prompt")

    def _write_files(self, root: Path, chosen: Chosen) -> tuple[dict[str, dict[str, Any]], Chosen, pa.Schema]:
        """Write the records, the keys that they cannot hold, and what the guard kept out; name -> file, written, columns."""
        settings = self.settings
        texts = TEXTS[settings.kind][1:]
        written: list[Places] = []
        container, shard_rows = settings.container or self.format.container, settings.shard_rows
        checked = self.format.issues is not None and container == "jsonl"
        if checked and 0 < len(chosen) % shard_rows < LEAST_EXAMPLES:  # a last file too short to be taken: all of one size
            shard_rows = -(-len(chosen) // -(-len(chosen) // shard_rows))
        shards = ShardWriter(root, container, shard_rows)
        sidecar = None if self.format.keeps_keys else LineWriter(root / "provenance.jsonl")
        try:
            for places, samples in Samples(self.release, self.answers, chosen):
                samples = self._reasoned(samples, texts)
                full = reduce(pc.and_, (samples[name].is_valid() for name in texts))
                left = self.record_drops.keep(places, full.to_numpy(), "only_reasoning")
                if len(left) < len(places):
                    samples = samples.filter(full)
                if not len(left):
                    continue
                records = self.format.records(samples)
                if sidecar is not None:
                    keys = keys_of(samples).to_pylist()
                    sidecar.write({"line": line, **row} for line, row in enumerate(keys, start=sidecar.rows + 1))
                shards.write(records)
                written.append(left)
                self.tell("records written", int(left[-1]) + 1, len(chosen))
            records_written = np.concatenate([np.zeros(0, np.int64), *written])
            self.record_drops.check(records_written)
            files = shards.finish()
        finally:
            shards.abort()
        if checked:
            self._check(root, files)
        if sidecar is not None:
            files["provenance.jsonl"] = sidecar.finish()
        kept_out = LineWriter(root / "dropped.jsonl")
        kept_out.write(self.prompts.kept_out)
        files["dropped.jsonl"] = kept_out.finish()
        return files, chosen.rows(records_written), shards.schema

    def _check(self, root: Path, files: dict[str, dict[str, Any]]) -> None:
        """Refuse files that their reader would refuse."""
        assert self.format.issues is not None
        found = []
        for name in files:
            with open(root / name, "rb") as lines:
                found += self.format.issues(lines, file=name)
        if found:
            more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise InputError(
                f"{self.format.name}: {'; '.join(map(str, found[:_SHOWN]))}{more}. Remedy: choose other answers, "
                "change --shard-rows, or choose another --format"
            )

    def _reasoned(self, samples: pa.Table, texts: Sequence[str]) -> pa.Table:
        """The samples with their `<think>` blocks treated as the settings say."""
        if self.settings.reasoning == "keep":
            return samples
        for name in texts:
            column, counts = apply(samples[name], samples["mode"], self.settings.reasoning)
            self.reasoned += counts
            samples = samples.set_column(samples.schema.get_field_index(name), name, column)
        return samples

    def _guard(self) -> dict[str, Any]:
        """What the leakage guard kept out, as corpus.json records it."""
        found = Counter(entry.get("like", "test") for entry in self.prompts.kept_out)
        counts = {"test_queries": found["test"], "exact": found["exact"], "near": found["near"]}
        return {"include_test": self.settings.include_test, "threshold": THRESHOLD, **counts}


def _saved(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text, encoding="utf-8")
    return described_file(path)
