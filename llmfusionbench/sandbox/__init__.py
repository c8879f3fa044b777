"""Running programs that nobody vouches for, and telling whether they pass their tests.

The program and its tests never share a process. The program runs in one confined child and answers questions with data; the
tests run in another that it can neither see nor reach, and compare there. So it can exit, print, patch and search its own
memory as it likes: the only way to a pass is to return the right values. Both children are forked from a worker that is
inside the sandbox itself, runs nothing foreign, and gives each its own process, mount, network and IPC namespaces.

`process`, never chosen but by name, has no namespaces: a program can read what its user can, expected answers included.
"""

from llmfusionbench.sandbox._kinds import KINDS, choose_kind, describe_sandbox, sandbox_kinds
from llmfusionbench.sandbox._pool import Sandbox, run_tests
from llmfusionbench.sandbox._types import CodeTask, Verdict

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
