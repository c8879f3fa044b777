"""The processes below another one, and whether they run still."""

from __future__ import annotations

from pathlib import Path


def descendants(pid: int) -> set[int]:
    """The ids of all processes that `pid` has started, and that these have started."""
    parents = {int(folder.name): _state(int(folder.name)) for folder in Path("/proc").iterdir() if folder.name.isdigit()}
    found = {pid}
    while more := {child for child, state in parents.items() if state and state[1] in found} - found:
        found |= more
    return found - {pid}


def running(pid: int) -> bool:
    """Whether there is such a process; one that has ended and is not reaped yet does not count."""
    state = _state(pid)
    return state is not None and state[0] not in "ZX"


def _state(pid: int) -> tuple[str, int] | None:
    """The state of a process and its parent; None if it has ended."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return state, int(parent)
