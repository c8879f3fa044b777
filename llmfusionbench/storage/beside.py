"""Hidden names beside a place, for what becomes the file or directory there, or was it."""

from __future__ import annotations

import glob
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_USES: Final = ("tmp", "old", "part")
_OURS: set[Path] = set()
"""What this process is writing beside places. Its id alone cannot tell: in a container a later process may have the same."""


def beside(place: Path, use: str, suffix: str = "") -> Path:
    """A new hidden name beside `place`; the host and process id in it tell a later run whether its writer is dead.

    Args:
        place: Where the file or directory will be.
        use: `tmp` (a directory in the making), `old` (one that was replaced) or `part` (a file in the making).
        suffix: The end of the name.
    """
    path = place.with_name(f"{_prefix(place)}{os.getpid()}.{secrets.token_hex(4)}.{use}{suffix}")
    _OURS.add(path)
    return path


def forget(path: Path) -> None:
    """A name from `beside` is no longer used."""
    _OURS.discard(path)


def leftovers(place: Path) -> Iterator[tuple[Path, str]]:
    """What killed runs on this host have left beside `place`, each with its use."""
    prefix = _prefix(place)
    for path in place.parent.glob(f"{glob.escape(prefix)}*"):
        pid, *parts = path.name.removeprefix(prefix).split(".")
        use = next((part for part in parts if part in _USES), None)
        if use is None or not pid.isdecimal() or path in _OURS:
            continue
        if int(pid) == os.getpid() or not is_alive(int(pid)):
            yield path, use


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _prefix(place: Path) -> str:
    return f".{place.name}.{socket.gethostname()}."
