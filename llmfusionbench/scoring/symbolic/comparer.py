"""Asks a child process whether two mathematical expressions are equal, with a deadline that works in any thread.

Each process starts one child on first use. The child ends when a comparison is late, and is then replaced. The deadline is
one of processor time, so that the same pair gets the same verdict under any load.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

from llmfusionbench.errors import MissingExtraError

START_LIMIT_S = 120.0
"""Time limit for loading the libraries, seconds (about 2 on an idle machine)."""

CLOCK = 20 if hasattr(signal, "setitimer") else 1
"""Time limit on the clock as a multiple of the deadline, for a busy machine or a child that hangs."""

Verdict = Literal["equal", "unequal", "late", "starved"]


class SymbolicComparer:
    """A child process that compares expressions, one at a time; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._owner = 0

    def compare(self, truth: str, answer: str, *, deadline_s: float) -> Verdict:
        """Compare; the verdict is "late" if it takes more than `deadline_s` seconds of processor time.

        It is "starved", which says nothing of the answer, if a busy machine did not give the child that time in two attempts.
        Raises MissingExtraError if math-verify is not installed.
        """
        with self._lock:
            verdict: Verdict = "late"
            for _ in range(2):  # a child that died between two comparisons is replaced once
                child = self._running()
                assert child.stdin is not None
                try:
                    child.stdin.write(json.dumps([truth, answer, deadline_s]) + "\n")
                    child.stdin.flush()
                    reply = self._replies.get(timeout=CLOCK * deadline_s)
                except queue.Empty:
                    self.close()
                    if CLOCK == 1:  # the clock is the only limit here
                        return "late"
                    verdict = "starved"  # the timer of processor time would have ended a child that computes
                    continue
                except OSError:
                    reply = ""
                if reply:
                    return "equal" if reply == "true" else "unequal"
                self.close()
                if CLOCK > 1 and child.returncode == -signal.SIGPROF:
                    return "late"
            return verdict

    def close(self) -> None:
        """Ends the child, if this process has one."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # an unsent comparison goes with its child
                    stream.close()
        child.wait()

    def _running(self) -> subprocess.Popen[str]:
        if self._child is not None and self._owner == os.getpid() and self._child.poll() is None:
            return self._child
        self.close()
        self._owner = os.getpid()
        self._replies = queue.SimpleQueue()
        # -P keeps this directory off the child's path, where its modules could hide those of the libraries.
        command = [sys.executable, "-P", str(Path(__file__).with_name("worker.py")), str(os.getpid())]
        child = subprocess.Popen(  # noqa: S603 - our own file, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
        )
        threading.Thread(target=_forward, args=(child, self._replies), daemon=True).start()
        self._child = child
        try:
            state = self._replies.get(timeout=START_LIMIT_S)
        except queue.Empty:
            state = ""
        if state != "ready":
            self.close()
            raise MissingExtraError("math-verify", "math")
        return child


def _forward(child: subprocess.Popen[str], replies: queue.SimpleQueue[str]) -> None:
    """Forwards every line of the child, and an empty text when it ends."""
    assert child.stdout is not None
    try:
        for line in child.stdout:
            replies.put(line.strip())
    except (OSError, ValueError):  # closed while it was read
        pass
    replies.put("")


_shared = SymbolicComparer()
atexit.register(lambda: _shared.close())


def _renew() -> None:
    """After a fork, the lock may be held by a thread that does not exist here, and the child belongs to the parent."""
    global _shared
    _shared = SymbolicComparer()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def compare_symbolically(truth: str, answer: str, *, deadline_s: float) -> Verdict:
    """`SymbolicComparer.compare` with this process's own child."""
    return _shared.compare(truth, answer, deadline_s=deadline_s)
