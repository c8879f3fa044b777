"""The child process that compares mathematical expressions. `comparer` starts it; it is never imported. `equality` compares.

Reads one JSON list [truth, answer, seconds] per line from standard input and writes true or false per line. math-verify's own
time limit is by the clock, so scores would depend on the load: it is switched off. Instead, a timer of processor time ends
this process when a comparison takes too long, which `comparer` sees from the exit status.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

GLANCE_S = 0.2
MEMORY_LIMIT = 4 << 30
"""Address space of this process, bytes (a power tower would take all memory)."""


def main() -> int:
    """Serve comparisons until standard input ends. Writes "ready" once the libraries are loaded."""
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # keeps the output of the libraries out of the replies
    _limit_memory()
    try:
        import_module("math_verify")
        equal = [_loaded(name) for name in ("values", "equality")][-1].equal
    except ImportError:
        print("missing", file=replies, flush=True)
        return 1
    logging.disable(logging.CRITICAL)
    print("ready", file=replies, flush=True)
    for line in sys.stdin:
        truth, answer, seconds = json.loads(line)
        _limit_time(seconds)
        try:
            same = bool(equal(truth, answer))
        except Exception:  # any failure inside the libraries means "not shown to be equal"
            same = False
        _limit_time(0)
        print(json.dumps(same), file=replies, flush=True)
    return 0


def _loaded(name: str) -> Any:
    """A module beside this one, by path and under its full name: its packages, and what they import, are not needed here."""
    spec = spec_from_file_location(f"llmfusionbench.scoring.symbolic.{name}", Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _end_with(parent: int) -> None:
    """End this process with its parent, even in the middle of a comparison."""
    while os.getppid() == parent:
        time.sleep(GLANCE_S)
    os._exit(1)


def _limit_time(seconds: float) -> None:
    """End this process after `seconds` more of processor time; 0 is no limit."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > MEMORY_LIMIT:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, hard))


if __name__ == "__main__":
    raise SystemExit(main())
