"""Numbers of the answers that a candidate gave to one query, across the files of a log.

Queries, answers and calls are told apart by hashes of 61 bits, so that millions of them fit into memory.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from llmfusionbench.types import normalise_prompt


def query_key(task: str, asked: Mapping[str, Any], source_id: str | None = None) -> int:
    """A key that two records share if their queries have one id: by what was asked, or else by the id in the file.

    Args:
        task: The task.
        asked: `prompt` or `messages`; a log record is one, too.
        source_id: The id in the file.
    """
    messages, prompt = asked.get("messages"), asked.get("prompt")
    if messages:
        return hash((task, *((turn["role"], normalise_prompt(turn["content"])) for turn in messages)))
    text = normalise_prompt(prompt) if prompt else ""
    return hash((task, text)) if text else hash((task, "", source_id))


class Replicates:
    """Gives each answer of a candidate to a query a number of its own."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._taken: dict[int, set[int]] = {}
        """The numbers of keys that have several."""

    def number(self, key: Hashable, preferred: int) -> int:
        """`preferred` if no earlier answer has it, else the number after the highest one so far."""
        place = hash(key)
        following = self._next.get(place)
        if following is None:
            self._next[place] = preferred + 1
            return preferred
        taken = self._taken.setdefault(place, {following - 1})
        if preferred in taken:
            preferred = following
        taken.add(preferred)
        self._next[place] = max(following, preferred + 1)
        return preferred

    def numbered(self, record: Mapping[str, Any], task: str, *names: str) -> dict[str, Any]:
        """The record with its `replicate`; the task, `names` such as the LLM, and its question tell the answers apart."""
        return {**record, "replicate": self._of(record, task, names)}

    def further(self, record: dict[str, Any], task: str, *names: str) -> dict[str, Any]:
        """As `numbered`, but the first answer to a question keeps what it has, so that a copy of a log says the same."""
        number = self._of(record, task, names)
        return {**record, "replicate": number} if number else record

    def _of(self, record: Mapping[str, Any], task: str, names: tuple[str, ...]) -> int:
        query = query_key(task, record, record.get("source_id"))
        return self.number((query, names), record.get("replicate") or 0)


class Repeats:
    """Numbers the calls that ask one LLM the same query: 0, 1, ... in the order of the log.

    A call that the logs state twice, as overlapping exports do, has one number. It takes about 200 bytes for each call.
    """

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._calls: dict[int, int] = {}

    def number(self, record: Mapping[str, Any], call: str | None) -> int:
        """The number of an answer; `call` identifies it."""
        known = None if call is None else self._calls.get(hash(call))
        if known is not None:
            return known
        llm = record.get("llm_path") or record["llm"]
        key = hash((query_key(record["task"], record, record.get("source_id")), llm, record["mode"]))
        number = self._next.get(key, 0)
        self._next[key] = number + 1
        if call is not None:
            self._calls[hash(call)] = number
        return number
