"""WildBench: one JSON list a model and judge, answers and scores together, in folders that name the judge.

A file is named after its model; `name_think` is the think mode.

The score files do not hold the prompts. WildBench's own tasks (JSON or JSONL with `conversation_input`) may be given among the
files, and fill them in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, fields, identity_of, required_text, same, text, writable
from llmfusionbench.builders.reading.file_names import labels, llm_names
from llmfusionbench.builders.reading.json import batched, read_items
from llmfusionbench.builders.records import Llms, Part, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate

RUBRIC: Final = "WB-Score 1 to 10, mapped to (score - 1) / 9"
"""What the judges were asked for, and how it becomes a score from 0 to 1."""

_NAMES: Final = {"source_id": "session_id"}
_FOLDER: Final = re.compile(r"(?:judge|eval)=(.+)")
_SCORE: Final = re.compile(r"[+-]?\d{1,6}(?:\.\d{1,6})?")
_UNSCORED: Final = ("", "n/a", "na", "none", "null", "nan")


class WildBench:
    """Reads WildBench score files.

    Args:
        split: The split of every query.
        judge: Who judged, for files that lie in no folder `judge=NAME` (or `eval=NAME`).
    """

    def __init__(self, *, split: str = "train", judge: str | None = None) -> None:
        self.split = split
        self.judge = judge

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, the tasks first.

        Raises:
            InputError: a file is neither JSON scores nor tasks, or does not say who judged.
        """
        names = labels(paths)
        tasks = [_holds_tasks(path, file) for path, file in zip(paths, names, strict=True)]
        prompts: dict[str, str] = {}
        for path, file, is_tasks in zip(paths, names, tasks, strict=True):
            if is_tasks:
                yield from _prompts(path, file, prompts)
        scored = [(p, f) for p, f, is_tasks in zip(paths, names, tasks, strict=True) if not is_tasks]
        if paths and not scored:
            raise InputError(f"{paths[0]}: tasks alone, expected score files as well. Remedy: add judge=NAME/MODEL.json")
        judges = [self._judge(path) for path, _ in scored]
        for (path, file), llm, judge in zip(scored, llm_names([p for p, _ in scored]), judges, strict=True):
            yield from batched(self._file(path, file, llm, judge, prompts))

    def _judge(self, path: Path) -> str:
        match = _FOLDER.fullmatch(path.absolute().parent.name)
        judge = match.group(1) if match else self.judge
        if not judge:
            folder = path.absolute().parent.name
            raise InputError(
                f'{path}: its folder "{folder}" names no judge. Remedy: call it judge=NAME, or give the option judge'
            )
        return judge

    def _file(self, path: Path, file: str, llm: str, judge: str, prompts: dict[str, str]) -> Iterator[dict[str, Any] | Part]:
        asked = Candidate.parse(llm)
        endpoint: str | None = None
        taken, reason = 0, "it is an empty list"
        for item in read_items(path, file):
            if isinstance(item, Rejected):
                yield item
                continue
            row, value = item
            named = identity_of(value, _NAMES, llm=llm, judge=judge)
            try:
                record = fields(value)
                place = {"file": file, "row": row, "split": self.split}
                answer = self._answer(record, prompts) | place | {"llm": asked.llm, "mode": asked.mode}
                endpoint = same("model_test", endpoint, text(record, "model_test"))
            except BadRecordError as error:
                reason = reason if taken else str(error)
                yield Rejected(file, row, str(error), named)
                continue
            taken += 1
            try:
                yield answer | {"judge": judge, "judge_rubric": RUBRIC, **_judgement(record)}
            except BadRecordError as error:
                yield Rejected(file, row, f"{error}; the answer is kept without it", named)
                yield answer
        if not taken:
            raise InputError(f"{path}: no WildBench answer in it ({reason}). Remedy: check the file, or use another source")
        yield Llms([{"llm": asked.llm, "endpoint": endpoint}])

    def _answer(self, record: dict[str, Any], prompts: dict[str, str]) -> dict[str, Any]:
        session = required_text(record, "session_id")
        response = text(record, "model_output")
        return {
            "task": "wildbench",
            "metric": "judge",
            "source_id": session,
            "prompt": prompts.get(session),
            # The files of two judges hold the same answers but for the white space around them: without it they meet.
            "response": None if response is None else response.strip(),
            "status": "missing" if response is None else None,
        }


def _judgement(record: dict[str, Any]) -> dict[str, Any]:
    return {"judge_score": _score(record.get("score")), "judge_reason": _reason(record.get("parsed_result"))}


def _score(value: Any) -> float | None:
    """WB-Score, a number from 1 to 10 often written as text, mapped to 0..1; None where the judge gave none."""
    if value is None or (isinstance(value, str) and value.strip().lower() in _UNSCORED):
        return None
    shown = value.strip() if isinstance(value, str) else str(value)
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and _SCORE.fullmatch(shown):
        score = float(shown)
        if 1 <= score <= 10:
            return (score - 1) / 9
    raise BadRecordError(f"score is {shown[:40]!r}, expected a number from 1 to 10")


def _reason(parsed: Any) -> str | None:
    """Strengths and weaknesses as two labelled lines, as far as they are there."""
    if not isinstance(parsed, dict):
        return None
    lines = []
    for key in ("strengths", "weaknesses"):
        said = parsed.get(key)
        if said:
            words = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
            lines.append(f"{key.capitalize()}: {writable(words, key)}")
    return "\n".join(lines) or None


def _holds_tasks(path: Path, file: str) -> bool:
    """Whether a file holds WildBench's tasks rather than scores, by its first record."""
    for item in read_items(path, file):
        if not isinstance(item, Rejected) and isinstance(item[1], dict):
            return "conversation_input" in item[1]
    return False


def _prompts(path: Path, file: str, prompts: dict[str, str]) -> Iterator[Rejected]:
    """Fill `prompts` with the prompt of each session; one whose prompt is another's is rejected, and keeps its id alone."""
    owner = {prompt: session for session, prompt in prompts.items()}
    for item in read_items(path, file):
        if isinstance(item, Rejected):
            yield item
            continue
        row, value = item
        try:
            record = fields(value)
            session = required_text(record, "session_id")
            prompt = _rendered(record.get("conversation_input"))
            other = owner.setdefault(prompt, session)
            if other != session:
                raise BadRecordError(f"the prompt is that of session {other}; this session is kept by its id alone")
        except BadRecordError as error:
            yield Rejected(file, row, str(error), identity_of(value, _NAMES))
        else:
            prompts.setdefault(session, prompt)


def _rendered(turns: Any) -> str:
    """A conversation as one text: a single turn as it is, several each under its role."""
    if not isinstance(turns, list) or not turns or not all(isinstance(t, dict) for t in turns):
        raise BadRecordError("conversation_input is not a list of turns, expected [{role, content}]")
    texts = [required_text(turn, "content") for turn in turns]
    if len(texts) == 1:
        return texts[0]
    return "\n\n".join(f"{required_text(t, 'role').upper()}: {content}" for t, content in zip(turns, texts, strict=True))
