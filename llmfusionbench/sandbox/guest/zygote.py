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
import select
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from . import candidate, checker, confine, kernel, view

_PRELOADED = (
    *("abc", "array", "base64", "bisect", "calendar", "cmath", "collections", "collections.abc", "contextlib"),
    *("copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib"),
    *("heapq", "io", "itertools", "json", "math", "numbers", "operator", "os", "pprint"),
    *("queue", "random", "re", "statistics", "string", "struct", "sys", "textwrap", "threading"),
    *("time", "traceback", "types", "typing", "unicodedata", "zlib"),
)
"""Loaded once, since most programs import them; so they also work where a program cannot read Python's directory."""
_PER_CHILD = kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNET
_UIDS = {"candidate": 65_534, "checker": 65_533}
_GRACE_S = 2.0


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
    except OSError as error:
        control.sendall(f"error {error}".encode())
        return
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are never waited for
    gc.collect()
    gc.freeze()
    control.sendall(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 4096, 4)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _supervise(json.loads(message), descriptors, config)
        for descriptor in descriptors:
            os.close(descriptor)


def _become_first_process() -> None:
    """Fork: the child goes on as the first process of the new pid namespace; when it dies, all others in it do."""
    pid = os.fork()
    if pid == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    os.close(0)
    os.waitpid(pid, 0)
    os._exit(0)


def _supervise(request: dict[str, Any], descriptors: list[int], config: dict[str, Any]) -> NoReturn:
    """Run one confined child, and end it after its time on the clock or when the leash, the first descriptor, is closed."""
    leash, *handed = descriptors
    status = "the sandbox failed"
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if config["kind"] != "process":
            kernel.unshare(_PER_CHILD)
        confined, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(leash)
            os.close(confined)
            _child(request, handed, tell, config)
        for descriptor in (*handed, tell):
            os.close(descriptor)
        _watch(pid, leash, request["wall_s"] + _GRACE_S)
        _, code, used = os.wait4(pid, 0)
        said = os.read(confined, 300).decode(errors="replace")
        exit_code = os.waitstatus_to_exitcode(code)
        status = f"exit {exit_code} {used.ru_utime + used.ru_stime:.3f}"
        if said != "confined":
            status = f"not confined: {said or exit_code}"
    except OSError as error:
        status = f"not confined: {error}"
    finally:
        with contextlib.suppress(OSError):  # the pool may have closed it
            os.write(leash, f"{' '.join(status.split())}\n".encode())
        os._exit(0)


def _watch(pid: int, leash: int, wall_s: float) -> None:
    """Wait until a child ends, answer each byte on the leash with its processor time, and kill it if the leash is closed."""
    child = os.pidfd_open(pid)
    until = time.monotonic() + wall_s
    while True:
        ready = select.select([leash, child], [], [], max(0.0, until - time.monotonic()))[0]
        if child in ready:
            return
        if leash in ready:
            with contextlib.suppress(OSError):  # closed, perhaps just after the question
                if os.read(leash, 1):
                    os.write(leash, f"used {kernel.cpu_s(pid):.6f}\n".encode())
                    continue
        os.kill(pid, signal.SIGKILL)
        return


def _child(request: dict[str, Any], handed: list[int], tell: int, config: dict[str, Any]) -> NoReturn:
    """Arrange descriptors (0 null, 1 and 2 output, 3 and up sockets), confine the process, and run the role."""
    try:
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
            namespaces=config["kind"] != "process",
            scratch=config["scratch"],
            uid=_UIDS[request["role"]],
            keep=tell,
        )
        os.write(tell, b"confined")
        os.close(tell)
    except BaseException as error:
        os.write(tell, f"{type(error).__name__}: {error}".encode()[:300])
        os._exit(1)
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 lives as long as the process
    sys.argv[:] = [""]
    connections = [socket.socket(fileno=3 + place) for place in range(len(sockets))]
    try:
        (candidate if request["role"] == "candidate" else checker).main(*connections)
    finally:
        os._exit(0)
