"""Running programs that nobody vouches for, and telling whether they pass their tests.

The program and its tests never share a process: see `guest.checker` for why a pass cannot be forged.
"""

from ._kinds import KINDS, choose_kind, describe_sandbox, sandbox_kinds
from ._pool import Sandbox, run_tests
from ._types import CodeTask, Verdict

__all__ = [
    "KINDS",
    "CodeTask",
    "Sandbox",
    "Verdict",
    "choose_kind",
    "describe_sandbox",
    "run_tests",
    "sandbox_kinds",
]
