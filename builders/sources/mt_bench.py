"""MT-Bench, as FastChat writes it: questions of two turns, answers, and judgements of single answers and of pairs.

They meet by question and turn. A later turn is a query of its own: its messages are the turns of the user so far, without the
LLM's own answers between them, which differ by LLM. Files are known by what they hold, and come in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    Constant,
    count,
    identity_of,
    named,
    number,
    required_text,
    text,
)
from llmfusionbench.builders.reading.file_names import labelled, stem
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import each_record, read_records
from llmfusionbench.builders.reading.judge_names import judge_and_prompt
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.builders.reading.mt_questions import REFERENCES, Bench, is_in_folder, question_id, root_of, texts
from llmfusionbench.builders.reading.sides import Side, both_sides, candidate_name, check_two, named_candidate
from llmfusionbench.builders.reading.ten_points import SCALE, TenPoints
from llmfusionbench.builders.reading.verdicts import Winners
from llmfusionbench.builders.records import Note, Part, Rejected
from llmfusionbench.errors import InputError, UnknownNameError

_TASK: Final = "mt_bench"
_NAMES: Final = ("file", "model_id")
_ERRORS: Final = ("$ERROR$", "ERROR")
"""What FastChat writes in place of an answer that it did not get."""
_FAILED: Final = (-1, "-1", "-1.0")
"""The score where FastChat found none in the judge's reply."""
_PAIRED: Final = ("model_1", "model_2")
_VERDICTS: Final = (("g1_winner", "first", "g1_judgment"), ("g2_winner", "second", "g2_judgment"))
"""(column of the winner, place of the first LLM's answer in what the judge was shown, column of the judge's reply)."""

