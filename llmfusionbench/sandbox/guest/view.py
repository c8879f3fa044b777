"""The root directory of the `namespaces` kind: a small tree in memory with read-only mounts of Python's own files."""

from __future__ import annotations

import os
from typing import TypedDict

from . import kernel

OTHER_UID = 65_534


class View(TypedDict):
    """What is visible inside."""

    visible: list[str]
    """Files and directories, with their paths outside; symbolic links stay links."""
    hidden: list[str]
    """Directories in them that appear empty."""
    devices: list[str]


def enter(view: View, root: str, scratch: str) -> None:
    """Move to new namespaces and make `view`, built on the empty directory `root`, the whole file system.

    Raises OSError if the kernel refuses. The next child is the first process of a new pid namespace.
    """
    uid, gid = os.geteuid(), os.getegid()
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWPID
    if uid != 0:
        flags |= kernel.CLONE_NEWUSER
    kernel.unshare(flags)
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{OTHER_UID} {uid} 1"), ("gid_map", f"{OTHER_UID} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("root", root, "tmpfs", kernel.MS_NOSUID, "size=1m,mode=755")
    for path in view["visible"]:
        _show(path, root + path)
    for path in view["devices"]:
        _show(path, root + path)
    for path in view["hidden"]:
        kernel.mount("hidden", root + path, "tmpfs", kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV, "size=4k,mode=755")
    os.makedirs(root + scratch, exist_ok=True)
    os.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.umount(".")
    kernel.mount("none", "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID)
    os.chdir("/")


def _show(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        with open(target, "x"):
            pass
    kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)
    held = os.statvfs(target).f_flag  # flags of the original cannot be cleared in a user namespace: repeat them
    keep = held & (kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC | kernel.MS_NOATIME | kernel.MS_NODIRATIME)
    keep |= kernel.MS_RELATIME if held & 4096 else 0
    add = kernel.MS_RDONLY | kernel.MS_NOSUID
    kernel.mount("none", target, None, kernel.MS_REMOUNT | kernel.MS_BIND | keep | add)
