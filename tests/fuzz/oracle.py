"""What every command line must hold whatever its input holds, checked in a forked child: hundreds of them run in seconds.

No traceback, exit status 0 or 1, one line for an error, no more than `CPU_S` of processor time and `MEMORY_MB` of memory, and
nothing left behind: after an error the folder is as it was, after a success it holds the output and no hidden file.
"""

from __future__ import annotations

import os
import resource
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from llmfusionbench.cli.main import run

CPU_S: Final = 30
MEMORY_MB: Final = 1500
_ADDRESSES: Final = 16 << 30
"""Bytes of address space, so that a fault of ours does not take the machine's memory."""
_ERROR: Final = "llmfusionbench: error: "


def complaints(arguments: Sequence[str], folder: Path, *, outputs: Sequence[str] = ("out",)) -> list[str]:
    """What is wrong with the run of a command line in `folder`; empty if all is well.

    Args:
        arguments: What follows `llmfusionbench`.
        folder: The current folder of the command, with its input. Its printed text goes to the folder `<folder>.printed`.
        outputs: What the command may make in `folder` if it succeeds.
    """
    printed = folder.with_name(f"{folder.name}.printed")
    (printed / "tmp").mkdir(parents=True, exist_ok=True)
    before = _names(folder)
    pid = os.fork()
    if not pid:
        _become(arguments, folder, printed)
    _, code, used = os.wait4(pid, 0)
    status = os.waitstatus_to_exitcode(code)
    errors = (printed / "stderr").read_text("utf-8", "replace")
    found = []
    if status < 0:
        found.append(f"ended by signal {-status}; signal 24 is more than {CPU_S} s of processor time")
    elif status not in (0, 1) or "Traceback" in errors:
        found.append(f"exit status {status}: {errors[-900:]}")
    elif status == 1 and not _is_error(errors):
        found.append(f"not one line of an error: {errors[:500]!r}")
    elif status == 0 and "Warning" in errors:
        found.append(f"a warning: {errors[:500]!r}")
    if used.ru_maxrss > MEMORY_MB << 10:
        found.append(f"{used.ru_maxrss >> 10:,} MB of memory")
    made = _names(folder) - before
    allowed = {name for name in made if status == 0 and name.split("/")[0] in outputs}
    found += [f"left behind: {name}" for name in sorted(made - allowed)]
    found += [f"left behind in the output: {name}" for name in sorted(allowed) if _is_stray(name)]
    found += [f"left behind in TMPDIR: {path.name}" for path in (printed / "tmp").iterdir()]
    return found


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _is_stray(name: str) -> bool:
    return any(part.startswith(".") or part == "scratch" for part in name.split("/"))


def _is_error(printed: str) -> bool:
    first, *others = printed.splitlines() or [""]
    return first.startswith(_ERROR) and all(line.startswith(("  ", "Remedy: ")) for line in others)


def _become(arguments: Sequence[str], folder: Path, printed: Path) -> None:
    """Be the process that runs the command line; this one ends with it."""
    status = 70
    try:
        for place, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(printed / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), place)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 they last as long as the process
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(folder)
        os.environ |= {"TMPDIR": str(printed / "tmp"), "HF_HUB_OFFLINE": "1", "LLMFUSIONBENCH_CACHE": str(printed / "cache")}
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        status = run(list(arguments))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
