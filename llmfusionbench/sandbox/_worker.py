"""One worker: a process inside the sandbox that forks a program and its checker for each task, and the talk with it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Any, NamedTuple, cast

from ..errors import InputError
from ._types import CodeTask, Status, Verdict
from ._view import GUEST, SCRATCH, bubblewrap_arguments, interpreter, python_view
from .guest import frames

_START_S = 30.0
_OUTPUT_LIMIT = 16 * 1024 * 1024
_TAIL = 2_000
_TELL_S = 5.0
"""For a supervisor to tell of a child that has gone, also on a busy machine."""
_HALF = 0.5
_PREEMPTED_PER_S = 10
"""More than a child that sleeps is (a few times in all), fewer than one that shares a processor is (100 and more)."""
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from guest import zygote; del sys.path[0]; zygote.main()"


class WorkerLostError(Exception):
    """The worker's process has gone; a new one can take its place."""


class Worker:
    """A started sandbox of one kind; runs one task at a time. Raises InputError where it cannot be started."""

    def __init__(self, kind: str, *, timeout_s: float, memory_mb: int) -> None:
        self.kind, self.timeout_s, self.memory_mb = kind, timeout_s, memory_mb
        self.share = 1.0
        """Of the last run that was too late: the part of its time in which it had a processor, where others took the rest."""
        self._root = tempfile.mkdtemp(prefix="llmfusionbench-sandbox-")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs, tempfile.TemporaryFile() as errors:
                self._process = subprocess.Popen(  # noqa: S603 our own interpreter, no shell
                    self._command(),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env={"PYTHONHASHSEED": "0"},
                    cwd="/",
                )
                theirs.close()
                self._control.settimeout(_START_S)
                try:
                    said = self._control.recv(4096).decode(errors="replace")
                except TimeoutError:
                    said = f"no answer within {_START_S:g} s"
                if said != "ready":
                    self._process.kill()
                    self._process.wait()
                    errors.seek(0)
                    said = said.removeprefix("error ") or errors.read().decode(errors="replace").strip()[-300:]
                    raise InputError(f"the {kind} sandbox did not start: {' '.join(said.split())}")
            if kind != "process":  # where the root was mounted, if it was, nothing looks for it by its name any more
                shutil.rmtree(self._root, ignore_errors=True)
        except BaseException:
            self._control.close()
            shutil.rmtree(self._root, ignore_errors=True)
            raise

    def _command(self) -> list[str]:
        config: dict[str, Any] = {"kind": self.kind, "root": self._root, "scratch": SCRATCH}
        python = [interpreter(), "-s", "-S", "-P", "-B", "-c", _BOOT]
        if self.kind == "bubblewrap":
            arguments = bubblewrap_arguments(python_view())
            return [shutil.which("bwrap") or "bwrap", *arguments, *python, "/", json.dumps(config)]
        if self.kind == "process":
            os.chmod(self._root, 0o755)  # noqa: S103 empty, and the program is another user
            config["scratch"] = self._root
        config["view"] = python_view()
        return [*python, str(GUEST.parent), json.dumps(config)]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the worker and everything in it."""
        self._control.close()
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._root, ignore_errors=True)

    def run(self, task: CodeTask, *, wall_s: float | None = None) -> Verdict:
        """Run one task, within `wall_s` seconds (`timeout_s` if not given) on the clock and `timeout_s` of processor time.

        Raises:
            InputError: the task has no tests, or a child could not be confined.
            WorkerLostError: the worker's process has gone.
        """
        job = ["job", {"code": task.code, "setup": task.setup, "tests": task.statements(), "entry_point": task.entry_point}]
        wall_s = self.timeout_s if wall_s is None else wall_s
        started = time.monotonic()
        pairs = [socket.socketpair() for _ in range(4)]
        (program, program_there), (checker, checker_there), (verdicts, verdicts_there), (asks, answers) = pairs
        output, output_there = os.pipe()
        null = os.open(os.devnull, os.O_RDWR)
        try:
            self._spawn("candidate", wall_s, program_there, output_there, answers)
            self._spawn("checker", wall_s, checker_there, null, verdicts_there, asks)
            os.close(output_there)
            output_there = -1
            for end in (program_there, checker_there, verdicts_there, asks, answers):
                end.close()
            talk = _Talk(verdicts, output, started + wall_s)
            status, reason = talk.hold(job)
            seconds = time.monotonic() - started
            if status == "timeout":
                self.share = _share(wall_s, program, checker)
                reason = f"no verdict within {wall_s:g} s"
                reason += "" if self.share == 1 else ", and a busy machine that gave it less than half of them"
            elif status == "ended":
                how = _ending(program)
                reason = f"{reason} ({how.text})"
                if wall_s > self.timeout_s and how.cpu_s >= self.timeout_s:
                    self.share, status, reason = 1.0, "timeout", f"no verdict within {self.timeout_s:g} s"
            elif status == "lost":
                status, reason = "error", f"the checker ended early ({_ending(checker).text})"
            return Verdict(
                passed=status == "passed",
                reason=reason.encode("utf-8", "replace").decode(),  # a lone surrogate is in no file
                seconds=seconds,
                output_tail=talk.tail.decode(errors="replace"),
                status=cast(Status, status),
            )
        finally:
            for descriptor in (output, output_there, null):
                if descriptor >= 0:
                    os.close(descriptor)
            for pair in pairs:
                for end in pair:
                    end.close()

    def _spawn(self, role: str, wall_s: float, leash: socket.socket, output: int, *handed: socket.socket) -> None:
        request = {"role": role, "timeout_s": wall_s, "cpu_s": self.timeout_s, "memory_mb": self.memory_mb}
        try:
            descriptors = [leash.fileno(), output, *(end.fileno() for end in handed)]
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
        except OSError as error:
            raise WorkerLostError(str(error)) from error


class _Talk:
    """Waiting for one verdict, while taking in what the program prints."""

    def __init__(self, verdicts: socket.socket, output: int, deadline: float) -> None:
        self.verdicts, self.output, self.deadline = verdicts, output, deadline
        self.tail = b""
        self._printed = 0

    def hold(self, job: list[Any]) -> tuple[str, str]:
        """Hand the job to the checker; its [status, reason], or `timeout`, `output` or `lost`."""
        try:
            self.verdicts.settimeout(max(0.1, self.deadline - time.monotonic()))
            frames.send(self.verdicts, job)
            answer = self._wait()
            if answer != "verdict":
                return answer, f"more than {_OUTPUT_LIMIT >> 20} MiB printed"
            self.verdicts.settimeout(max(0.1, self.deadline - time.monotonic()))
            status, reason = frames.receive(self.verdicts)
        except frames.TooLargeError as error:
            return "error", f"the program and its tests are too long: {error}"
        except (frames.ChannelClosedError, frames.ProtocolError, ValueError):
            return "lost", ""
        self._drain()
        return str(status), " ".join(str(reason).split())

    def _wait(self) -> str:
        poll = select.poll()
        poll.register(self.verdicts, select.POLLIN)
        poll.register(self.output, select.POLLIN)
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            ready = dict(poll.poll(left * 1000))
            if self.output in ready and not self._take():
                poll.unregister(self.output)
            if self._printed > _OUTPUT_LIMIT:
                return "output"
            if self.verdicts.fileno() in ready:
                return "verdict"

    def _take(self) -> bool:
        part = os.read(self.output, 1 << 16)
        self._printed += len(part)
        self.tail = (self.tail + part)[-_TAIL:]
        return bool(part)

    def _drain(self) -> None:
        """What is in the pipe now; the program may live on for a moment, and is not waited for."""
        while self._printed <= _OUTPUT_LIMIT and select.select([self.output], [], [], 0)[0] and self._take():
            pass


class _Ending(NamedTuple):
    """How a child came to its end."""

    text: str
    cpu_s: float = 0.0
    preempted: int = 0
    """How often it had to leave a processor to others."""


def _ending(leash: socket.socket) -> _Ending:
    """How a child came to its end, as its supervisor tells; raises InputError where it was never confined."""
    leash.settimeout(_TELL_S)
    try:
        said = leash.recv(400).decode(errors="replace")
    except OSError:
        return _Ending("still alive")
    if said.startswith("not confined"):
        raise InputError(f"the sandbox could not confine a program, so it was not run: {said}")
    if not said.startswith("exit "):
        return _Ending(said or "the sandbox ended")
    code, cpu_s, preempted = said.removeprefix("exit ").split()
    text = f"signal {_signal_name(int(code[1:]))}" if code.startswith("-") else f"exit status {code}"
    return _Ending(text, float(cpu_s), int(preempted))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of those for real time, of which Python names the first and the last
        return str(number)


def _share(wall_s: float, *leashes: socket.socket) -> float:
    """The part of `wall_s` that children which are late had a processor; 1 unless others took it for more than half.

    A child that sleeps has none either, but leaves it of its own accord.
    """
    for leash in leashes:
        with contextlib.suppress(OSError):
            leash.shutdown(socket.SHUT_WR)  # its supervisor ends it and tells
    endings = [_ending(leash) for leash in leashes]
    if sum(ending.preempted for ending in endings) < _PREEMPTED_PER_S * wall_s:
        return 1.0
    share = sum(ending.cpu_s for ending in endings) / wall_s
    return share if share < _HALF else 1.0
