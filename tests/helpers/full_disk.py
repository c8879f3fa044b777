"""A process that records answers until its disk is full, and prints what it knows then.

    python -m tests.helpers.full_disk FOLDER BYTES [tmpfs]

With `tmpfs`, FOLDER becomes a file system of that size in a namespace of this process; else no file may have more bytes.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.errors import InputError
from tests.helpers.run_calls import Silent, answer, budget, call, endpoint

TEXT = "It is long. " * 400


class Answers:
    """Answers everything, and keeps what it answered."""

    def __init__(self, _: Any) -> None:
        self.asked: list[str] = []

    def check(self) -> None:
        """Nothing can be wrong."""

    async def attempt(self, payload: Mapping[str, Any]) -> Attempt:
        """An answer of some kilobytes, after others had their turn."""
        self.asked.append(payload["messages"][0]["content"])
        await asyncio.sleep(0)
        return answer(TEXT)

    async def close(self) -> None:
        """Nothing is open."""


def record_until_full(folder: Path) -> dict[str, Any]:
    """What came of a run that needs more room than there is."""
    callers: list[Answers] = []
    llm = endpoint(concurrency=8)

    def made(_: Any) -> Answers:
        callers.append(Answers(_))
        return callers[-1]

    def many() -> Iterator[Call]:
        return (call(place) for place in range(100_000))

    with RunJournal(folder) as journal:
        engine = Engine([llm], journal, budget=budget(llm), board=Silent(), caller=made)
        try:
            asyncio.run(engine.run(many()))
        except InputError as error:
            acknowledged = list(journal.answered)
            return {
                "error": str(error),
                "asked": callers[0].asked,
                "acknowledged": acknowledged,
                "stopped": engine.result.stopped,
            }
    raise AssertionError("there was room for everything")


def main(folder: Path, size: int, *, mount: bool) -> None:
    """Print the facts as JSON, with the keys that a resume finds."""
    if mount:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    found = record_until_full(folder)
    with RunJournal(folder) as journal:
        found |= {"resumed": list(journal.answered), "lost": journal.in_flight_lost, "damaged": journal.state.damaged}
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), mount="tmpfs" in sys.argv)
