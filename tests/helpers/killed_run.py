"""A run of calls in a process that is killed at a chosen event; importing this imports all that such a process needs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting import append_file
from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from tests.helpers.counting_server import control
from tests.helpers.run_calls import Silent, budget, calls, endpoint

CONCURRENCY = 8
SERVER_EVENTS = ("request", "answer")
"""Before the server answers a request, and right after."""
OWN_EVENTS = ("before", "after", "within", "sync")
"""Before, after and in the middle of writing a line; before the disk is brought up to date."""


def _import_all() -> None:
    """Make one attempt, at a server that is not there: the client imports its parts when it uses them."""

    async def attempt() -> None:
        caller = Caller(endpoint(url="http://127.0.0.1:9"))
        await caller.attempt({"messages": []})
        await caller.close()

    asyncio.run(attempt())


_import_all()


def run_calls(folder: Path, port: int, count: int, event: str = "", at: int = 0) -> None:
    """Make calls, and kill this process at event number `at`, from 1; without an event it ends by itself."""
    if event in SERVER_EVENTS:
        control(port, "POST", "/control", pid=os.getpid(), event=event, count=at)
    elif event:
        _kill_at(event, at)
    llm = endpoint(url=f"http://127.0.0.1:{port}", concurrency=CONCURRENCY)
    with RunJournal(folder) as journal:
        asyncio.run(Engine([llm], journal, budget=budget(llm), board=Silent()).run(calls(count)))


def _kill_at(event: str, at: int) -> None:
    """Kill this process at the call of the system that is meant."""
    left = at
    write, sync = os.write, os.fsync

    def is_now() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    def written(file: int, data: Any) -> int:
        if bytes(data[:8]) != b'{"kind":' or not is_now():
            return write(file, data)
        if event != "before":
            write(file, data if event == "after" else data[: len(data) * 2 // 3])
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    def synced(file: int) -> None:
        if is_now():
            os.kill(os.getpid(), signal.SIGKILL)
        sync(file)

    append_file.GROUP_LINES = 4 * at
    replaced: dict[str, Callable[..., Any]] = {"fsync": synced} if event == "sync" else {"write": written}
    for name, function in replaced.items():
        setattr(os, name, function)
