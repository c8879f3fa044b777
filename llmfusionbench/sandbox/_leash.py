"""The pool's connection to the zygote for one child: the processor time it has used, and how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import NamedTuple

from llmfusionbench.errors import InputError
from llmfusionbench.sandbox._allowance import Kept

_ANSWER_S = 60.0
"""Time limit for an answer of the zygote; reached only if it was lost."""
_WANTS = frozenset("RDTt")
"""States of a thread that does not wait by its own choice: it waits for a processor or a disk, or was stopped."""


class Ending(NamedTuple):
    """How a child ended."""

    text: str
    """The exit status or the signal, in words."""
    cpu_s: float = 0.0
    """Total processor time, seconds."""


class Leash:
    """Talks with the zygote about one child. Closing the socket, or `let_go`, ends the child.

    The zygote answers each byte with the child's processor time and a descriptor of its process, and reports when the child has
    ended.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._received = b""
        self._ending: Ending | None = None
        self._pid = 0
        """The child, as this process sees it; 0 if it is not known."""

    def kept(self) -> Kept | None:
        """How the machine has kept the child waiting, as of the last `used_s`; None if the system does not tell."""
        if self._ending is not None:
            return Kept(0.0, False)
        try:
            tasks = list(Path(f"/proc/{self._pid}/task").iterdir()) if self._pid > 0 else []
            waited = sum(int((task / "schedstat").read_text().split()[1]) for task in tasks)
            states = {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks}
        except OSError:  # it has ended, or the system keeps no such account
            return None
        return Kept(waited / 1e9, bool(states & _WANTS)) if tasks else None

    def used_s(self) -> float:
        """Processor time of the child so far, seconds."""
        if self._ending is None:
            with contextlib.suppress(OSError):  # the child has ended, and this end was closed
                self._end.sendall(b"?")
            line = self._line()
            if line.startswith("used "):
                return float(line.removeprefix("used "))
            self._ending = _ending(line)
        return self._ending.cpu_s

    def let_go(self) -> None:
        """End the child."""
        with contextlib.suppress(OSError):  # it has ended already
            self._end.shutdown(socket.SHUT_WR)

    def ending(self) -> Ending:
        """How the child ended. Raises InputError if it was never confined, and so has run no foreign code."""
        if self._ending is None:
            self._ending = _ending(self._line())
        return self._ending

    def _line(self) -> str:
        """The zygote's next line; empty if it was lost."""
        self._end.settimeout(_ANSWER_S)
        while b"\n" not in self._received:
            try:
                part, descriptors, _, _ = socket.recv_fds(self._end, 4096, 4)
            except OSError:
                part, descriptors = b"", []
            for descriptor in descriptors:
                self._pid = _process(descriptor)
                os.close(descriptor)
            if not part:
                return ""
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="replace")


LOST = Ending("the sandbox ended")


def _process(descriptor: int) -> int:
    """The id in this process's own namespace of the process that a descriptor stands for; 0 if it has none."""
    for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines():
        if line.startswith("Pid:"):
            return max(0, int(line.split()[1]))
    return 0


def _ending(line: str) -> Ending:
    if line.startswith("not confined"):
        raise InputError(f"the sandbox could not confine a program, so it was not run: {line}")
    if not line.startswith("exit "):
        return Ending(line) if line else LOST
    code, cpu_s = line.removeprefix("exit ").split()
    text = f"signal {_signal_name(int(code[1:]))}" if code.startswith("-") else f"exit status {code}"
    return Ending(text, float(cpu_s))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal, most of which Python does not name
        return str(number)
