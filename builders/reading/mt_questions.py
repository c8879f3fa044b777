"""The questions of MT-Bench and their reference answers, by question and turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, identifier, named, writable
from llmfusionbench.builders.reading.judge_names import turn_id
from llmfusionbench.builders.reading.sides import Asked, asked_texts, candidate_name

_FOLDERS: Final = ("model_answer", "model_judgment", "reference_answer")
REFERENCES: Final = "reference_answer"
"""The folder of reference answers, which look as those of any LLM."""
_DOMAINS: Final = {"coding": "code"}
"""Category -> domain, where our name differs."""


def is_in_folder(path: Path) -> bool:
    """Whether a file is in a folder of FastChat's layout."""
    return path.absolute().parent.name in _FOLDERS


def root_of(path: Path) -> Path:
    """The folder of the benchmark that a file belongs to: its own, or the one above `model_answer` and the like."""
    return path.absolute().parents[is_in_folder(path)]


def question_id(record: Mapping[str, Any]) -> str:
    """The id of the question that a record is about, a text or a whole number."""
    name = "question_id" if "question_id" in record else "prompt_id"
    found = identifier(record, name)
    if not found:
        raise BadRecordError("question_id is missing, expected the id of the question")
    return found


def texts(value: Any, name: str) -> list[str]:
    """A list of texts, or of objects with their `content`."""
    found = [part.get("content") if isinstance(part, dict) else part for part in value] if isinstance(value, list) else None
    if not found or not all(isinstance(part, str) for part in found):
        raise BadRecordError(f"{name} is {named(value)}, expected a list of texts")
    return [writable(str(part), name) for part in found]


@dataclass(frozen=True)
class Question:
    """What is asked, turn by turn."""

    turns: list[str]
    truths: list[str | None]
    """The reference answer to each turn."""
    domain: str | None

    @classmethod
    def of(cls, record: Mapping[str, Any], references: Mapping[str, list[str]]) -> Question:
        """A record of questions; a turn that it gives no reference has that of `references`, by id."""
        said = texts(record.get("turns", record.get("prompt")), "turns")
        if not all(part.strip() for part in said):
            raise BadRecordError("turns has an empty text, expected what is asked")
        own, others = record.get("reference"), references.get(question_id(record), [])
        given = own if isinstance(own, list) else [own]
        if not all(part is None or isinstance(part, str) for part in given):
            raise BadRecordError(f"reference is {named(own)}, expected a list of texts")
        truths = [_at(given, i) or _at(others, i) for i in range(len(said))]
        category = record.get("category")
        domain = _DOMAINS.get(category, writable(category, "category")) if isinstance(category, str) and category else None
        return cls(said, [None if truth is None else writable(truth, "reference") for truth in truths], domain)

    def asked(self, turn: int) -> Asked:
        """What is asked at a turn, from 1: what the user says up to it."""
        return asked_texts(self.turns[:turn])


@dataclass
class Bench:
    """The questions of one benchmark."""

    questions: dict[str, Question] = field(default_factory=dict)
    references: dict[str, list[str]] = field(default_factory=dict)
    """Question -> the reference answer to each turn."""
    unknown: int = 0
    """Number of records that are about a question that is not here."""
    _states: dict[tuple[str, str], str] = field(default_factory=dict)
    """`source_id` and candidate -> the status of the first answer, if it has no text."""

    def keep_state(self, query: Asked, llm: str, answer: Mapping[str, Any]) -> None:
        """Keep the status of an answer without text, for the judgements of it, which do not state it."""
        status = answer.get("status") or (None if (answer.get("response") or "").strip() else "empty")
        if status:
            self._states[query["source_id"], candidate_name(llm)] = status

    def state(self, query: Asked, llm: str) -> str | None:
        """The status of an answer as `keep_state` knows it; None for one with a text, or that is not known."""
        return self._states.get((query["source_id"], candidate_name(llm)))

    def queries(self, record: Mapping[str, Any]) -> Iterator[Asked]:
        """The queries of a record of questions, one for each turn."""
        number = question_id(record)
        question = Question.of(record, self.references)
        before = self.questions.setdefault(number, question)
        if before.turns != question.turns:
            raise BadRecordError(f"question {number} has other turns than before, expected the same")
        return (self.query(number, turn) for turn in range(1, len(question.turns) + 1))

    def query(self, number: str, turn: int) -> Asked:
        """The columns of a query; its `source_id` alone, if the question is not known."""
        source = {"source_id": turn_id(number, turn)}
        question = self.questions.get(number)
        if question is None or turn > len(question.turns):
            self.unknown += 1
            return source
        return {
            **source,
            **question.asked(turn),
            "ground_truth": question.truths[turn - 1],
            "domain": question.domain,
        }


def _at(values: list[Any], place: int) -> Any:
    """A text of a list; None for an empty one, or beyond the list."""
    return (values[place] or None) if place < len(values) else None
