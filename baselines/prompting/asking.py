"""Asking a server many prompts, with a journal: what was answered once is never asked again, and no answer is lost."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from llmfusionbench.baselines.prompting.prompts import Prompt
from llmfusionbench.errors import InputError
from llmfusionbench.llm.chat import ChatClient, Reply
from llmfusionbench.llm.spending import Held, Spending
from llmfusionbench.storage.files import filling
from llmfusionbench.storage.json_lines import write_lines
from llmfusionbench.types import Progress

Record = dict[str, Any]
Key = tuple[str, str]
"""Query and method."""

_SETTINGS: Final = "settings.json"


def ask_prompts(
    client: ChatClient,
    prompts: Sequence[Prompt],
    journal: Path,
    *,
    spending: Spending | None = None,
    progress: Progress | None = None,
) -> dict[Key, Record]:
    """The answer to each prompt, by query and method; none to those that the budget had no room for.

    Every answer is added to `journal` as it comes. What the journal already has of the same prompt is not asked again, but for
    calls that failed.

    Args:
        client: Whom to ask.
        prompts: No two of the same query and method.
        journal: JSON lines; made where it is not there. A last line that was cut short is dropped.
        spending: The budget, and where it is counted what the run takes; without one there is no limit.
        progress: Told how many answers are there.

    Raises:
        InputError: the server refuses the calls, or the journal is damaged; what was answered before is in the journal.
    """
    digests = {(p.query_id, p.method): _digest(p) for p in prompts}
    found = {
        key: record
        for key, record in read_journal(journal).items()
        if digests.get(key) == record["prompt"] and record["error"] is None
    }
    missing = [p for p in prompts if (p.query_id, p.method) not in found]
    tell = progress or (lambda *_: None)
    tell("answers", len(found), len(prompts))
    budget = Spending() if spending is None else spending
    for _ in found:
        budget.take_up()
    with filling(journal), open(journal, "ab") as file:
        for prompt, reply in _asked(client, missing, budget):
            key = prompt.query_id, prompt.method
            told = asdict(reply)
            told["response"] = told.pop("text")
            record = {
                "query_id": prompt.query_id, "task": prompt.task, "method": prompt.method, "prompt": digests[key],
                "provenance": "collected", **told,
            }  # fmt: skip
            file.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
            file.flush()
            found[key] = record
            tell("answers", len(found), len(prompts))
    return found


def _asked(client: ChatClient, prompts: Sequence[Prompt], spending: Spending) -> Iterator[tuple[Prompt, Reply]]:
    """Each prompt with its reply, until the budget has no room for the next one even when all that was asked is settled."""
    rest = deque(prompts)
    while True:
        asked: list[tuple[Prompt, Held]] = []

        def affordable(asked: list[tuple[Prompt, Held]] = asked) -> Iterator[list[dict[str, str]]]:
            while rest:
                held = spending.reserve(rest[0].messages, client.max_tokens, wait=False)
                if held is None:
                    return
                asked.append((rest.popleft(), held))
                yield asked[-1][0].messages

        for place, reply in client.attempt_all(affordable()):
            prompt, held = asked[place]
            spending.settle(held, prompt.messages, reply)
            if reply.refused:
                raise client.refusal(reply)
            yield prompt, reply
        if not asked:
            return


def read_journal(path: Path) -> dict[Key, Record]:
    """The last record of every query and method; a last line that was cut short is cut off the file.

    Raises:
        InputError: another line cannot be read.
    """
    if not path.exists():
        return {}
    with open(path, "r+b") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            file.truncate(whole)
    found = {}
    for number, line in enumerate(data[:whole].splitlines(), 1):
        try:
            record = json.loads(line)
            key = str(record["query_id"]), str(record["method"])
            lacks = {"prompt", "error", "response"} - record.keys()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path} line {number}: no answer ({type(error).__name__}). Remedy: delete the line") from error
        if lacks:
            raise InputError(f"{path} line {number}: no {', '.join(sorted(lacks))}. Remedy: delete the line")
        found[key] = record
    return found


@contextmanager
def run_in(out: Path, settings: Record, journal: Path) -> Iterator[None]:
    """A run that may be taken up again in `out`, by one process at a time; once there are answers, with the same settings only.

    Raises:
        InputError: another run is at work there, or there was one with other settings.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{out}: is no directory. Remedy: another --out") from error
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(f"{out}: another run is at work there. Remedy: wait for it, or another --out") from error
    try:
        place = out / _SETTINGS
        if not place.exists() and any(path.name != ".lock" for path in out.iterdir()):
            raise InputError(f"{out}: holds other files. Remedy: another --out")
        if place.exists() and journal.exists() and journal.stat().st_size:
            _check(place, settings)
        else:
            write_lines([settings], place)
        yield
    finally:
        (out / ".lock").unlink(missing_ok=True)
        lock.release()


def _check(place: Path, settings: Record) -> None:
    try:
        before = json.loads(place.read_bytes())
        other = [name for name in settings if before.get(name) != settings[name]]
    except (ValueError, AttributeError) as error:
        raise InputError(f"{place}: cannot be read ({type(error).__name__}). Remedy: another --out") from error
    if other:
        told = ", ".join(f"{name} {before.get(name)!r}, now {settings[name]!r}" for name in other)
        raise InputError(f"{place.parent}: an earlier run had other settings: {told}. Remedy: the same again, or another --out")


def _digest(prompt: Prompt) -> str:
    return hashlib.sha256(json.dumps(prompt.messages).encode()).hexdigest()[:24]
