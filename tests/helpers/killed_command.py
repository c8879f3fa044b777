"""A command that is killed before one of its calls of the system. Imports little, since each process imports it again."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from llmfusionbench.cli.main import run

CALLS = {"os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.truncate", "ctypes.dlsym"}
"""Audit events before these calls of the system; the last is before the one that exchanges two directories."""


def killed_command(arguments: list[str], kill_at: int = 0, count_to: str = "") -> None:
    """Run a command, and kill this process before its call number `kill_at`, or write all its calls to the file `count_to`."""
    calls: list[str] = []

    def step(event: str, _: object) -> None:
        if event in CALLS:
            calls.append(event)
            if len(calls) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 for as long as the process lasts
    os.fsync = lambda _: None  # a kill loses nothing that was written
    sys.addaudithook(step)
    status = run(arguments)
    if count_to:
        Path(count_to).write_text("\n".join(calls))
    sys.exit(status)
