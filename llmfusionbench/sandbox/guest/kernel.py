"""System calls that the standard library of Python 3.11 lacks, through ctypes."""

from __future__ import annotations

import ctypes
import os
import time

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC = 32, 1024, 2048, 4096, 16384
MS_PRIVATE, MS_RELATIME = 1 << 18, 1 << 21
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_CAPABILITY_VERSION_3 = 0x20080522
_OWN_CAPABILITIES, _NO_CAPABILITIES = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
_CPUCLOCK_SCHED = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """unshare(2): move to new namespaces."""
    _checked(_libc.unshare(flags), f"unshare({flags:#x})")


def setns(process: int, flags: int) -> None:
    """setns(2): move to the namespaces of a process, given by its pidfd; for a pid namespace, this goes for children alone."""
    _checked(_libc.setns(process, flags), f"setns({flags:#x})")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), options.encode()
    )
    _checked(result, f"mount {source} on {target}")


def umount(target: str) -> None:
    """umount2(2), lazily: the mount is freed once it is unused."""
    _checked(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2), for which glibc has no wrapper."""
    number = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine)
    if number is None:
        raise OSError(38, f"pivot_root is not known for {os.uname().machine}")
    _checked(_libc.syscall(ctypes.c_long(number), new.encode(), old.encode()), "pivot_root")


def prctl(option: int, argument: int | ctypes.c_void_p = 0, third: ctypes.c_void_p | int = 0) -> None:
    """prctl(2) with zero for unused arguments."""

    def wide(value: int | ctypes.c_void_p) -> ctypes.c_ulong | ctypes.c_void_p:
        return ctypes.c_ulong(value) if isinstance(value, int) else value

    zero = ctypes.c_ulong(0)
    _checked(_libc.prctl(option, wide(argument), wide(third), zero, zero), f"prctl({option})")


def cpu_s(pid: int) -> float:
    """Processor time that a process and its threads have used, seconds; clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def drop_capabilities() -> None:
    """Give up every capability, effective, permitted and inheritable."""
    _checked(_libc.capset(ctypes.byref(_OWN_CAPABILITIES), ctypes.byref(_NO_CAPABILITIES)), "capset")
