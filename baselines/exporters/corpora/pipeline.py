"""The way from a release to the files of a corpus: what every kind of corpus has in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.corpora.answers import TRAIN, Answers, Places
from llmfusionbench.baselines.exporters.corpora.card import corpus_card
from llmfusionbench.baselines.exporters.corpora.corpus import CORPUS, Corpus, Counts, described, dump, keys_of
from llmfusionbench.baselines.exporters.corpora.drops import Drops
from llmfusionbench.baselines.exporters.corpora.filters import Filters
from llmfusionbench.baselines.exporters.corpora.formats import Format, format_named
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import LEAST_EXAMPLES
from llmfusionbench.baselines.exporters.corpora.leakage_guard import THRESHOLD, Guarded, guard
from llmfusionbench.baselines.exporters.corpora.options import Options, Settings
from llmfusionbench.baselines.exporters.corpora.pairs import By, scores
from llmfusionbench.baselines.exporters.corpora.reasoning import apply_counted
from llmfusionbench.baselines.exporters.corpora.repeats import repeated_prompts, text_digests
from llmfusionbench.baselines.exporters.corpora.samples import TEXTS, Kind, Samples
from llmfusionbench.baselines.exporters.corpora.selection import Chosen, balanced, drawn, firsts
from llmfusionbench.baselines.exporters.corpora.writer import LineWriter, ShardWriter
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release, open_release
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.files import sha256
from llmfusionbench.types import Progress

_SHOWN: Final = 10
"""Issues of a file that an error tells."""


class Pipeline:
    """An opened release, its numbers, what was left out so far, and the way to the files."""

    def __init__(self, kind: Kind, release: Release | str | Path, format_name: str, options: Options) -> None:
        given: dict[str, Any] = {**options}
        names = {f.name for f in fields(Filters)}
        self.filters = Filters(**{name: given.pop(name) for name in list(given) if name in names})
        settings = Settings(**given)
        settings.check()
        self.kind: Kind = kind
        self.format: Format = format_named(kind, format_name)
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
        self.reasoned: Counter[str] = Counter()
        """What the texts with reasoning were; see `reasoning.apply_counted`."""
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
        return asked, self.filters.judged(answers, rows, self.drops)

    def with_text(self, rows: Places) -> Places:
        """Those of the answers that have something to learn: the text was kept, and what is to be written of it is not empty.

        Looked for as late as can be, for it means going through all texts.
        """
        self.tell("reading answers", 2, 4)
        settings = self.settings
        there, answered, self._digests = text_digests(self.release, self.answers, rows, settings.duplicates, settings.reasoning)
        rows = self.drops.keep(rows, there[rows], "no_text")
        return self.drops.keep(rows, answered[rows], "only_reasoning")

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

    def within_share(self, chosen: Chosen) -> Chosen:
        """As much of what was chosen as keeps every task within its share."""
        if self.settings.max_share is None:
            return chosen
        keep = balanced(self.answers.queries.task, chosen, self.settings.max_share, self.seed)
        self.record_drops.keep(np.arange(len(chosen)), keep, "share")
        return chosen.rows(keep)

    def write(self, chosen: Chosen, out: str | Path, selection: dict[str, Any]) -> Corpus:
        """Write what was chosen."""
        settings = self.settings
        chosen = self.within_share(chosen)
        selection |= {"best_of": self.best_of, "duplicates": settings.duplicates, "max_share": settings.max_share}
        with whole_directory(out, CORPUS, overwrite=settings.overwrite) as root:
            files, counts, schema = self._write_files(root, chosen)
            dropped = {d.noun: d.counts for d in (self.query_drops, self.drops, self.record_drops)}
            about = described(
                self.release, self.kind,
                format=self.format.name, container=settings.container or self.format.container,
                splits=self.answers.queries.splits, selection={k: v for k, v in selection.items() if v is not None},
                filters=self.filters.stated(), seed=self.seed, reasoning={"how": settings.reasoning, **self.reasoned},
                guard=self._guard(), **counts.told(), dropped=dropped,
            )  # fmt: skip
            entry = self.format.dataset_info(f"llmfusionbench_{self.kind}", [n for n in files if n.startswith("data/")])
            if entry is not None:
                files["dataset_info.json"] = _saved(root / "dataset_info.json", dump(entry))
            files["README.md"] = _saved(root / "README.md", corpus_card(about, schema))
            about["files"] = dict(sorted(files.items()))
            (root / CORPUS).write_text(dump(about), encoding="utf-8")
        return Corpus(Path(out), about)

    def _write_files(self, root: Path, chosen: Chosen) -> tuple[dict[str, dict[str, Any]], Counts, pa.Schema]:
        """Write the records, the keys that they cannot hold, and what the guard kept out; and say what they are."""
        settings = self.settings
        counts = Counts(self.answers, chosen)
        container, shard_rows = settings.container or self.format.container, settings.shard_rows
        checked = self.format.issues is not None and container == "jsonl"
        if checked and 0 < len(chosen) % shard_rows < LEAST_EXAMPLES:  # a last file too short to be taken: all of one size
            shard_rows = -(-len(chosen) // -(-len(chosen) // shard_rows))
        shards = ShardWriter(root, container, shard_rows)
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
        if checked:
            self._check(root, files)
        if sidecar is not None:
            files["provenance.jsonl"] = sidecar.finish()
        kept_out = LineWriter(root / "dropped.jsonl")
        kept_out.write(self.guarded.entries)
        files["dropped.jsonl"] = kept_out.finish()
        return files, counts, shards.schema

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
                f"{self.format.name}: {'; '.join(map(str, found[:_SHOWN]))}{more}. Remedy: another choice of answers, "
                "another --shard-rows, or another --format"
            )

    def _reasoned(self, samples: pa.Table) -> pa.Table:
        """The samples with their `<think>` blocks as asked for."""
        if self.settings.reasoning == "keep":
            return samples
        for name in TEXTS[self.kind]:
            texts, counts = apply_counted(samples[name], samples["mode"], self.settings.reasoning)
            self.reasoned += counts
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


def _saved(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text, encoding="utf-8")
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}
