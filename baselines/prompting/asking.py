"""Sends prompts to a server, with a journal: a prompt that was answered is not sent again, and no answer is lost."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from llmfusionbench.baselines.prompting.prompts import Prompt
from llmfusionbench.errors import InputError
from llmfusionbench.llm.chat import ChatClient, Reply
from llmfusionbench.llm.journal import Journal, Key, Record
from llmfusionbench.llm.spending import Held, Spending
from llmfusionbench.storage.json_lines import write_lines
from llmfusionbench.types import Progress

_SETTINGS: Final = "settings.json"


def ask_prompts(
    client: ChatClient,
    prompts: Sequence[Prompt],
    journal: Path,
    *,
    spending: Spending | None = None,
    progress: Progress | None = None,
) -> dict[Key, Record]:
    """The answers by query and method; prompts that the budget had no room for have none.

    Every answer is added to `journal` as it comes. Prompts with an answer in the journal are not sent again; calls that failed
    are.

    Args:
        client: The LLM.
        prompts: At most one per query and method.
        journal: JSONL file of answers, see `Journal`.
        spending: The budget, which also counts what the run spends; no limit by default.
        progress: Called as progress(stage, done, total).

    Raises:
        InputError: The server refuses the calls, or the journal is damaged; earlier answers are in the journal.
    """
    digests: dict[Key, str] = {(p.query_id, p.method): _digest(p) for p in prompts}
    tell = progress or (lambda *_: None)
    budget = Spending() if spending is None else spending
    with _journal(journal) as kept:
        found = {
            key: record
            for key, record in kept.records.items()
            if digests.get(key) == record["prompt"] and record["error"] is None
        }
        missing = [p for p in prompts if (p.query_id, p.method) not in found]
        tell("answers", len(found), len(prompts))
        for _ in found:
            budget.resume()
        for prompt, reply in _asked(client, missing, budget):
            key = prompt.query_id, prompt.method
            given = asdict(reply)
            given["response"] = given.pop("text")
            found[key] = {
                "query_id": prompt.query_id, "task": prompt.task, "method": prompt.method, "prompt": digests[key],
                "provenance": "collected", **given,
            }  # fmt: skip
            kept.add(found[key])
            tell("answers", len(found), len(prompts))
    return found


def _asked(client: ChatClient, prompts: Sequence[Prompt], spending: Spending) -> Iterator[tuple[Prompt, Reply]]:
    """Each prompt with its reply, until the budget has no room for the next one with everything settled."""
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
    """The last record of every query and method; see `Journal`."""
    return _journal(path).records


def _journal(path: Path) -> Journal:
    return Journal(path, key=("query_id", "method"), needs=("prompt", "error", "response"))


@contextmanager
def run_in(out: Path, settings: Record, journal: Path) -> Iterator[None]:
    """A run in `out` that can be resumed, by one process at a time, and with the same settings once it has answers.

    Raises:
        InputError: Another run is active there, or an earlier one had other settings.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{out}: not a directory. Remedy: choose another --out") from error
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(f"{out}: another run is active there. Remedy: wait for it, or choose another --out") from error
    try:
        place = out / _SETTINGS
        if not place.exists() and any(path.name != ".lock" for path in out.iterdir()):
            raise InputError(f"{out}: holds other files. Remedy: choose an empty --out")
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
        raise InputError(f"{place}: cannot be read ({type(error).__name__}). Remedy: choose another --out") from error
    if other:
        told = ", ".join(f"{name} {before.get(name)!r}, now {settings[name]!r}" for name in other)
        raise InputError(
            f"{place.parent}: an earlier run had other settings: {told}. Remedy: use the same settings, or choose another --out"
        )


def _digest(prompt: Prompt) -> str:
    return hashlib.sha256(json.dumps(prompt.messages).encode()).hexdigest()[:24]
