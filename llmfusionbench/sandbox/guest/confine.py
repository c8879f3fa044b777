"""Confines a forked child before it runs foreign code, step by step in the only order that works."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
from dataclasses import dataclass

from . import kernel, seccomp

_LIBRARY = os.path.dirname(os.__file__)
_SCRATCH_MB = 32
_FILE_MB = 16
_OPEN_FILES = 64
_THREADS = 256
_NO_GROUP = 65_534


@dataclass(frozen=True)
class Limits:
    """What one program may use."""

    cpu_s: float
    """Processor time. The kernel's limit is a second more, so that the pool's own check comes first."""
    memory_mb: int
    """Address space."""


def confine(limits: Limits, barrier: seccomp.Filter | None, *, namespaces: bool, scratch: str, uid: int, keep: int) -> None:
    """Confine this process. Raises OSError if a step is refused.

    Args:
        limits: What it may use.
        barrier: The filter of its system calls; None where there is none for this processor.
        namespaces: Whether it has its own mount, pid and network namespaces, and may mount.
        scratch: Its private directory: with `namespaces` a new one in memory, else an empty one that it cannot write.
        uid: The user that it becomes if it is root. No other process has it, since the kernel counts threads by user.
        keep: The highest descriptor that stays open.
    """
    os.closerange(keep + 1, 65_536)
    if namespaces:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("scratch", scratch, "tmpfs", flags, f"size={_SCRATCH_MB}m,nr_inodes=1024,mode=1777")
    os.chdir(scratch)
    os.environ.clear()
    os.umask(0o077)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    if not namespaces and os.geteuid() != 0:
        with contextlib.suppress(OSError):  # where it may, it counts its threads in a user namespace of its own
            kernel.unshare(kernel.CLONE_NEWUSER)
    megabyte = 1 << 20
    cpu = math.ceil(limits.cpu_s) + 1
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NO_GROUP, _NO_GROUP, _NO_GROUP)
    for what, value in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, limits.memory_mb * megabyte),
        (resource.RLIMIT_FSIZE, _FILE_MB * megabyte),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, _THREADS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if os.geteuid() == 0:
        _become(uid)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of the user clears it
    if barrier is not None:
        barrier.install()


def _become(uid: int) -> None:
    """Change to another user, unless that one cannot read Python's library (a Python in the home of root).

    In that case it keeps the effective id of root: without capabilities and behind the filter, it may only read root's files.
    Its real id is that of the other user, by which the kernel counts its threads; the filter keeps it from changing that back.
    """
    os.setresuid(uid, uid, 0)
    if os.access(_LIBRARY, os.R_OK | os.X_OK):
        os.setresuid(uid, uid, uid)
    elif seccomp.supported():
        os.setresuid(uid, 0, 0)
    else:
        raise OSError(f"user {uid} cannot read {_LIBRARY}")
