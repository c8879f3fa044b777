"""ZeroEval: one JSON list of answers per model, as WildEval/ZeroEval publishes them.

The LLM is the one that the file is named after, because its results are published under that name (`name_think` is its think
mode); the name in the log is the endpoint. The format has no scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    Constant,
    answer_text,
    identifier,
    identity_of,
    option_texts,
    required_text,
    writable,
)
from llmfusionbench.builders.reading.file_names import labelled, llm_names
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.records import Llms, Part
from llmfusionbench.types import Candidate

_NAMES: Final = {"task": "dataset", "source_id": "session_id"}


@dataclass(frozen=True, kw_only=True)
class ZeroEval:
    """Reads ZeroEval logs.

    Args:
        split: The split of every query.
    """

    split: str = "train"

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        for (path, file), name in zip(labelled(paths), llm_names(paths), strict=True):
            yield from self._file(path, file, name)

    def _file(self, path: Path, file: str, name: str) -> Iterator[Part]:
        generator = Constant("generator")

        def read(record: dict[str, Any]) -> list[dict[str, Any]]:
            made = _answer(record)
            generator.check(record)
            return [made]

        llm, mode = Candidate.parse(name)
        shared = {"split": self.split, "llm": llm, "mode": mode}
        identity = partial(identity_of, names=_NAMES, llm=name)
        yield from read_records(path, file, read, shared, identity=identity, required="ZeroEval answer")
        yield Llms([{"llm": llm, "endpoint": generator.value}])


def _answer(record: dict[str, Any]) -> dict[str, Any]:
    task = canonical_task(required_text(record, "dataset"))
    response, status = _output(record.get("output"))
    truth = answer_text(record.get("answer", record.get("correct_answer")), "answer")
    return {
        "task": task,
        "source_id": identifier(record, "session_id"),
        "prompt": _sent(record.get("chat_history")),
        # The reference of GSM8K is what follows the last "#", after the working if there is any.
        "ground_truth": truth.rpartition("#")[2].strip() if truth and task == "gsm8k" else truth,
        "choices": option_texts(record.get("choices")),
        "metric": _metric(task),
        "response": response,
        "status": status,
    }


def _sent(history: Any) -> str:
    """The prompt before the model's chat template is applied."""
    if not isinstance(history, list) or len(history) != 1 or not isinstance(history[0], str) or not history[0]:
        raise BadRecordError("chat_history is not one text, expected what was sent")
    return writable(history[0], "chat_history")


def _output(output: Any) -> tuple[str | None, str | None]:
    """The answer and its status; no status where the text decides it."""
    texts = [output] if isinstance(output, str) or output is None else output
    if not isinstance(texts, list) or len(texts) > 1 or not all(isinstance(t, str) or t is None for t in texts):
        raise BadRecordError("output is not one text, expected the answer")
    if not texts or texts[0] is None:
        return None, "missing"
    return writable(texts[0], "output"), None


def _metric(task: str) -> str:
    if task == "gsm8k":
        return "gsm8k"
    if task.startswith("mmlu"):
        return "em_mc"
    return "math" if task.startswith("math") else "em"
