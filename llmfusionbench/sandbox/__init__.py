"""Runs untrusted programs and decides whether they pass their tests.

The program and its tests never share a process. The program runs in one confined child and answers questions with data. The
tests run in another child, which the program can neither see nor reach, and compare the values there. So a program may exit,
print, patch or search its own memory: it can pass only by returning the right values. Both children are forked from a worker
inside the sandbox that runs no foreign code, and each gets its own process, mount, network and IPC namespaces.

The kind `process` must be asked for by name. It has no namespaces: a program can read all that its user can, even the
expected answers.
"""

from llmfusionbench.sandbox._kinds import KINDS, choose_kind, describe_sandbox, sandbox_kinds
from llmfusionbench.sandbox._pool import Sandbox, run_tests
from llmfusionbench.sandbox._types import CodeTask, Verdict

__all__ = ["KINDS", "CodeTask", "Sandbox", "Verdict", "choose_kind", "describe_sandbox", "run_tests", "sandbox_kinds"]
