"""WildBench: one JSON list per model and judge, answers and scores together, in folders named after the judge.

A file is named after its model; `name_think` is the think mode. The score files do not hold the prompts. They are taken from
WildBench's own tasks (JSON or JSONL with `conversation_input`), if those are among the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, Constant, identity_of, required_text, text, writable
from llmfusionbench.builders.reading.file_names import NamedLlm, labelled, named_llms
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import each_record, read_records
from llmfusionbench.builders.reading.objects import turns
from llmfusionbench.builders.reading.ten_points import TenPoints
from llmfusionbench.builders.records import Llms, Part, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate, is_plain_prompt, query_id, rendered

RUBRIC: Final = "WB-Score 1 to 10, mapped to (score - 1) / 9"
"""The scale that the judges used, and how it becomes a score from 0 to 1."""

Asked = dict[str, Any]
"""`prompt` and `messages` of a query."""

_NAMES: Final = {"source_id": "session_id"}
_WANTED: Final = "WildBench answer"
_FOLDER: Final = re.compile(r"(?:judge|eval)=(.+)")


@dataclass(frozen=True, kw_only=True)
class WildBench:
    """Reads WildBench score files.

    Args:
        split: The split of every query.
        judge: Name of the judge, for files that are not in a folder `judge=NAME` (or `eval=NAME`).
    """

    split: str = "train"
    judge: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, the tasks first."""
        prompts: dict[str, Asked] = {}
        scored = []
        for path, file in labelled(paths):
            if _holds_tasks(path, file):
                yield from _prompts(path, file, prompts)
            else:
                scored.append((path, file))
        if paths and not scored:
            raise InputError(f"{paths[0]}: tasks alone, expected score files as well. Remedy: add judge=NAME/MODEL.json")
        judges = [self._judge(path) for path, _ in scored]
        for (path, file), named, judge in zip(scored, named_llms([path for path, _ in scored]), judges, strict=True):
            yield from self._file(path, file, named, judge, prompts)

    def _judge(self, path: Path) -> str:
        folder = path.absolute().parent.name
        match = _FOLDER.fullmatch(folder)
        judge = match[1] if match else self.judge
        if not judge:
            raise InputError(
                f'{path}: its folder "{folder}" names no judge. Remedy: rename it to judge=NAME, or set --option judge=NAME'
            )
        return judge

    def _file(self, path: Path, file: str, named: NamedLlm, judge: str, prompts: Mapping[str, Asked]) -> Iterator[Part]:
        endpoint = Constant("model_test")
        scores = TenPoints(path, "WB-Score")

        def read(record: dict[str, Any]) -> Iterator[dict[str, Any] | BadRecordError]:
            answer = _answer(record, prompts)
            endpoint.check(record)
            try:
                answer |= {"judge": judge, "judge_rubric": RUBRIC, **_judgement(record, scores)}
            except BadRecordError as error:
                yield BadRecordError(f"{error}; the answer is kept without it")
            yield answer

        shared: dict[str, Any] = {"split": self.split, "llm": named.llm, "mode": named.mode, "endpoint": named.host}
        shared |= {"task": "wildbench", "metric": "judge"}
        identity = partial(identity_of, names=_NAMES, llm=Candidate(named.llm, named.mode).name, judge=judge)
        yield from read_records(path, file, read, shared, identity=identity, required=_WANTED)
        scores.check()
        yield Llms([{"llm": named.llm, "endpoint": endpoint.value}])


def _answer(record: dict[str, Any], prompts: Mapping[str, Asked]) -> dict[str, Any]:
    session = required_text(record, "session_id")
    response = text(record, "model_output")
    return {
        "source_id": session,
        "requested_model": text(record, "model_test"),
        **prompts.get(session, {}),
        # The files of two judges have the same answers except for the white space around them: without it they match.
        "response": None if response is None else response.strip(),
        "status": "missing" if response is None else None,
    }


def _judgement(record: dict[str, Any], scores: TenPoints) -> dict[str, Any]:
    return {"judge_score": scores.read(record.get("score")), "judge_reason": _reason(record.get("parsed_result"))}


def _reason(parsed: Any) -> str | None:
    """Strengths and weaknesses as two labelled lines, as far as the judge gave them."""
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
    """Whether a file holds WildBench's tasks rather than scores, by its first record of either kind.

    Raises:
        InputError: it has no such record.
    """
    reason = "it has no records"
    for item in read_items(path, file):
        if isinstance(item, Rejected):
            reason = item.reason
        elif isinstance(item[1], dict) and "session_id" in item[1]:
            return "conversation_input" in item[1]
        else:
            reason = "session_id is missing"
    raise InputError(f"{path}: no {_WANTED} in it ({reason}). Remedy: check the file, or use another source")


def _prompts(path: Path, file: str, prompts: dict[str, Asked]) -> Iterator[Rejected]:
    """Add the prompt of each session to `prompts`; a session with the prompt of another is rejected and has its id alone."""
    owner = {query_id("", **asked): session for session, asked in prompts.items()}

    def read(record: dict[str, Any]) -> list[Asked]:
        session = required_text(record, "session_id")
        asked = _asked(record.get("conversation_input"))
        other = owner.setdefault(query_id("", **asked), session)
        if other != session:
            raise BadRecordError(f"the prompt is that of session {other}; this session is kept by its id alone")
        prompts.setdefault(session, asked)
        return [asked]

    for item in each_record(read_items(path, file), file, read, partial(identity_of, names=_NAMES)):
        if isinstance(item, Rejected):
            yield item


def _asked(conversation: Any) -> Asked:
    """What was asked: the text of a single turn, or several turns and their rendering."""
    said = turns(conversation, "conversation_input")
    if said is None or not any(turn["content"] for turn in said):
        raise BadRecordError("conversation_input is empty, expected a list of turns [{role, content}]")
    return {"prompt": rendered(said), "messages": None if is_plain_prompt(said) else said}
