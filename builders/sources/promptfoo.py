"""promptfoo: the results of `promptfoo eval -o results.json` (versions 1 to 3) or `-o results.jsonl`.

Of the file only the results are read, none of its configuration, headers and environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.file_names import labelled, provenance_beside, split_of_name, stem
from llmfusionbench.builders.reading.json import Item, read_items, read_within
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.builders.reading.promptfoo_results import METRIC, RAW, answers, is_result
from llmfusionbench.builders.reading.promptfoo_tables import table_results
from llmfusionbench.builders.reading.question_path import QuestionPath
from llmfusionbench.builders.records import Part, Rejected
from llmfusionbench.errors import InputError

_KEYS: Final = ("results", "results")
"""Where the results lie: in the summary of an evaluation, or at the first of these in version 1."""


@dataclass(frozen=True, kw_only=True)
class Promptfoo:
    """Reads promptfoo's results, in JSON or JSON lines.

    Args:
        prompt: What the prompt of a query is: `raw`, the text as it was sent, or a path in the result such as
            `vars.question`.
        task: The task of every query; by default the name of the file.
        split: The split of every query; by default the one that the name of the file states, else `train`.
        provenance: How the answers came about; by default `imported`.
    """

    FILES: ClassVar[tuple[str, ...]] = (
        "*results*.json",
        "*results*.jsonl",
        "*output*.json",
        "*output*.jsonl",
        "eval-*.json",
    )

    prompt: str = RAW
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files. The same call made again is a replicate."""
        repeats = _Repeats()
        question = QuestionPath(None if self.prompt == RAW else self.prompt)
        for path, file in labelled(paths):
            beside: dict[str, Any] = {}
            items = _results(path, file, beside)
            head: list[Item] = []
            for item in items:
                head.append(item)
                if not isinstance(item, Rejected) and is_result(item[1]):
                    break
            else:
                reason = next((i.reason for i in head if isinstance(i, Rejected)), "no record has a provider and a response")
                raise InputError(f"{path}: no result of promptfoo in it ({reason}). Remedy: check the file")

            def read(record: dict[str, Any]) -> list[dict[str, Any] | BadRecordError]:
                found = list(answers(record, self.prompt))
                replicate = repeats.number(found[0])
                return [answer | {"replicate": replicate} for answer in found]

            shared = {
                "split": self.split or split_of_name(path) or "train",
                "task": self.task or stem(path),
                "metric": METRIC,
                "mode": "direct",
                "created_at": loose_moment(beside.get("timestamp")),
                "provenance": provenance_beside(path, self.provenance),
            }
            yield from read_records(path, file, read, shared, items=question.watched(chain(head, items), path, file))
        yield from question.notes()


@dataclass
class _Repeats:
    """How often each LLM was asked each prompt so far."""

    seen: dict[int, int] = field(default_factory=dict)

    def number(self, answer: dict[str, Any]) -> int:
        """The number of an answer among those of its LLM to its prompt, from 0."""
        llm = answer["llm_path"] or answer["llm"]
        key = hash((llm, answer.get("prompt") or repr(answer.get("messages"))))  # the texts would take memory
        self.seen[key] = self.seen.get(key, -1) + 1
        return self.seen[key]


def _results(path: Path, file: str, beside: dict[str, Any]) -> Iterator[Item]:
    """The results of a file: its lines, those of its summary, or else the cells of its table."""
    if path.name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".jsonl", ".ndjson")):
        yield from read_items(path, file)
        return
    empty = True
    for item in read_within(path, file, _KEYS, beside):
        empty = False
        yield item
    if empty:
        yield from table_results(beside.get("table")) if "table" in beside else read_items(path, file)
