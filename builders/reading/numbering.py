"""Numbers for answers and votes of which a log has several, so that each has a key of its own and none is lost."""

from __future__ import annotations

from hashlib import blake2b


class Answers:
    """The answers of each candidate to each query. The same text is the same answer, whatever the white space around it."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        """Hash of query, candidate and text -> replicate."""
        self._known: dict[int, int] = {}
        """Hash of query and candidate -> number of its answers."""
        self._exact: dict[int, int] = {}
        """Hash of query, candidate and text -> hash of the text as it was first given, where white space surrounds it."""

    def number(self, query: str, candidate: str, response: str | None) -> tuple[int, str | None]:
        """(replicate, response) of an answer; the response is None where an earlier one differs in white space alone.

        An answer without text is the first one.
        """
        if response is None:
            return 0, None
        bare = response.strip()
        key, owner = _hash(query, candidate, bare), _hash(query, candidate)
        known = self._numbers.get(key)
        exact = 0 if len(bare) == len(response) else _hash(response)
        if known is None:
            known = self._numbers[key] = self._known.get(owner, 0)
            self._known[owner] = known + 1
            if exact:
                self._exact[key] = exact
            return known, response
        return known, response if self._exact.get(key, 0) == exact else None


class Votes:
    """The votes of judges that have one name, such as `human`. The second on the same answers is that of `human 2`."""

    def __init__(self) -> None:
        self._cast: dict[int, int] = {}
        """Hash of a side of a vote -> number of votes."""
        self._seen: dict[int, int] = {}
        """Hash of all that a record with an id states -> its number."""

    def name(self, judge: str, sides: tuple[tuple[str, ...], ...], record: tuple[str, ...] | None) -> str:
        """A name for the judge that no other vote on the answers has.

        Args:
            judge: The name of the judge, or of all of them.
            sides: What identifies the judgement of either answer.
            record: What identifies the vote, so that a repeated one has the same name; None if the log does not state it.
        """
        keys = [_hash(judge, *side) for side in sides]
        whole = None if record is None else _hash(judge, *record)
        number = None if whole is None else self._seen.get(whole)
        if number is None:
            number = max(self._cast.get(key, 0) for key in keys)
            self._cast |= dict.fromkeys(keys, number + 1)
            if whole is not None:
                self._seen[whole] = number
        return f"{judge} {number + 1}" if number else judge


def _hash(*parts: str) -> int:
    """64 bits that identify some texts."""
    digest = blake2b(digest_size=8)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return int.from_bytes(digest.digest(), "big")
