"""Which kinds of isolation work on this machine, found out by trying them."""

from __future__ import annotations

import contextlib
import functools
import shutil

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.sandbox._types import CodeTask
from llmfusionbench.sandbox._worker import Worker
from llmfusionbench.sandbox.guest import seccomp

KINDS = {
    "bubblewrap": "bubblewrap: no network, nothing visible but Python itself, read-only",
    "namespaces": "kernel namespaces: no network, nothing visible but Python itself, read-only",
    "process": "a limited process only: the machine's files can be read, so answers can be looked up",
}
"""Kinds of isolation, strongest first."""
_PROBE_S = 10.0
"""Time limit for the start of the sandbox that is tried, which takes 0.1 s on an idle machine."""
_PROBE = CodeTask(code="def probe():\n    return 1", tests="assert probe() == 1")


@functools.cache
def _obstacle(kind: str) -> str:
    """Why `kind` does not work here; empty if it does."""
    if kind == "bubblewrap" and shutil.which("bwrap") is None:
        return "bwrap is not installed"
    try:
        with contextlib.closing(Worker(kind, timeout_s=10.0, memory_mb=512, start_s=_PROBE_S)) as worker:
            verdict = worker.run(_PROBE)
    except InputError as error:
        return str(error)
    return "" if verdict.passed else verdict.reason


def sandbox_kinds() -> dict[str, str]:
    """Kind -> why it does not work here, or "" if it works."""
    return {kind: _obstacle(kind) for kind in KINDS}


def choose_kind(sandbox: str = "auto") -> str:
    """The kind to use. `auto` is the strongest that works, but never `process`, which must be named.

    Raises:
        InputError: the kind does not work here; for `auto`, no kind that isolates files and network works.
        UnknownNameError: unknown kind.
    """
    if sandbox == "auto":
        obstacles = {kind: _obstacle(kind) for kind in ("bubblewrap", "namespaces")}
        for kind, obstacle in obstacles.items():
            if not obstacle:
                return kind
        reasons = "; ".join(f"{kind}: {obstacle}" for kind, obstacle in obstacles.items())
        raise InputError(
            f"generated code cannot be isolated from files and network here ({reasons}). "
            "Remedy: apt-get install bubblewrap and allow user namespaces, or choose the weaker --sandbox=process"
        )
    if sandbox not in KINDS:
        raise UnknownNameError("sandbox", sandbox, ["auto", *KINDS])
    if obstacle := _obstacle(sandbox):
        raise InputError(f"sandbox {sandbox} does not work here: {obstacle}. Remedy: use --sandbox=auto")
    return sandbox


def describe_sandbox(sandbox: str = "auto") -> str:
    """One line that describes what isolates generated code from this machine. Raises as `choose_kind`."""
    kind = choose_kind(sandbox)
    extra = "system-call filter: no new processes, sockets or signals" if seccomp.supported() else "no system-call filter"
    return f"{KINDS[kind]}; {extra}{'' if kind != 'process' or not seccomp.supported() else ', no file written'}"
