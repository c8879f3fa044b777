"""ZeroEval: one JSON list of answers a model, as WildEval/ZeroEval publishes them.

The LLM is the one that the file is named after, since that is the name its figures are published under (`name_think` is its
think mode); what the log calls it is the endpoint. Scores are not part of the format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    answer_text,
    fields,
    identifier,
    identity_of,
    option_texts,
    required_text,
    same,
    text,
    writable,
)
from llmfusionbench.builders.reading.file_names import labels, llm_names
from llmfusionbench.builders.reading.json import batched, read_items
from llmfusionbench.builders.records import Llms, Part, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate

_NAMES: Final = {"task": "dataset", "source_id": "session_id"}


class ZeroEval:
    """Reads ZeroEval logs.

    Args:
        split: The split of every query.
    """

    def __init__(self, *, split: str = "train") -> None:
        self.split = split

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files.

        Raises:
            InputError: a file is not JSON, or holds no answer in this format.
        """
        for path, file, llm in zip(paths, labels(paths), llm_names(paths), strict=True):
            yield from batched(self._file(path, file, llm))

    def _file(self, path: Path, file: str, llm: str) -> Iterator[dict[str, Any] | Part]:
        asked = Candidate.parse(llm)
        generator: str | None = None
        taken, reason = 0, "it is an empty list"
        for item in read_items(path, file):
            if isinstance(item, Rejected):
                yield item
                continue
            row, value = item
            try:
                record = fields(value)
                place = {"file": file, "row": row, "split": self.split}
                made = self._record(record) | place | {"llm": asked.llm, "mode": asked.mode}
                generator = same("generator", generator, text(record, "generator"))
            except BadRecordError as error:
                reason = reason if taken else str(error)
                yield Rejected(file, row, str(error), identity_of(value, _NAMES, llm=llm))
            else:
                taken += 1
                yield made
        if not taken:
            raise InputError(f"{path}: no ZeroEval answer in it ({reason}). Remedy: check the file, or use another source")
        yield Llms([{"llm": asked.llm, "endpoint": generator}])

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        task = canonical_task(required_text(record, "dataset"))
        response, status = _answer(record.get("output"))
        truth = answer_text(record.get("answer", record.get("correct_answer")), "answer")
        return {
            "task": task,
            "source_id": identifier(record, "session_id"),
            "prompt": _sent(record.get("chat_history")),
            # The reference of GSM8K follows the last "#", after its working if that is there.
            "ground_truth": truth.rpartition("#")[2].strip() if truth and task == "gsm8k" else truth,
            "choices": option_texts(record.get("choices")),
            "metric": _metric(task),
            "response": response,
            "status": status,
        }


def _sent(history: Any) -> str:
    """What was sent, before the model's chat template."""
    if not isinstance(history, list) or len(history) != 1 or not isinstance(history[0], str) or not history[0]:
        raise BadRecordError("chat_history is not one text, expected what was sent")
    return writable(history[0], "chat_history")


def _answer(output: Any) -> tuple[str | None, str | None]:
    """The answer and its status; no status where the text says it."""
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
