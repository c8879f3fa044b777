"""The user of a program in a sandbox that root has started: one of its own, since the kernel counts threads by user."""

from __future__ import annotations

import secrets
from pathlib import Path

_UNUSED = (range(0x7000_0000, 0x7FFE_0000), range(61_184, 65_520))
"""Ids that no system gives to people or services; the second range for containers that have only 65,536 ids."""
_OVERFLOW = 65_534
"""The kernel's id for a user that is not mapped."""


def own_user() -> int:
    """An id that no other process has, drawn at random. Where no unused ids are mapped, the id that stands for no user."""
    mapped = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    for ids in _UNUSED:
        if any(first <= ids.start and ids.stop <= first + count for first, _, count in mapped):
            return ids[secrets.randbelow(len(ids))]
    return _OVERFLOW
