"""The faults of the local Hub: what a test has it answer instead of what it should."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Faults:
    """Faults by the path of a request or the name of a file. They may be changed while the server runs."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tokens = {"hf_local"}
        """The tokens of the account `tester`; any other is refused where something is written."""
        self.read_only: set[str] = set()
        """Organisations in which the account may not write; it may open pull requests."""
        self.card_errors: list[str] = []
        """Why the metadata of every card is refused."""
        self.card_warnings: list[str] = []
        self.is_mirror = False
        """Knows no accounts, and lists sizes and digests in the tree only."""
        self._cut: dict[str, int] = {}
        self._short: dict[str, int] = {}
        self._gone: set[str] = set()
        self._errors: dict[str, list[int]] = {}
        self._dropped: dict[str, list[int]] = {}
        self._before: list[list[object]] = []
        self._tampered: set[str] = set()

    def truncate(self, path: str, keep: int) -> None:
        """Announce the whole length of every file of this name, and send `keep` bytes of it at most."""
        self._cut[path] = keep

    def shorten(self, path: str, keep: int) -> None:
        """Serve `keep` bytes of every file of this name as if that were all, though the listing says otherwise."""
        self._short[path] = keep

    def vanish(self, path: str) -> None:
        """List the file, and answer 404 when it is fetched."""
        self._gone.add(path)

    def fail(self, fragment: str, *statuses: int) -> None:
        """Answer requests whose path holds `fragment` with these statuses, one each; the last one for ever if 0 ends it."""
        self._errors[fragment] = list(statuses)

    def heal(self) -> None:
        """No faults any more."""
        self._cut.clear()
        self._short.clear()
        self._gone.clear()
        self._errors.clear()
        self._dropped.clear()
        self._before.clear()
        self._tampered.clear()
        self.card_errors.clear()

    def next_error(self, path: str) -> int | None:
        with self.lock:
            for fragment, statuses in self._errors.items():
                if fragment in path and statuses:
                    if len(statuses) == 2 and statuses[1] == 0:
                        return statuses[0]
                    return statuses.pop(0)
        return None

    def drop(self, fragment: str, after: int, times: int) -> None:
        """Close the connection after `after` bytes of the body of requests whose path holds `fragment`, so many times."""
        self._dropped[fragment] = [after] * times

    def next_drop(self, path: str) -> int | None:
        """Number of bytes after which this request is dropped, or None."""
        with self.lock:
            return next((left.pop() for fragment, left in self._dropped.items() if fragment in path and left), None)

    def before(self, fragment: str, action: Callable[[], object], skip: int = 0) -> None:
        """Call `action` once before the request whose path holds `fragment` is answered, after `skip` of them."""
        with self.lock:
            self._before.append([fragment, action, skip])

    def act(self, path: str) -> None:
        """Call what is to be called before this request."""
        due = []
        with self.lock:
            for entry in [e for e in self._before if e[0] in path]:
                if entry[2] == 0:
                    due.append(entry[1])
                    self._before.remove(entry)
                else:
                    entry[2] -= 1
        for action in due:
            action()

    def tamper(self, path: str) -> None:
        """Store another content than was sent for this file."""
        self._tampered.add(path)

    def kept(self, path: str, data: bytes) -> bytes:
        """What is stored for a file that was sent."""
        return data[:-1] + bytes([data[-1] ^ 1]) if path in self._tampered else data
