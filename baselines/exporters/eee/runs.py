"""Aggregates of Every Eval Ever: one of each LLM in a mode on a task, with the mean of every split and metric."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from llmfusionbench import _version
from llmfusionbench.baselines.exporters.eee.samples import OWN, SCHEMA_VERSION, candidate_note, result_id, sample
from llmfusionbench.types import Candidate

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_PART: Final = 100
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_SETTINGS: Final = ("temperature", "top_p", "max_tokens")
_FACTS: Final = (
    *("family", "scale", "endpoint", "license", "description"),
    *("parameters_b", "input_price", "output_price"),
)
"""Columns of the table `llms` that the description of an LLM keeps."""


@dataclass
class _Metric:
    """The answers of one split by one metric."""

    row: Mapping[str, Any]
    """The first of them."""
    scores: list[float] = field(default_factory=list)
    answers: int = 0
    settings: set[str] = field(default_factory=set)


@dataclass
class Run:
    """One LLM in one mode on one task, while its samples are written."""

    task: str
    candidate: Candidate
    part: Path
    """The file of its samples, until its name is known."""
    stamp: str
    """The time of the release, seconds since 1970; 0 where its answers state none."""
    metrics: dict[str, _Metric] = field(default_factory=dict)
    samples: int = 0
    latest: str | None = None
    """When the latest answer was made."""
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def folder(self) -> PurePosixPath:
        """`data/{benchmark}/{developer}/{model}`."""
        developer, _, model = self.candidate.llm.rpartition("/")
        return PurePosixPath("data", _part(self.task), _part(developer or "unknown"), _part(model))

    @property
    def evaluation_id(self) -> str:
        """`{benchmark}/{model}/{time}`, the model being the candidate: the LLM in its mode."""
        return f"{self.task}/{self.candidate.name.replace('/', '_')}/{self.stamp}"

    def write(self, rows: list[dict[str, Any]], failures: list[bool]) -> None:
        """Append the samples of some answers."""
        with open(self.part, "ab") as file:
            for row, failed in zip(rows, failures, strict=True):
                line = _ENCODER.encode(sample(row, self.evaluation_id, failed=failed)).encode() + b"\n"
                file.write(line)
                self.digest.update(line)
                self._count(row, failed)

    def close(self, folder: Path, about: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, int]:
        """Give the samples their name and write the aggregate; file -> records.

        Args:
            folder: The folder of the export.
            about: What the aggregate states of the release: `source_metadata` and `provenance`.
            facts: The row of the LLM in the table `llms`.
        """
        checksum = self.digest.hexdigest()
        name = uuid.UUID(bytes=hashlib.sha256(f"{self.evaluation_id}\n{checksum}".encode()).digest()[:16], version=4)
        place = folder / self.folder
        place.mkdir(parents=True, exist_ok=True)
        samples, aggregate = self.folder / f"{name}_samples.jsonl", self.folder / f"{name}.json"
        self.part.rename(folder / samples)
        record = self._record(about, facts) | {
            "detailed_evaluation_results": {
                "format": "jsonl",
                "file_path": str(samples),
                "hash_algorithm": "sha256",
                "checksum": checksum,
                "total_rows": self.samples,
            }
        }
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
        (folder / aggregate).write_text(text, encoding="utf-8", newline="\n")
        return {str(aggregate): 1, str(samples): self.samples}

    def _count(self, row: Mapping[str, Any], failed: bool) -> None:
        metric = self.metrics.setdefault(result_id(row), _Metric(row))
        metric.answers += 1
        if row["performance"] is not None or failed:
            metric.scores.append(row["performance"] or 0.0)
        metric.settings.add(json.dumps(row["sampling"], sort_keys=True))
        self.samples += 1
        self.latest = max(filter(None, (self.latest, row["created_at"])), default=None)

    def _record(self, about: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
        developer, _, model = self.candidate.llm.rpartition("/")
        moment = {} if self.latest is None else {"evaluation_timestamp": epoch(self.latest)}
        details = {"deployment_type": "unknown", "model_availability": "unknown"} | candidate_note(self.candidate.mode)
        details |= {OWN + name: _text(facts[name]) for name in _FACTS if facts.get(name) is not None}
        return {
            "schema_version": SCHEMA_VERSION,
            "evaluation_id": self.evaluation_id,
            **moment,
            "retrieved_timestamp": self.stamp,
            "source_metadata": about["source_metadata"],
            "eval_library": {
                "name": _version.NAME,
                "version": _version.__version__,
                "additional_details": {OWN + "provenance": about["provenance"]},
            },
            "model_info": {
                "name": model,
                "id": self.candidate.llm,
                **({"developer": developer} if developer else {}),
                "additional_details": details,
            },
            "evaluation_results": [self._result(key, metric) for key, metric in sorted(self.metrics.items())],
        }

    def _result(self, key: str, metric: _Metric) -> dict[str, Any]:
        scores, name = metric.scores, metric.row["metric"]
        mean = math.fsum(scores) / len(scores) if scores else 0.0
        settings = json.loads(next(iter(metric.settings))) if len(metric.settings) == 1 else None
        args = {n: settings[n] for n in _SETTINGS if settings[n] is not None} if settings else {}
        unscored = metric.answers - len(scores)
        return {
            "evaluation_result_id": key,
            "evaluation_name": self.task,
            "source_data": {
                "dataset_name": self.task,
                "source_type": "other",
                "additional_details": {"split": metric.row["split"]},
            },
            "metric_config": {
                "metric_id": name,
                "metric_name": name,
                "metric_unit": "proportion",
                "lower_is_better": False,
                "score_type": "continuous",
                "min_score": 0.0,
                "max_score": 1.0,
            },
            "score_details": {
                "score": mean,
                "details": {"answers": str(metric.answers), "answers_without_a_score": str(unscored)},
                "uncertainty": {"num_samples": len(scores)},
            },
            **({"generation_config": {"generation_args": args}} if args else {}),
        }


def _part(name: str) -> str:
    """A name as that of a folder."""
    return _UNSAFE.sub("_", name)[:_LONGEST_PART].strip(".") or "_"


def epoch(moment: str) -> str:
    """Seconds since 1970 of a time in UTC, as text."""
    return f"{datetime.fromisoformat(moment).timestamp():.3f}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
