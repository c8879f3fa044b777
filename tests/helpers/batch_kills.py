"""A run of batches in processes that kill themselves again and again, until one of them comes to the end.

One process imports everything, and each life is a fork of it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import httpx2  # noqa: F401 (so that no life has to import it)
import openai.resources.batches
import openai.resources.files  # noqa: F401

from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.records import Record
from tests.helpers.batch_runs import batched, calls_of, endpoint_at

STEPS = {"os.rename", "os.remove", "os.truncate"}
"""Audit events at which a life may end, besides the moments before and after a record of the journal."""
MOST_LIVES = 1000
"""Lives after which the run goes nowhere."""


def one_life(run: Path, url: str, count: int, most: int, kill_at: int) -> None:
    """Make calls, and end this process at its step number `kill_at`, which is never reached if it is 0."""
    passed = 0

    def step() -> None:
        nonlocal passed
        passed += 1
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    add = RunJournal.add

    def killed_add(self: RunJournal, record: Record) -> None:
        step()
        add(self, record)
        step()

    RunJournal.add = killed_add  # type: ignore[method-assign]  # this process does nothing else
    sys.addaudithook(lambda event, _: step() if event in STEPS else None)
    batched(run, [endpoint_at(url)], calls_of(count), manner=Manner(most_requests=most))


def lives(run: Path, url: str, count: int, most: int, longest: int, seed: int) -> int:
    """The number of lives that ended by a kill before one came to the end."""
    drawn = random.Random(seed)
    killed = 0
    while killed < MOST_LIVES:
        kill_at = drawn.randint(1, longest) if longest else 0
        pid = os.fork()
        if pid == 0:
            try:
                one_life(run, url, count, most, kill_at)
            except BaseException:
                os._exit(3)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            print(f"{killed} {os.WEXITSTATUS(status)}")
            return killed
        killed += 1
    raise AssertionError("the run goes nowhere")


if __name__ == "__main__":
    place, at, calls, size, steps, start = sys.argv[1:]
    Path(place).mkdir(exist_ok=True)
    lives(Path(place), at, int(calls), int(size), int(steps), int(start))
