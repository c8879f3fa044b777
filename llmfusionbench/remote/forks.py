"""What a forked process must not take over from its parent: locks that a thread of the parent held."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewed(Protocol):
    """What has locks."""

    def renew(self) -> None:
        """Make new locks, and forget what other threads were doing."""


_all: weakref.WeakSet[Renewed] = weakref.WeakSet()


def renew_after_fork(what: Renewed) -> None:
    """Call `what.renew()` now, and in each process that is forked from this one."""
    what.renew()
    _all.add(what)


def _renew() -> None:
    for what in list(_all):
        what.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
