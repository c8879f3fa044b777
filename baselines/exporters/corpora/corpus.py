"""A corpus that was written, and the account of it that lies beside its files: corpus.json."""

from __future__ import annotations

import json
from collections import Counter
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
from llmfusionbench.baselines.exporters.corpora.queries import UNKNOWN, Coded
from llmfusionbench.release import Release
from llmfusionbench.storage.kinds import DirectoryKind, stated_in

CORPUS: Final = "corpus.json"
CORPUS_VERSION: Final = "1.0"
CORPUS_DIRECTORY: Final = DirectoryKind("corpus", stated_in(CORPUS, "corpus_version", CORPUS_VERSION))
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
        return int(self.about["records"])

    @property
    def tasks(self) -> dict[str, int]:
        """Task -> records."""
        return dict(self.about["counts"]["tasks"])

    @property
    def dropped(self) -> dict[str, dict[str, int]]:
        """`queries`, `answers` or `records` -> reason -> how many were dropped for it."""
        return dict(self.about["dropped"])

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
    llms = Coded(answers.llms, answers.llm.astype(np.int32)).counts(rows)
    licenses: Counter[str] = Counter()
    for name, count in llms.items():
        licenses[answers.llm_licenses[answers.llms.index(name)]] += count
    return {
        "records": len(chosen),
        "queries": len(np.unique(chosen.query)),
        "counts": {
            "tasks": queries.task.counts(chosen.query),
            "llms": llms | truths,
            "candidates": answers.candidates.counts(rows) | truths,
            "modes": Coded(answers.modes, answers.mode.astype(np.int32)).counts(rows),
            "provenance": answers.provenance_of(chosen.query, chosen.answer).counts(np.arange(len(chosen))),
            "licenses": queries.license.counts(chosen.query),
            "llm_licenses": dict(sorted(licenses.items())),
        },
        "tokens": {
            "input": int(np.nansum(answers.input_tokens[rows])),
            "output": int(np.nansum(answers.output_tokens[rows])),
            "uncounted": int(np.isnan(answers.output_tokens[rows]).sum()),
            "tokenizers": [name for name in answers.tokenizer.counts(rows) if name != UNKNOWN],
        },
        "unscored": {
            "performance": int(np.isnan(answers.performance[rows]).sum()),
            "judge": int(np.isnan(answers.judge[rows]).sum()),
        },
        "labels": None if chosen.label is None else _labels(int(chosen.label.sum()), int((~chosen.label).sum())),
    }


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
            "manifest_sha256": release.manifest_sha256,
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
    return dict(json.loads(resources.files(__package__).joinpath("corpus_schema.json").read_text(encoding="utf-8")))


def keys_of(samples: pa.Table) -> pa.Table:
    """The keys of samples whose records cannot hold them."""
    wanted = (
        "query_id", "task", "candidate", "replicate", "rejected_candidate", "rejected_replicate", "provenance", "license",
    )  # fmt: skip
    return samples.select([name for name in wanted if name in samples.column_names])


def _labels(good: int, bad: int) -> dict[str, Any]:
    """How many answers have each label, with a warning if all have the same."""
    warning = None
    if not good or not bad:
        missing, remedy = ("bad", "a higher --bad") if good else ("good", "a lower --good")
        warning = f"no answer is {missing}, and KTO learns by telling good from bad. Remedy: {remedy}, or more LLMs and tasks"
    return {"good": good, "bad": bad, "good_to_bad": round(good / bad, 6) if bad else None, "warning": warning}
