"""AlpacaEval: outputs of LLMs, and annotations in which an LLM prefers one of two outputs.

Outputs (`model_outputs.json`, `reference_outputs.json`) and annotations (`annotations.json`) meet by their instructions. The
price and the time of an annotation are those of the annotator, and do not come in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    identifier,
    identity_of,
    literal,
    number,
    required_text,
    text,
    writable,
)
from llmfusionbench.builders.reading.file_names import labelled, stem
from llmfusionbench.builders.reading.json_records import Place, read_records
from llmfusionbench.builders.reading.judge_names import HUMAN
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.builders.reading.numbering import Answers, Votes
from llmfusionbench.builders.reading.replicates import query_key
from llmfusionbench.builders.reading.sides import Side, both_sides, candidate_name, check_two, named_candidate
from llmfusionbench.builders.reading.tables import read_rows
from llmfusionbench.builders.reading.verdicts import other_preference
from llmfusionbench.builders.records import Note, Part, Rejected

_WANTED: Final = frozenset(
    [
        "instruction",
        "input",
        "output",
        "generator",
        "dataset",
        "output_1",
        "output_2",
        "generator_1",
        "generator_2",
        "preference",
        "annotator",
        "raw_completion",
        "concise_explanation",
        "is_switched_outputs",
        "is_switch_output_1_output_2",
        "date",
    ]
)
_COMMON_NAMES: Final = ("model_outputs", "reference_outputs", "annotations", "outputs")
"""Names of files that do not name an LLM: their folders do."""
_ANNOTATED: Final = frozenset(["preference", "output_2"])
"""Fields of which an annotation has one or both."""
_FAILED: Final = -1
"""The preference of an annotation that failed."""
_EXPLAINED: Final = 20
"""Characters of the shortest reply of an annotator that may explain a preference; shorter ones name an output."""
REFERENCE: Final = "reference"
"""The opponent in a file that does not name it."""
_SWITCHED: Final = ("is_switched_outputs", "is_switch_output_1_output_2")
_RUBRIC: Final = "preference 1 (output_1) to 2 (output_2), mapped to preference - 1; 0 is a tie"


@dataclass(frozen=True, kw_only=True)
class AlpacaEval:
    """Reads AlpacaEval's outputs and annotations.

    Args:
        task: The task of every query.
        by_dataset: Add the dataset of an instruction to the task, such as `alpaca_eval/helpful_base`.
        split: The split of every query.
        judge: Name of the judge of every annotation. By default its annotator, or the folder of its file.
        llm: Name of the LLM where a file names none. By default the folder of its outputs, or the name of the file.
        reference: Name of the LLM of output_1 where a file names none. By default it is an opponent without answers.
    """

    FILES: ClassVar[tuple[str, ...]] = (
        "*model_outputs*.json", "*reference_outputs*.json", "*annotations*.json",
        "*model_outputs*.jsonl", "*reference_outputs*.jsonl", "*annotations*.jsonl",
    )  # fmt: skip

    task: str = "alpaca_eval"
    by_dataset: bool = False
    split: str = "train"
    judge: str | None = None
    llm: str | None = None
    reference: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        known = _Known()
        # Outputs come first, so that an annotation adds its judgement to an answer, and no output only repeats one.
        for path, file in sorted(labelled(paths), key=lambda named: _is_annotated(*named)):
            yield from self._file(path, file, known)

    def _file(self, path: Path, file: str, known: _Known) -> Iterator[Part]:
        names, place = _Named(path), Place()

        def read(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
            annotated = bool(_ANNOTATED & record.keys())
            if not annotated and "output" not in record:
                raise BadRecordError("the record has neither output nor preference, expected an output or an annotation")
            return self._annotation(record, names, place.row, known) if annotated else self._output(record, names, known)

        identity = partial(identity_of, names={"llm": "generator_2", "task": "dataset"})
        yield from read_records(
            path,
            file,
            read,
            {"split": self.split, "metric": "judge"},
            identity=identity,
            items=place.watched(read_rows(path, file, _WANTED)),
            required="output or annotation of AlpacaEval",
            scales={"judge_score": (0.0, 1.0)},
            paired=True,
        )
        if names.failed:
            yield Note(file, f"preference is -1 in {names.failed:,} record{'s' * (names.failed > 1)}, where the annotation "
                       "failed: taken as null")  # fmt: skip

    def _output(self, record: dict[str, Any], names: _Named, known: _Known) -> Iterator[dict[str, Any]]:
        asked = self._asked(record)
        side = known.answers.side(_query(asked), text(record, "generator") or self.llm or names.llm(), text(record, "output"))
        status = "missing" if record.get("output") is None else side.status
        given = {"replicate": side.replicate, "response": side.response, "status": status}
        yield asked | named_candidate(side.llm) | given

    def _annotation(self, record: dict[str, Any], names: _Named, row: int, known: _Known) -> Iterator[dict[str, Any]]:
        asked = self._asked(record)
        named = text(record, "generator_1") or self.reference
        llms = (named or REFERENCE, text(record, "generator_2") or self.llm or names.llm(annotated=True))
        check_two(*llms, ("generator_1", "generator_2"))
        share = names.share(_preference(record.get("preference")), row)
        query = _query(asked)
        first, second = (known.answers.side(query, llm, text(record, f"output_{i}")) for i, llm in enumerate(llms, 1))
        judge = self.judge or _annotator(record) or names.annotator()
        if judge == HUMAN:
            judge = known.vote(query, first, second)
        switched = next((record[name] for name in _SWITCHED if isinstance(record.get(name), bool)), None)
        common = {
            **asked,
            "judge": judge,
            "judge_rubric": _RUBRIC,
            "judge_reason": _reason(record),
            "judge_created_at": loose_moment(record.get("date")),
        }
        order = None if switched is None else "second" if switched else "first"
        for side in both_sides(first, second, share, order, common)[named is None :]:  # else the opponent has no name
            yield side | {"judge_distribution": _distribution(record, side["judge_score"])}

    def _asked(self, record: dict[str, Any]) -> dict[str, Any]:
        prompt = required_text(record, "instruction")
        more = text(record, "input")
        dataset = text(record, "dataset") if self.by_dataset else None
        return {
            "task": f"{self.task}/{dataset}" if dataset else self.task,
            "prompt": f"{prompt}\n\n{more}" if more else prompt,
        }


@dataclass
class _Named:
    """What the place of a file states, and its preferences."""

    path: Path
    failed: int = 0
    """Number of annotations that failed."""

    def llm(self, *, annotated: bool = False) -> str:
        """The LLM that the file is named after: `results/<LLM>/model_outputs.json`, or `<LLM>/<annotator>/annotations.json`."""
        name = stem(self.path)
        if name not in _COMMON_NAMES:
            return next((name.removesuffix(f".{ending}") for ending in _COMMON_NAMES if name.endswith(f".{ending}")), name)
        return self.path.absolute().parents[1 if annotated else 0].name or name

    def annotator(self) -> str:
        """The folder of `<annotator>/annotations.json`, else `unknown`."""
        return self.path.absolute().parent.name or "unknown" if stem(self.path) == "annotations" else "unknown"

    def share(self, preference: float | None, row: int) -> float | None:
        """The share of the second output, by the preference of a record."""
        if preference is None:
            return None
        if preference == _FAILED:
            self.failed += 1
            return None
        if preference and not 1 <= preference <= 2:
            raise other_preference(str(self.path), row, preference)
        return preference - 1 if preference else 0.5


@dataclass(frozen=True)
class _Known:
    """What all files hold so far: answers by their replicates, and votes of people."""

    answers: Answers = field(default_factory=Answers)
    votes: Votes = field(default_factory=Votes)

    def vote(self, query: int, first: Side, second: Side) -> str:
        """A name for the person who compared two outputs."""
        one, other = candidate_name(first.llm), candidate_name(second.llm)
        sides = ((query, one, first.replicate, other), (query, other, second.replicate, one))
        return self.votes.name(HUMAN, sides, None)


def _query(asked: dict[str, Any]) -> int:
    return query_key(canonical_task(asked["task"]), asked)


def _annotator(record: dict[str, Any]) -> str | None:
    """The annotator; `human` for a number, which stands for a person."""
    value = identifier(record, "annotator")
    return HUMAN if value is not None and (not isinstance(record["annotator"], str) or value.isdecimal()) else value or None


def _is_annotated(path: Path, file: str) -> bool:
    """Whether the first record of a file is an annotation."""
    first = next((item[1] for item in read_rows(path, file, _WANTED) if not isinstance(item, Rejected)), None)
    return isinstance(first, dict) and bool(_ANNOTATED & first.keys())


def _preference(value: Any) -> float | None:
    """A preference, a number that may be written as text; None for none."""
    if isinstance(value, str):
        if value.strip().lower() in ("", "nan", "none", "null"):
            return None
        value = literal(value.strip())
    if isinstance(value, bool):
        raise BadRecordError(f"preference is {value}, expected a number")
    return None if value != value else number({"preference": value}, "preference")


def _reason(record: dict[str, Any]) -> str | None:
    """The annotator's explanation, if it gave one."""
    said = record.get("concise_explanation")
    reply = record.get("raw_completion")
    if not said and isinstance(reply, str) and reply.startswith("{"):
        found = literal(reply)
        reply = found if isinstance(found, dict) else reply
    if not said and isinstance(reply, dict):
        message = reply.get("message")
        inner = message.get("content") if isinstance(message, dict) else None
        said, reply = reply.get("concise_explanation"), inner or reply.get("text")
    said = said or (reply if isinstance(reply, str) and len(reply) >= _EXPLAINED else None)
    return writable(said, "raw_completion") if isinstance(said, str) else None


def _distribution(record: dict[str, Any], share: float | None) -> list[dict[str, float]] | None:
    """Probability of either verdict, where the annotator's reply has log-probabilities: the preference is made of them."""
    reply = record.get("raw_completion")
    if share is None or not isinstance(reply, dict) or not reply.get("logprobs"):
        return None
    return [{"score": 0.0, "probability": 1 - share}, {"score": 1.0, "probability": share}]
