"""ZeroEval: one JSON list of answers per model, as WildEval/ZeroEval publishes them.

The LLM is the one that the file is named after, because its results are published under that name (`name_think` is its think
mode, `name@host` one of its hosts); the name in the log is what the host calls it. Several outputs are replicates. The format
has no scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.known.tasks import UNKNOWN, canonical_task, metric_of
from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    Constant,
    answer_text,
    identifier,
    identity_of,
    option_texts,
    required_text,
    text,
    writable,
)
from llmfusionbench.builders.reading.file_names import NamedLlm, labelled, named_llms
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.reading.objects import sampling
from llmfusionbench.builders.records import Llms, Part
from llmfusionbench.types import Candidate

_NAMES: Final = {"task": "dataset", "source_id": "session_id"}
_METRICS: Final = {"gsm8k": "gsm8k", "crux": "crux", "zebra-grid": UNKNOWN}
"""Task -> metric. An answer to zebra-grid is a table of cells, for which there is no metric."""


@dataclass(frozen=True, kw_only=True)
class ZeroEval:
    """Reads ZeroEval logs.

    Args:
        split: The split of every query.
        hosts: What an LLM is that several hosts served: `llms`, one per host, or `replicates` of one LLM.
    """

    split: str = "train"
    hosts: str = "llms"

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        for (path, file), named in zip(labelled(paths), named_llms(paths, self.hosts), strict=True):
            yield from self._file(path, file, named)

    def _file(self, path: Path, file: str, named: NamedLlm) -> Iterator[Part]:
        generator = Constant("generator")

        def read(record: dict[str, Any]) -> list[dict[str, Any]]:
            made = _answer(record)
            generator.check(record)
            numbers = range(named.replicate, named.replicate + named.replicates * len(made), named.replicates)
            return [answer | {"replicate": number} for number, answer in zip(numbers, made, strict=True)]

        shared = {"split": self.split, "llm": named.llm, "mode": named.mode, "endpoint": named.host}
        identity = partial(identity_of, names=_NAMES, llm=Candidate(named.llm, named.mode).name)
        yield from read_records(path, file, read, shared, identity=identity, required="ZeroEval answer")
        yield Llms([{"llm": named.llm, "endpoint": generator.value}])


def _answer(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers of a record, one per output."""
    task = canonical_task(required_text(record, "dataset"))
    query = {
        "task": task,
        "source_id": identifier(record, "session_id"),
        "prompt": _sent(record.get("chat_history")),
        "ground_truth": _truth(record, task),
        "choices": option_texts(record.get("choices")),
        "metric": _metric(task),
        "requested_model": text(record, "generator"),
        "sampling": sampling(record.get("configs"), "configs"),
    }
    return [query | answer for answer in _outputs(record.get("output"))]


def _sent(history: Any) -> str:
    """The prompt before the model's chat template is applied."""
    if not isinstance(history, list) or len(history) != 1 or not isinstance(history[0], str) or not history[0]:
        raise BadRecordError("chat_history is not one text, expected what was sent")
    return writable(history[0], "chat_history")


def _outputs(output: Any) -> list[dict[str, str | None]]:
    """The response of each sample, and its status where its text does not decide it."""
    texts = [output] if isinstance(output, str) or output is None else output
    if not isinstance(texts, list) or not all(isinstance(t, str) or t is None for t in texts):
        raise BadRecordError("output is not a list of texts, expected the answers")
    return [
        {"response": None, "status": "missing"} if t is None else {"response": writable(t, "output"), "status": None}
        for t in texts or [None]
    ]


def _truth(record: dict[str, Any], task: str) -> str | None:
    value = record.get("answer", record.get("correct_answer"))
    if task == "crux" and isinstance(value, str):  # the text counts as it is, also "[]" and a list of texts
        return writable(value, "answer")
    truth = answer_text(value, "answer")
    # The reference of GSM8K is what follows the last "#", after the working if there is any.
    return truth.rpartition("#")[2].strip() if truth and task == "gsm8k" else truth


def _metric(task: str) -> str:
    if task in _METRICS:
        return _METRICS[task]
    if task.startswith("mmlu"):
        return "em_mc"
    return metric_of(task) or ("math" if task.startswith("math") else "em")
