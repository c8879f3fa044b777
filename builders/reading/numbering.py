"""Numbers for answers and votes of which a log has several, so that each has a key of its own and none is lost.

Keys are hashes of 61 bits, so that millions of them fit into memory.
"""

from __future__ import annotations

from llmfusionbench.builders.reading.sides import Side, candidate_name


class Answers:
    """The answers of each candidate to each query. The same text is the same answer, whatever the white space around it."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        """Key of query and candidate -> key of query, candidate and text of its first answer; most have no other."""
        self._further: dict[int, int] = {}
        """Key of query, candidate and text -> replicate, of the other answers."""
        self._known: dict[int, int] = {}
        """Key of query and candidate -> number of its answers, if there is more than one."""
        self._exact: dict[int, int] = {}
        """Key of query, candidate and text -> key of the text as it was first given, where white space surrounds it."""

    def side(self, query: int, llm: str, response: str | None) -> Side:
        """An answer of an LLM to a query. It has no response where an earlier one differs in white space alone.

        An answer without text is the first one.
        """
        if response is None:
            return Side(llm)
        bare, candidate = response.strip(), candidate_name(llm)
        owner = hash((query, candidate))
        key = hash((owner, bare))
        exact = 0 if len(bare) == len(response) else hash(response)
        owners = len(self._first)
        if self._first.setdefault(owner, key) == key:
            number, is_new = 0, len(self._first) > owners
        else:
            found = self._further.get(key)
            number, is_new = self._known.get(owner, 1) if found is None else found, found is None
            if is_new:
                self._further[key], self._known[owner] = number, number + 1
        if is_new and exact:
            self._exact[key] = exact
        if not is_new and self._exact.get(key, 0) != exact:
            return Side(llm, None, number, "ok" if bare else "empty")
        return Side(llm, response, number)


class Votes:
    """The votes of judges that have one name, such as `human`. The second on the same answers is that of `human 2`."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        """Key of a side of a vote -> key of its first vote, 0 if that has no id or is on others; most have no more."""
        self._cast: dict[int, int] = {}
        """Key of a side -> number of its votes, if there is more than one."""
        self._seen: dict[int, int] = {}
        """Key of all that a further vote with an id states -> its number."""

    def name(self, judge: str, sides: tuple[object, object], record: tuple[object, ...] | None) -> str:
        """A name for the judge that no other vote on the answers has.

        Args:
            judge: The name of the judge, or of all of them.
            sides: What identifies the judgement of either answer.
            record: What identifies the vote, its sides among it, so that a repeated one has the same name; None if the log does
                not state it.
        """
        whole = 0 if record is None else hash((judge, record))
        keys = hash((judge, sides[0])), hash((judge, sides[1]))
        if self._first.keys().isdisjoint(keys):
            self._first[keys[0]] = self._first[keys[1]] = whole
            return judge
        earlier = [key for key in keys if key in self._first]
        if whole and any(self._first[key] == whole for key in earlier):
            return judge
        number = self._seen.get(whole) if whole else None
        if number is None:
            number = max(self._cast.get(key, 1) for key in earlier)
            for key in keys:
                self._first.setdefault(key, 0)
                self._cast[key] = number + 1
            if whole:
                self._seen[whole] = number
        return f"{judge} {number + 1}"