_FIRST: Final = 64
"""Number of records by which a file is known."""

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class MTBench:
    """Reads MT-Bench's questions, answers and judgements.

    Args:
        task: The task of every query. By default `mt_bench`, or the folders' names for files of several benchmarks.
        split: The split of every query.
        judge: Name of the judge of every judgement. By default the LLM that it states.
        names: What names the LLM of an answer: the `file`, as FastChat's judgements have it, or its `model_id`.
    """

    FILES: ClassVar[tuple[str, ...]] = ("*.jsonl",)

    task: str | None = None
    split: str = "train"
    judge: str | None = None
    names: str = "file"

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files: the questions first, with their references."""
        if self.names not in _NAMES:
            raise UnknownNameError("choice of --option names", self.names, _NAMES)
        files = [_File(path, file, _kind_of(path, file)) for path, file in labelled(paths)]
        benches = _Benches.of(files)
        for one in files:
            if one.kind == "reference":
                yield from _references(one, benches.of_file(one))
        judges: dict[tuple[str, ...], str | None] = {}
        for kind, parts in (
            ("question", self._questions),
            ("answer", self._answers),
            ("single", partial(self._singles, judges)),
            ("pair", partial(self._pairs, judges)),
        ):
            for one in files:
                if one.kind == kind:
                    yield from parts(one, benches)
        for one in files:
            if one.kind == "prompts":
                yield Note(one.file, "prompts of judges are not read")
        if benches.unknown and benches.known:
            turns = f"{benches.unknown:,} answers or judgements"
            yield Note(files[0].file, f"no file holds the questions of {turns}: the ids stand for what was asked")

    def _shared(self, one: _File, benches: _Benches) -> Record:
        return {"task": self.task or benches.task(one), "split": self.split, "metric": "judge"}

    def _questions(self, one: _File, benches: _Benches) -> Iterator[Part]:
        yield from _parts(one, benches.of_file(one).queries, self._shared(one, benches))

    def _answers(self, one: _File, benches: _Benches) -> Iterator[Part]:
        bench, model = benches.of_file(one), Constant("model_id")
        numbers: Counter[str] = Counter()

        def read(record: Record) -> Iterator[Record]:
            question = question_id(record)
            if self.names == "file":
                try:
                    model.check(record)
                except BadRecordError as error:
                    raise BadRecordError(f"{error}. Remedy: set --option names=model_id") from error
            name = stem(one.path) if self.names == "file" else required_text(record, "model_id")
            llm = named_candidate(name)
            made = loose_moment(record.get("tstamp"))
            choices = _choices(record)
            first = numbers[question]
            numbers[question] += len(choices)
            for replicate, choice in enumerate(choices, first):
                for turn, answer in enumerate(choice, 1):
                    own = {"replicate": replicate, "requested_model": text(record, "model_id"), "created_at": made}
                    query = bench.query(question, turn)
                    if not replicate:
                        bench.keep_state(query, name, answer)
                    yield query | llm | own | answer

        yield from _parts(one, read, self._shared(one, benches))

    def _singles(self, judges: dict[tuple[str, ...], str | None], one: _File, benches: _Benches) -> Iterator[Part]:
        bench, scores, failed = benches.of_file(one), TenPoints(one.path, "MT-Bench"), Counter[str]()
        shared = self._shared(one, benches)

        def read(record: Record) -> Iterator[Record]:
            name = required_text(record, "model")
            query = bench.query(question_id(record), _turn(record))
            llm = named_candidate(name) | {"status": bench.state(query, name)}
            key = (shared["task"], query["source_id"], candidate_name(name))
            value = record.get("score")
            failed["score"] += value in _FAILED if isinstance(value, (int, float, str)) else 0
            score = None if isinstance(value, (int, float, str)) and value in _FAILED else scores.read(value)
            judged = _judged(record, self.judge, judges, key, "1 to 10, mapped to (score - 1) / 9")
            yield query | llm | judged | {"judge_score": score, "judge_reason": text(record, "judgment")}

        yield from _parts(one, read, shared, scales={"judge_score": SCALE}, required=None)
        scores.check()
        if failed["score"]:
            records = f"{failed['score']:,} record{'s' * (failed['score'] > 1)}"
            yield Note(one.file, f"score is -1 in {records}, where the judge gave none: taken as null")

    def _pairs(self, judges: dict[tuple[str, ...], str | None], one: _File, benches: _Benches) -> Iterator[Part]:
        bench, winners = benches.of_file(one), {name: Winners() for name in ("g1_winner", "g2_winner", "winner")}
        shared = self._shared(one, benches)

        def read(record: Record) -> Iterator[Record]:
            llms = required_text(record, _PAIRED[0]), required_text(record, _PAIRED[1])
            check_two(*llms, _PAIRED)
            query = bench.query(question_id(record), _turn(record))
            verdicts = [verdict for verdict in _VERDICTS if verdict[0] in record]
            first, second = (Side(llm, status=bench.state(query, llm)) for llm in llms)
            judged = _judged(record, self.judge, judges, (shared["task"], query["source_id"], *llms), None)
            for name, order, reply in verdicts or [("winner", "first", "judgment")]:
                share = winners[name].share_of(record.get(name), name, _PAIRED, *llms)
                common = query | judged | {"judge_reason": text(record, reply)}
                yield from both_sides(first, second, share, order, common)

        yield from _parts(one, read, shared, scales={"judge_score": (0.0, 1.0)}, paired=True)
        for name, found in winners.items():
            found.check(str(one.path), name, _PAIRED)


@dataclass(frozen=True)
class _File:
    path: Path
    file: str
    kind: str
    """question, reference, answer, single, pair or prompts."""


@dataclass
class _Benches:
    """The benchmarks that files belong to, by their folders."""

    asking: dict[Path, Bench]
    """Folder of a file of questions, or of the folder of reference answers -> benchmark."""
    answered: set[Path]
    """Folders above `model_answer` and the like."""
    other: Bench = field(default_factory=Bench)

    @classmethod
    def of(cls, files: Sequence[_File]) -> _Benches:
        asking = {root_of(one.path): Bench() for one in files if one.kind in ("question", "reference")}
        return cls(asking, {root_of(one.path) for one in files if is_in_folder(one.path)})

    def of_file(self, one: _File) -> Bench:
        """The questions that a file is about: those of its folder, or all if they are of one folder."""
        alone = next(iter(self.asking.values())) if len(self.asking) == 1 else self.other
        return self.asking.get(root_of(one.path), alone)

    def task(self, one: _File) -> str:
        """`mt_bench`, or the name of the folder if the files are of several benchmarks."""
        folders = {*self.asking, *self.answered} if len(self.asking) != 1 else ()
        root = root_of(one.path)
        return root.name or _TASK if len(folders) > 1 and root in folders else _TASK

    @property
    def known(self) -> bool:
        """Whether there are questions."""
        return any(bench.questions for bench in self.asking.values())

    @property
    def unknown(self) -> int:
        """Number of records about questions that no file holds."""
        return sum(bench.unknown for bench in (*self.asking.values(), self.other))


def _kind_of(path: Path, file: str) -> str:
    """What a file holds, by its first records.

    Raises:
        InputError: that is not of MT-Bench.
    """
    reason = "it has no records"
    for item in islice(read_items(path, file), _FIRST):
        if isinstance(item, Rejected):
            reason = item.reason
            continue
        record = item[1] if isinstance(item[1], dict) else {}
        if "choices" in record:
            return "reference" if path.absolute().parent.name == REFERENCES else "answer"
        found = (
            ("pair", {*_PAIRED} <= record.keys()),
            ("single", "model" in record and ("score" in record or "judgment" in record)),
            ("prompts", "prompt_template" in record),
            ("question", "turns" in record or {"prompt", "prompt_id"} <= record.keys()),
        )
        kind = next((kind for kind, fits in found if fits), None)
        if kind:
            return kind
        reason = "its first records have none of turns, choices, score and model_1"
    raise InputError(f"{path}: no question, answer or judgement of MT-Bench in it ({reason}). Remedy: check the file")


def _parts(one: _File, read: Callable[[Record], Iterator[Record]], shared: Record, **more: Any) -> Iterator[Part]:
    identity = partial(identity_of, names={"llm": "model"})
    needed: Record = {"required": f"{one.kind} of MT-Bench", "identity": identity}
    yield from read_records(one.path, one.file, read, shared, **needed | more)


def _references(one: _File, bench: Bench) -> Iterator[Rejected]:
    """Add the reference answers of a file to a benchmark."""

    def read(record: Record) -> list[None]:
        (first, *_) = _choices(record)
        bench.references.setdefault(question_id(record), [answer["response"] or "" for answer in first])
        return [None]

    for item in each_record(read_items(one.path, one.file), one.file, read):
        if isinstance(item, Rejected):
            yield item


def _choices(record: Record) -> list[list[Record]]:
    """The answers of each choice, turn by turn."""
    choices = record.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, dict) for choice in choices):
        raise BadRecordError(f"choices is {named(choices)}, expected a list of answers")
    return [[_answer(turn) for turn in _turns(choice)] for choice in choices]


def _turns(choice: Record) -> list[Any]:
    turns = choice.get("turns")
    if not isinstance(turns, list) or not turns:
        raise BadRecordError(f"turns is {named(turns)}, expected the answer to each turn")
    return turns


def _answer(turn: Any) -> Record:
    """The answer to a turn: a text, or an object with its `content` and `token_len`."""
    if turn is None:
        return {"response": None, "status": "missing"}
    (said,) = texts([turn], "turns")
    if said.strip() in _ERRORS:
        return {"response": None, "status": "error", "error": f"the call failed: FastChat wrote {said.strip()}"}
    return {"response": said, "output_tokens": count(turn, "token_len") if isinstance(turn, dict) else None}


def _turn(record: Record) -> int:
    """The turn that was judged, from 1."""
    value = number(record, "turn") if not isinstance(record.get("turn"), str) else None
    if value is None:
        return 1 if record.get("turn") is None else _bad_turn(record["turn"])
    return int(value) if value in range(1, 1000) else _bad_turn(value)


def _bad_turn(value: Any) -> int:
    raise BadRecordError(f"turn is {named(value)}, expected a whole number from 1")


def _judged(
    record: Record, judge: str | None, judges: dict[tuple[str, ...], str | None], key: tuple[str, ...], scale: str | None
) -> Record:
    """Who judged and by what. An LLM that judges an answer with a second prompt has that in its name, so that both come in."""
    name, prompt = judge_and_prompt(record.get("judge"))
    name = judge or name or "unknown"
    first = judges.setdefault((name, *key), prompt)
    return {
        "judge": name if first == prompt else f"{name}/{prompt or 'unknown'}",
        "judge_rubric": ": ".join(filter(None, (prompt, scale))) or None,
        "judge_created_at": loose_moment(record.get("tstamp")),
    }
