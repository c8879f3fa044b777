"""The confined children of a zygote, each on its leash, a socket to the pool.

A byte on the leash asks for the processor time that the child has used, and for a descriptor of its process; when the leash
is closed, the child is killed; when the child has ended, the leash says how.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
import time
from dataclasses import dataclass

from . import kernel


@dataclass
class _Child:
    pid: int
    ended: int
    """A descriptor of the process, readable once it has ended."""
    leash: int
    confined: int
    """The read end of the pipe on which the child says "confined", or why it is not."""
    until: float
    """When it is killed, on the monotonic clock."""


class Children:
    """Looks after any number of children. Owns the descriptors that `add` is given, and reaps the processes."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._by_end: dict[int, _Child] = {}
        self._by_leash: dict[int, _Child] = {}

    def add(self, pid: int, leash: int, confined: int, wall_s: float) -> None:
        """Look after process `pid` too, and kill it after `wall_s` on the clock; at once if this raises an OSError."""
        try:
            ended = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        child = _Child(pid, ended, leash, confined, time.monotonic() + wall_s)
        self._by_end[child.ended] = self._by_leash[leash] = child
        self._poll.register(child.ended, select.POLLIN)
        self._poll.register(leash, select.POLLIN)

    def look_after(self, control: int | None = None) -> None:
        """Until `control` can be read; without it, until the last child has ended."""
        if control is not None:
            self._poll.register(control, select.POLLIN)
        while control is not None or self._by_end:
            first = min((child.until for child in self._by_end.values()), default=math.inf)
            left_ms = None if first == math.inf else max(0.0, first - time.monotonic()) * 1000
            ready = [descriptor for descriptor, _ in self._poll.poll(left_ms)]
            for descriptor in ready:
                if descriptor in self._by_end:
                    self._report(self._by_end.pop(descriptor))
            for descriptor in ready:
                if descriptor in self._by_leash:
                    self._answer(self._by_leash[descriptor])
            for child in self._by_end.values():
                if child.until <= time.monotonic():
                    self._kill(child)
            if control in ready:
                return

    def _answer(self, child: _Child) -> None:
        with contextlib.suppress(OSError):  # closed, perhaps just after the question
            if os.read(child.leash, 1):
                with socket.socket(fileno=os.dup(child.leash)) as leash:
                    socket.send_fds(leash, [f"used {kernel.cpu_s(child.pid):.6f}\n".encode()], [child.ended])
                return
        self._kill(child)

    def _kill(self, child: _Child) -> None:
        os.kill(child.pid, signal.SIGKILL)
        child.until = math.inf
        if self._by_leash.pop(child.leash, None):
            self._poll.unregister(child.leash)

    def _report(self, child: _Child) -> None:
        _, code, used = os.wait4(child.pid, 0)
        said = os.read(child.confined, 300).decode(errors="replace")
        exit_code = os.waitstatus_to_exitcode(code)
        text = f"exit {exit_code} {used.ru_utime + used.ru_stime:.3f}"
        if said != "confined":
            text = f"not confined: {said or exit_code}"
        report(child.leash, text)
        self._poll.unregister(child.ended)
        if self._by_leash.pop(child.leash, None):
            self._poll.unregister(child.leash)
        for descriptor in (child.ended, child.leash, child.confined):
            os.close(descriptor)


def report(leash: int, text: str) -> None:
    """Tell the pool, on one line, how a child ended."""
    with contextlib.suppress(OSError):  # the pool may have closed it
        os.write(leash, f"{' '.join(text.split())}\n".encode())
