"""A worker: a process inside the sandbox that forks a program and its checker for each task."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from io import FileIO
from typing import Any, cast

from llmfusionbench.errors import InputError
from llmfusionbench.sandbox._allowance import Allowance, Kept
from llmfusionbench.sandbox._leash import LOST, Leash
from llmfusionbench.sandbox._types import CodeTask, Status, Verdict
from llmfusionbench.sandbox._users import own_user
from llmfusionbench.sandbox._view import GUEST, SCRATCH, bubblewrap_arguments, interpreter, python_view
from llmfusionbench.sandbox.guest import frames

_START_S = 300.0
"""Time limit for the start of a worker, which takes 0.1 s on an idle machine."""
_CREDENTIALS = struct.Struct("=iII")
"""Process, user and group of the sender of a message, as the kernel tells them."""
_OUTPUT_LIMIT = 16 * 1024 * 1024
_TAIL = 2_000
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from guest import zygote; del sys.path[0]; zygote.main()"


class WorkerLostError(Exception):
    """The worker's process has ended; a new one can replace it."""


class Worker:
    """A started sandbox of one kind; runs one task at a time.

    Raises InputError if it cannot be started within `start_s` seconds, or does not isolate as its kind should.
    """

    def __init__(
        self, kind: str, *, timeout_s: float, memory_mb: int, patience: float = 20.0, start_s: float = _START_S
    ) -> None:
        self.kind, self.timeout_s, self.memory_mb, self.patience = kind, timeout_s, memory_mb, patience
        self.lost = False
        """Whether the sandbox ended during the last task, so that its verdict is not one on the program."""
        self._root = tempfile.mkdtemp(prefix="llmfusionbench-sandbox-")
        self._outside = f"\0{os.path.basename(self._root)}"  # a short name, wherever temporary files are
        """A socket that can be reached from this network namespace alone."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            with theirs, tempfile.TemporaryFile() as errors, socket.socket(socket.AF_UNIX) as outside:
                outside.bind(self._outside)
                outside.listen()
                self._process = subprocess.Popen(  # noqa: S603 our own interpreter, no shell
                    self._command(),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env={"PYTHONHASHSEED": "0"},
                    cwd="/",
                    start_new_session=True,
                )
                theirs.close()
                self._control.settimeout(start_s)
                try:
                    said = self._greeting()
                except TimeoutError:
                    said = f"no answer within {start_s:g} s"
                if said != "ready":
                    os.killpg(self._process.pid, signal.SIGKILL)
                    self._process.wait()
                    errors.seek(0)
                    said = said.removeprefix("error ") or errors.read().decode(errors="replace").strip()[-300:]
                    raise InputError(f"the {kind} sandbox did not start: {' '.join(said.split())}")
            if kind != "process":  # from here on the root is not used by its name
                shutil.rmtree(self._root, ignore_errors=True)
        except BaseException:
            self._control.close()
            shutil.rmtree(self._root, ignore_errors=True)
            raise

    def _greeting(self) -> str:
        """What the zygote says first: "ready", or why it is not; also if it is in the process namespace of this process."""
        message, credentials, _, _ = self._control.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
        said = message.decode(errors="replace")
        if not said.startswith("ready "):
            return said
        pid, _, _ = _CREDENTIALS.unpack(credentials[0][2])
        if self.kind != "process" and pid == int(said.removeprefix("ready ")):
            return "it does not isolate: processes outside can be seen"
        return "ready"

    def _command(self) -> list[str]:
        config: dict[str, Any] = {"kind": self.kind, "root": self._root, "scratch": SCRATCH, "outside": self._outside}
        python = [interpreter(), "-s", "-S", "-P", "-B", "-c", _BOOT]
        if self.kind == "bubblewrap":
            arguments = bubblewrap_arguments(python_view())
            return [shutil.which("bwrap") or "bwrap", *arguments, *python, "/", json.dumps(config)]
        if self.kind == "process":
            os.chmod(self._root, 0o755)  # noqa: S103 empty, and the program is another user
            config["scratch"] = self._root
        config["view"] = python_view()
        return [*python, str(GUEST.parent), json.dumps(config)]

    def close(self) -> None:
        """End the worker and everything in it."""
        self._control.close()
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._root, ignore_errors=True)

    def run(self, task: CodeTask) -> Verdict:
        """Run one task.

        Raises:
            InputError: the task has no tests, or a child could not be confined.
            WorkerLostError: the worker's process has ended.
        """
        job = ["job", {"code": task.code, "setup": task.setup, "tests": task.statements(), "entry_point": task.entry_point}]
        with ExitStack() as stack:
            pairs = [[stack.enter_context(end) for end in socket.socketpair()] for _ in range(4)]
            (program_end, program_there), (checker_end, checker_there), (verdicts, verdicts_there), (asks, answers) = pairs
            program, checker = Leash(program_end), Leash(checker_end)
            read, write = os.pipe()
            output, output_there = (stack.enter_context(open(read, "rb", 0)), stack.enter_context(open(write, "wb", 0)))
            null = stack.enter_context(open(os.devnull, "r+b", 0))
            both = (program, checker)
            allowance = Allowance(
                self.timeout_s, self.patience, lambda: sum(end.used_s() for end in both), lambda: _together(both)
            )
            self._spawn("candidate", program_there, output_there, answers)
            self._spawn("checker", checker_there, null, verdicts_there, asks)
            for end in (output_there, program_there, checker_there, verdicts_there, asks, answers):
                end.close()
            talk = _Talk(verdicts, output.fileno(), allowance)
            status, reason = talk.hold(job)
            seconds = time.monotonic() - allowance.started
            if status == "ended":
                program.let_go()  # it may still run, if it only closed its channel
                how = program.ending()
                self.lost = how == LOST
                reason = f"{reason} ({how.text})"
                if how.cpu_s >= self.timeout_s:
                    status, reason = "timeout", f"no verdict within {self.timeout_s:g} s"
            elif status == "lost":
                checker.let_go()
                how = checker.ending()
                self.lost = how == LOST
                status, reason = "error", f"the checker ended early ({how.text})"
            elif allowance.starved:
                status = "undecided"
            return Verdict(
                passed=status == "passed",
                reason=reason.encode("utf-8", "replace").decode(),  # no file can hold a lone surrogate
                seconds=seconds,
                output_tail=talk.tail.decode(errors="replace"),
                status=cast(Status, status),
            )

    def _spawn(self, role: str, *handed: socket.socket | FileIO) -> None:
        """Have the worker fork a child for `role`, with the leash, the output and its sockets."""
        wall_s = self.patience * self.timeout_s
        request = {
            "role": role, "wall_s": wall_s, "cpu_s": self.timeout_s, "memory_mb": self.memory_mb, "uid": own_user(),
        }  # fmt: skip
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], [end.fileno() for end in handed])
        except OSError as error:
            raise WorkerLostError(str(error)) from error


def _together(ends: Sequence[Leash]) -> Kept | None:
    """How the machine has kept processes waiting that work in turns; None if that is not known of one of them."""
    all_kept = [kept for kept in (end.kept() for end in ends) if kept is not None]
    if len(all_kept) < len(ends):
        return None
    return Kept(sum(kept.waited_s for kept in all_kept), any(kept.now for kept in all_kept))


class _Talk:
    """Waits for one verdict and reads what the program prints."""

    def __init__(self, verdicts: socket.socket, output: int, allowance: Allowance) -> None:
        self.verdicts, self.output, self.allowance = verdicts, output, allowance
        self.tail = b""
        self._printed = 0

    def hold(self, job: list[Any]) -> tuple[str, str]:
        """Send the job to the checker; returns its (status, reason), or `timeout`, `output` or `lost` as status."""
        self.verdicts.settimeout(self.allowance.end - self.allowance.started)
        try:
            frames.send(self.verdicts, job)
            answer, reason = self._wait()
            if answer != "verdict":
                return answer, reason
            status, reason = frames.receive(self.verdicts)
        except frames.TooLargeError as error:
            return "error", f"the program and its tests are too long: {error}"
        except (frames.ChannelClosedError, frames.ProtocolError, ValueError):
            return "lost", ""
        self._drain()
        return str(status), " ".join(str(reason).split())

    def _wait(self) -> tuple[str, str]:
        poll = select.poll()
        poll.register(self.verdicts, select.POLLIN)
        poll.register(self.output, select.POLLIN)
        while True:
            left = self.allowance.look - time.monotonic()
            ready = dict(poll.poll(max(0.0, left) * 1000))
            if self.output in ready and not self._take():
                poll.unregister(self.output)
            if self._printed > _OUTPUT_LIMIT:
                return "output", f"more than {_OUTPUT_LIMIT >> 20} MiB printed"
            if self.verdicts.fileno() in ready:
                return "verdict", ""
            if left <= 0 and (why := self.allowance.over()):
                return "timeout", why

    def _take(self) -> bool:
        part = os.read(self.output, 1 << 16)
        self._printed += len(part)
        self.tail = (self.tail + part)[-_TAIL:]
        return bool(part)

    def _drain(self) -> None:
        """Read what is in the pipe now, without waiting for the program to end."""
        while self._printed <= _OUTPUT_LIMIT and select.select([self.output], [], [], 0)[0] and self._take():
            pass
