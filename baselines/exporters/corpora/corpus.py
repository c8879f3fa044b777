"""A corpus that was written, and the account of it that lies beside its files: corpus.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from llmfusionbench import _version
from llmfusionbench.baselines.exporters.corpora.answers import Answers
from llmfusionbench.baselines.exporters.corpora.chosen import GROUND_TRUTH, Chosen
from llmfusionbench.baselines.exporters.corpora.formats.format import Kind
from llmfusionbench.baselines.exporters.corpora.queries import UNKNOWN
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release
from llmfusionbench.storage.files import sha256

CORPUS: Final = "corpus.json"
CORPUS_VERSION: Final = "1.0"
GROUND_TRUTH_NAME: Final = "ground truth"
"""What stands in the counts where an answer is the ground truth and no LLM's."""


@dataclass(frozen=True)
class Corpus:
    """A corpus on disk."""

    path: Path
    about: dict[str, Any] = field(repr=False)
    """What corpus.json says; `corpus_schema()` says what that is."""

    @property
    def records(self) -> int:
        count: int = self.about["records"]
        return count

    @property
    def tasks(self) -> dict[str, int]:
        """Task -> records."""
        counts: dict[str, int] = self.about["counts"]["tasks"]
        return counts

    @property
    def dropped(self) -> dict[str, dict[str, int]]:
        """`queries`, `answers` or `records` -> reason -> how many were left out for it."""
        counts: dict[str, dict[str, int]] = self.about["dropped"]
        return counts

    @property
    def files(self) -> list[Path]:
        """The files that hold the records, in order."""
        return [self.path / name for name in sorted(self.about["files"]) if name.startswith("data/")]

    @property
    def simulated(self) -> bool:
        return "simulated" in self.about["counts"]["provenance"]


def counted(answers: Answers, chosen: Chosen) -> dict[str, Any]:
    """The parts of corpus.json that count the records."""
    queries = answers.queries
    own = chosen.answer != GROUND_TRUTH
    rows = chosen.answer[own]
    rows = rows if chosen.rejected is None else np.concatenate([rows, chosen.rejected])
    truths = {GROUND_TRUTH_NAME: int((~own).sum())} if not own.all() else {}
    provenance = answers.provenance_of(chosen.query, chosen.answer).counts(np.arange(len(chosen)))
    llms = np.bincount(answers.llm[rows], minlength=len(answers.llms))
    licences: dict[str, int] = {}
    for name, count in zip(answers.llm_licenses, llms.tolist(), strict=True):
        if count:
            licences[name] = licences.get(name, 0) + count
    told: dict[str, Any] = {
        "records": len(chosen),
        "queries": len(np.unique(chosen.query)),
        "counts": {
            "tasks": queries.task.counts(chosen.query),
            "llms": {n: c for n, c in zip(answers.llms, llms.tolist(), strict=True) if c} | truths,
            "candidates": answers.candidates.counts(rows) | truths,
            "modes": {
                mode: int(count)
                for mode, count in (("direct", (~answers.think[rows]).sum()), ("think", answers.think[rows].sum()))
                if count
            },
            "provenance": provenance,
            "licenses": queries.license.counts(chosen.query),
            "llm_licenses": dict(sorted(licences.items())),
        },
        "tokens": {
            "input": _total(answers.input_tokens[rows]),
            "output": _total(answers.output_tokens[rows]),
            "uncounted": int(np.isnan(answers.output_tokens[rows]).sum()),
            "tokenizers": [name for name in answers.tokenizer.counts(rows) if name != UNKNOWN],
        },
        "unscored": {
            "performance": int(np.isnan(answers.performance[rows]).sum()),
            "judge": int(np.isnan(answers.judge[rows]).sum()),
        },
        "labels": None,
    }
    if chosen.label is not None:
        good = int(chosen.label.sum())
        bad = len(chosen) - good
        ratio = round(good / bad, 6) if bad else None
        told["labels"] = {"good": good, "bad": bad, "good_to_bad": ratio, "warning": _lacking(good, bad)}
    return told


def described(release: Release, kind: Kind, **parts: Any) -> dict[str, Any]:
    """What corpus.json says; nothing in it depends on when or where the corpus was made."""
    source = release.manifest.get("source", {})
    return {
        "corpus_version": CORPUS_VERSION,
        "kind": kind,
        "tool": {"name": "llmfusionbench", "version": _version.__version__},
        "release": {
            "source": source.get("name"),
            "revision": source.get("revision"),
            "manifest_sha256": sha256(release.path / MANIFEST),
            "schema_version": release.manifest["schema_version"],
            "provenance": release.provenance,
        },
        **parts,
    }


def dump(about: Mapping[str, Any]) -> str:
    """The text of corpus.json."""
    return json.dumps(about, indent=2, ensure_ascii=True) + "\n"


def corpus_schema() -> dict[str, Any]:
    """The JSON Schema of corpus.json."""
    text = resources.files(__package__).joinpath("corpus_schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def keys_of(samples: pa.Table, records: pa.Table) -> pa.Table:
    """The keys of samples whose records cannot hold them: a line each, in the same order."""
    wanted = ("query_id", "task", "candidate", "rejected_candidate", "provenance", "license")
    assert samples.num_rows == records.num_rows
    return samples.select([name for name in wanted if name in samples.column_names])


def _lacking(good: int, bad: int) -> str | None:
    """A warning where a corpus of labelled answers has one label only."""
    if good and bad:
        return None
    missing, remedy = ("bad", "a higher --bad") if good else ("good", "a lower --good")
    return f"no answer is {missing}, and KTO learns by telling good from bad. Remedy: {remedy}, or more LLMs and tasks"


def _total(values: np.ndarray) -> int:
    return int(np.nansum(values))
