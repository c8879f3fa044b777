"""A worker's process inside the sandbox. It runs no foreign code, and forks a confined child for each program and its tests.

Requests come over standard input, a Unix socket, with the descriptors for the child. Programs, tests and answers never pass
through this process, so a child cannot find those of another one in its memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import Any

from . import candidate, checker, confine, kernel, seccomp, view
from .children import Children, report

_PRELOADED = (
    *("abc", "array", "base64", "bisect", "calendar", "cmath", "collections", "collections.abc", "contextlib"),
    *("copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib"),
    *("heapq", "io", "itertools", "json", "math", "numbers", "operator", "os", "pprint"),
    *("queue", "random", "re", "statistics", "string", "struct", "sys", "textwrap", "threading"),
    *("time", "traceback", "types", "typing", "unicodedata", "zlib"),
)
"""Loaded once, since most programs import them; so they also work where a program cannot read Python's directory."""
_PER_CHILD = kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNET
_GRACE_S = 60.0
"""A child that the pool has not ended in time, perhaps because the pool waits for a processor, is ended this much later."""


def main() -> None:
    """Isolate as the JSON in the last argument says, report it, and serve until the pool hangs up."""
    config: dict[str, Any] = json.loads(sys.argv[-1])
    control = socket.socket(fileno=0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.clear()
    for name in _PRELOADED:
        importlib.import_module(name)
    try:
        if config["kind"] == "namespaces":
            view.enter(config["view"], config["root"], config["scratch"])
            _become_first_process()
        if config["kind"] != "process":
            _check_isolated(config["root"], config["outside"])
        zygote = Zygote(isolated=config["kind"] != "process", scratch=config["scratch"])
    except OSError as error:
        control.sendall(f"error {error}".encode())
        return
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    gc.collect()
    gc.freeze()
    control.sendall(f"ready {os.getpid()}".encode())
    zygote.serve(control)


def _check_isolated(root: str, outside: str) -> None:
    """Raise OSError if this process sees a directory or a socket from outside; bubblewrap may be anything of that name."""
    if os.path.lexists(root):
        raise OSError("it does not isolate: files outside can be seen")
    with contextlib.suppress(ConnectionRefusedError), socket.socket(socket.AF_UNIX) as here:
        here.connect(outside)
        raise OSError("it does not isolate: the network outside can be reached")


def _become_first_process() -> None:
    """Fork: the child goes on as the first process of the new pid namespace; when it dies, all others in it do."""
    pid = os.fork()
    if pid == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    os.close(0)
    os.waitpid(pid, 0)
    os._exit(0)


class Zygote:
    """Forks the confined children, which end with it.

    Args:
        isolated: Whether each gets namespaces of its own. Raises OSError if this process may not give them.
        scratch: The children's directory; see `confine`.
    """

    def __init__(self, *, isolated: bool, scratch: str) -> None:
        self.isolated, self.scratch = isolated, scratch
        self.pid = os.getpid()
        self.home = os.pidfd_open(self.pid)
        if isolated:
            self._return()  # it is there already: refused now or never
        self.barrier = seccomp.Filter(writes=isolated) if seccomp.supported() else None
        self.children = Children()

    def serve(self, control: socket.socket) -> None:
        """Start a child for every request, until the pool hangs up."""
        while True:
            self.children.look_after(control.fileno())
            message, descriptors, _, _ = socket.recv_fds(control, 4096, 4)
            if not message:
                return
            self._start(json.loads(message), *descriptors)

    def _return(self) -> None:
        """Have the next children in this process's own pid namespace."""
        kernel.setns(self.home, kernel.CLONE_NEWPID)

    def _start(self, request: dict[str, Any], leash: int, *handed: int) -> None:
        confined, tell = os.pipe()
        try:
            if self.isolated:
                kernel.unshare(kernel.CLONE_NEWPID)  # the next child is the first process of a new one
            pid = os.fork()
            if pid == 0:
                try:
                    self._child(request, handed, tell)
                finally:  # whatever fails in it, no child goes on as a second zygote
                    os._exit(1)
            self.children.add(pid, leash, confined, request["wall_s"] + _GRACE_S)
        except OSError as error:
            report(leash, f"not confined: {error}")
            os.close(leash)
            os.close(confined)
        finally:
            if self.isolated:
                self._return()
            for descriptor in (*handed, tell):
                os.close(descriptor)

    def _child(self, request: dict[str, Any], handed: tuple[int, ...], tell: int) -> None:
        """Arrange descriptors (0 null, 1 and 2 output, 3 and up sockets), confine the process, and run the role."""
        try:
            os.setpgid(0, 0)
            if self.isolated:
                kernel.unshare(_PER_CHILD)
            null = os.open("/dev/null", os.O_RDWR)
            output, *sockets = handed
            # first out of the way, then each to its place; confine() closes the rest
            places = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 32) for descriptor in (null, output, output, *sockets, tell)]
            for place, descriptor in enumerate(places):
                os.dup2(descriptor, place)
            tell = len(places) - 1
            os.set_inheritable(tell, False)
            confine.confine(
                confine.Limits(request["cpu_s"], request["memory_mb"]),
                self.barrier,
                namespaces=self.isolated,
                scratch=self.scratch,
                uid=request["uid"],
                keep=tell,
            )
            if not self.isolated and os.getppid() != self.pid:  # it died before it could take this process with it
                raise OSError("the sandbox ended")
            os.write(tell, b"confined")
            os.close(tell)
        except Exception as error:
            os.write(tell, f"{type(error).__name__}: {error}".encode()[:300])
            return
        sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 lives as long as the process
        sys.argv[:] = [""]
        connections = [socket.socket(fileno=3 + place) for place in range(len(sockets))]
        try:
            (candidate if request["role"] == "candidate" else checker).main(*connections)
        finally:
            os._exit(0)
