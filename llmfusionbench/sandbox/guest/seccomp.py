"""A system-call filter: no new processes, programs, sockets, signals to others, namespaces, mounts or shared memory.

It backs up the namespaces. Where there are none it is the main barrier, and then it also forbids every write to the file
system. Calls that are newer than the old tables of the kernel are refused unless they are listed here. The numbers are from
the kernel's tables for x86_64 and aarch64; other processors get no filter.
"""

from __future__ import annotations

import ctypes
import os
import struct

from . import kernel

_X32_BIT = 0x40000000
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_CLONE_THREAD = 0x00010000
_WRITE_FLAGS = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, and the bit of O_TMPFILE that is not O_DIRECTORY."""

# name: (number on x86_64, number on aarch64); None where the architecture has no such call
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # new processes and programs
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    # other processes: their memory, signals and descriptors
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    # sockets, namespaces, mounts
    "socket": (41, 198), "bind": (49, 200), "connect": (42, 203), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51),
    # the kernel's own interfaces
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "io_setup": (206, 0),
    # users and groups, and timers that could send any signal
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143), "setresuid": (117, 147),
    "setresgid": (119, 149), "setfsuid": (122, 151), "setfsgid": (123, 152), "setgroups": (116, 159),
    "timer_create": (222, 107),
    # the machine itself
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "sethostname": (170, 161),
    "setdomainname": (171, 162), "acct": (163, 89), "syslog": (103, 116), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "personality": (135, 92), "move_pages": (279, 239), "migrate_pages": (256, 238),
    # shared memory and messages
    "shmget": (29, 194), "shmctl": (31, 195), "semctl": (66, 191), "semop": (65, 193), "semtimedop": (220, 192),
    "msgctl": (71, 187), "msgsnd": (69, 189), "msgrcv": (70, 188), "mq_unlink": (241, 181), "shmat": (30, 196),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "memfd_create": (319, 279),
    # scheduling, watching files, further filters
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "sched_setparam": (142, 118), "setpriority": (141, 140), "ioprio_set": (251, 30), "fanotify_init": (300, 262),
    "seccomp": (317, 277),
}  # fmt: skip
_FIRST_NEW = {"x86_64": 335, "aarch64": 295}
"""The first number after the kernel's old table. From 424 on all processors share their numbers."""
_NEW = {"close_range": 436, "faccessat2": 439, "epoll_pwait2": 441}
"""The new calls that are allowed. All others do not exist: the C library falls back to old ones (`clone`, `openat`)."""
_CHANGES_FILES: dict[str, tuple[int | None, int | None]] = {
    "creat": (85, None), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None),
    "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "link": (86, None),
    "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36), "truncate": (76, 45), "chmod": (90, None),
    "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None), "lchown": (94, None),
    "fchown": (93, 55), "fchownat": (260, 54), "mknod": (133, None), "mknodat": (259, 33), "utime": (132, None),
    "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "flock": (73, 32), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
}  # fmt: skip
_AF_UNIX = 1
_STREAM = (1, 1 | 0o4000, 1 | 0o2000000, 1 | 0o2004000)
"""SOCK_STREAM, also with SOCK_NONBLOCK and SOCK_CLOEXEC."""
_FCNTL_DENIED = (8, 10, 15, 1024, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY."""
_LOCKS = (6, 7, 37, 38)
"""F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW: a lock on another's file would keep its owner waiting."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_OWN_ID = 0x7FFF_FFF1
"""Stands for the id of the process until it is known; no process has it."""
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX; others change files, owners and terminals."""
_STOPS = (19, 20, 21, 22)
"""SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU: a program that stops itself would look like one that is stopped from outside."""


def supported() -> bool:
    """Whether there is a filter for this processor."""
    return os.uname().machine in _AUDIT_ARCH


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value & 0xFFFFFFFF)


def _load_argument(index: int) -> bytes:
    return _op(_LOAD, 16 + 8 * index)  # the low half, on these little-endian machines


def _deny(error: int = _EPERM) -> bytes:
    return _op(_RETURN, _ERRNO | error)


def _only_if_equal(index: int, *values: int) -> list[bytes]:
    """Allow the call only where argument `index` is one of `values`."""
    tests = [_op(_EQUAL, value, len(values) - place) for place, value in enumerate(values)]
    return [_load_argument(index), *tests, _deny(), _op(_RETURN, _ALLOW)]


def _other_than(index: int, *values: int) -> list[bytes]:
    """Deny the call where argument `index` is one of `values`, and go on otherwise."""
    tests = [_op(_EQUAL, value, len(values) - place - 1, int(value == values[-1])) for place, value in enumerate(values)]
    return [_load_argument(index), *tests, _deny()]


def _unless_equal(index: int, *values: int) -> list[bytes]:
    """Allow the call unless argument `index` is one of `values`."""
    return [*_other_than(index, *values), _op(_RETURN, _ALLOW)]


def _only_with_bit(index: int, bit: int) -> list[bytes]:
    return [_load_argument(index), _op(_ANY_BIT, bit, 1), _deny(), _op(_RETURN, _ALLOW)]


def _unless_any_bit(index: int, bits: int) -> list[bytes]:
    return [_load_argument(index), _op(_ANY_BIT, bits, 1), _op(_RETURN, _ALLOW), _deny()]


def program(machine: str, pid: int, *, writes: bool) -> bytes:
    """The filter for process `pid` as the kernel's instructions; without `writes` no file may be created or changed."""
    column = list(_AUDIT_ARCH).index(machine)
    rules: list[tuple[int | None, list[bytes]]] = [(pair[column], [_deny()]) for pair in _DENIED.values()]
    rules += [(number, [_op(_RETURN, _ALLOW)]) for number in _NEW.values()]
    rules += [
        ((56, 220)[column], _only_with_bit(0, _CLONE_THREAD)),
        # an event loop's pipe to itself; a pair of datagram sockets could send to any address of this machine
        ((53, 199)[column], [_load_argument(0), _op(_EQUAL, _AF_UNIX, 1), _deny(), *_only_if_equal(1, *_STREAM)]),
        ((62, 129)[column], [*_other_than(1, *_STOPS), *_only_if_equal(0, pid)]),  # kill
        ((234, 131)[column], [*_other_than(2, *_STOPS), *_only_if_equal(0, pid)]),  # tgkill
        ((302, 261)[column], _only_if_equal(0, 0, pid)),  # prlimit64
        (
            (157, 167)[column],
            _unless_equal(0, _PR_SET_PDEATHSIG, _PR_SET_DUMPABLE),
        ),  # prctl: it ends with the zygote, without a core
        ((72, 25)[column], _unless_equal(1, *_FCNTL_DENIED, *(() if writes else _LOCKS))),
        ((16, 29)[column], _only_if_equal(1, *_IOCTLS)),
    ]
    if not writes:
        rules += [(pair[column], [_deny()]) for pair in _CHANGES_FILES.values()]
        rules += [((2, None)[column], _unless_any_bit(1, _WRITE_FLAGS)), ((257, 56)[column], _unless_any_bit(2, _WRITE_FLAGS))]
    lines = [_op(_LOAD, 4), _op(_EQUAL, _AUDIT_ARCH[machine], 1), _op(_RETURN, _KILL), _op(_LOAD, 0)]
    if machine == "x86_64":
        lines += [_op(_AT_LEAST, _X32_BIT, 0, 1), _deny(_ENOSYS)]
    for number, block in rules:
        if number is not None:
            lines += [_op(_EQUAL, number, 0, len(block)), *block]
    lines += [_op(_AT_LEAST, _FIRST_NEW[machine], 0, 1), _deny(_ENOSYS)]
    return b"".join([*lines, _op(_RETURN, _ALLOW)])


class _Instructions(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


class Filter:
    """The filter of a process that is still to be forked, complete but for its id: what is made before is not made in each."""

    def __init__(self, *, writes: bool) -> None:
        code = program(os.uname().machine, _OWN_ID, writes=writes)
        own = struct.pack("=I", _OWN_ID)
        self._places = [place for place in range(4, len(code), 8) if code[place : place + 4] == own]
        self._code = ctypes.create_string_buffer(code, len(code))
        self._described = _Instructions(len(code) // 8, ctypes.cast(self._code, ctypes.c_void_p))
        self._address = ctypes.cast(ctypes.byref(self._described), ctypes.c_void_p)

    def install(self) -> None:
        """Bind this process and all its threads to the filter for good. Needs no privilege after no_new_privs."""
        for place in self._places:
            struct.pack_into("=I", self._code, place, os.getpid())
        kernel.prctl(kernel.PR_SET_SECCOMP, 2, self._address)
