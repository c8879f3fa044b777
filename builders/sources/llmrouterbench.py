"""LLMRouterBench: a JSON file of results per dataset, split, LLM and run; and the JSON lines that its Avengers baselines read.

The latest of several runs counts, and demonstrations are skipped. A missing score stays missing; the baselines set it to 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    answer_text,
    count,
    identifier,
    identity_of,
    number,
    required_text,
    text,
    writable,
)
from llmfusionbench.builders.reading.file_names import known_provenance, labelled, provenance_beside, split_of_name, stem
from llmfusionbench.builders.reading.json import read_fields, read_listed
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.records import Part
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate

_NAMES: Final = {"task": "dataset", "source_id": "index"}
_RUN: Final = re.compile(r"(.+)-(\d{8}_\d{6})")
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, kw_only=True)
class LLMRouterBench:
    """Reads LLMRouterBench's results (`<dataset>-<split>-<model>-YYYYMMDD_HHMMSS.json`) and Avengers JSON lines.

    Args:
        split: The split of every query; by default the one named by a file of JSON lines, else `train`. The split in the name
            of a results file is not used: it is that of the original dataset.
        provenance: How the answers came about; by default what the records or an export of ours next to the file state, else
            `imported`.
    """

    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, except demonstrations and runs that a later one supersedes."""
        runs: dict[tuple[Path | str, ...], list[tuple[str, Path, str]]] = {}
        for path, file in labelled(paths):
            run = _RUN.fullmatch(stem(path))
            key = (run[1],) if run else (path.absolute(),)
            runs.setdefault(key, []).append((run[2] if run else "", path, file))
        taken = False
        for files in runs.values():
            for _, path, file in sorted(files, key=lambda f: f[0], reverse=True):
                results, has_records = read_fields(path, file, "records")
                if has_records and _is_demo(results):
                    continue
                taken = True
                yield from self._records(path, file, results) if has_records else self._lines(path, file)
                break
        if paths and not taken:
            raise InputError(f"{paths[0]}: a demonstration, as are all files given. Remedy: give the results of whole runs")

    def _records(self, path: Path, file: str, results: dict[str, Any]) -> Iterator[Part]:
        """The answers of one LLM to one dataset."""
        try:
            task, name = required_text(results, "dataset_name"), required_text(results, "model_name")
        except BadRecordError as error:
            raise InputError(f"{path}: {error}. Remedy: check the file, or use another source") from error
        llm, mode = Candidate.parse(name)
        shared = {
            "split": self.split or "train", "task": task, "metric": _UNKNOWN, "llm": llm, "mode": mode,
            "provenance": provenance_beside(path, self.provenance),
        }  # fmt: skip
        identity = partial(identity_of, names={"source_id": "index"}, task=task, llm=name)
        yield from read_records(path, file, _answer, shared, identity=identity, items=read_listed(path, file, "records"))

    def _lines(self, path: Path, file: str) -> Iterator[Part]:
        """The queries of a file of JSON lines with the scores of all LLMs."""
        made = provenance_beside(path, self.provenance)

        def read(record: dict[str, Any]) -> Iterator[dict[str, Any] | BadRecordError]:
            query = {
                "task": required_text(record, "dataset"),
                "source_id": identifier(record, "index"),
                "prompt": required_text(record, "query"),
                "provenance": made or known_provenance(record.get("provenance")),
            }
            scores, usages = _object(record, "records"), _object(record, "usages")
            for name in dict.fromkeys([*scores, *usages]):
                try:
                    yield query | _cell(name, scores, usages)
                except BadRecordError as error:
                    yield BadRecordError(str(error), llm=name[:200])

        shared = {"split": self.split or split_of_name(path) or "train", "metric": _UNKNOWN}
        identity = partial(identity_of, names=_NAMES)
        yield from read_records(path, file, read, shared, identity=identity, required="query of LLMRouterBench")


def _is_demo(results: dict[str, Any]) -> bool:
    return results.get("demo") not in (None, False, 0, "", "false", "False")


def _answer(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer in a record of results."""
    response, score = _output(record.get("raw_output")), number(record, "score")
    return [
        {
            "source_id": identifier(record, "index"),
            "prompt": text(record, "prompt") or required_text(record, "origin_query"),
            "ground_truth": _reference(record.get("ground_truth")),
            "response": response,
            "status": "missing" if response is None and score is None else None,
            "input_tokens": count(record, "prompt_tokens"),
            "output_tokens": count(record, "completion_tokens"),
            "performance": score,
            "cost_usd": number(record, "cost"),
        }
    ]


def _output(value: Any) -> str | None:
    """The answer: a text, or a list of one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return text({"raw_output": value}, "raw_output")


def _reference(value: Any) -> str | None:
    """The reference answer; one with several parts as the text of its JSON."""
    if isinstance(value, dict) or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
        return writable(json.dumps(value, ensure_ascii=False), "ground_truth")
    return str(value) if isinstance(value, bool) else answer_text(value)


def _object(record: dict[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name, {} if name == "usages" else None)
    if not isinstance(value, dict):
        raise BadRecordError(f"{name} is not an object, expected {{llm: ...}}")
    return value


def _cell(name: str, scores: dict[str, Any], usages: dict[str, Any]) -> dict[str, Any]:
    """The score and usage of one LLM; `missing` if it has neither."""
    llm, mode = Candidate.parse(writable(name, "the name of an LLM"))
    usage = usages.get(name)
    if usage is not None and not isinstance(usage, dict):
        raise BadRecordError("its usage is not an object, expected {prompt_tokens, completion_tokens, cost}")
    usage = usage or {}
    try:
        performance = number(scores, name)
    except BadRecordError as error:
        raise BadRecordError(f"score of {error}") from error
    found = {
        "performance": performance,
        "input_tokens": count(usage, "prompt_tokens"),
        "output_tokens": count(usage, "completion_tokens"),
        "cost_usd": number(usage, "cost"),
    }
    status = "missing" if all(value is None for value in found.values()) else None
    return {"llm": llm, "mode": mode, "status": status, **found}
