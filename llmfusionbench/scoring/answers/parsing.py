"""Parses Python text within a budget, so that one record cannot stall a run. Text is parsed, never run."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

CODE_LIMIT: Final = 200_000
"""Longest program that is considered, in characters."""
BUDGET: Final = 1_000_000
"""Characters that may be parsed to find the program of one response, a few seconds of work."""

_EACH: Final = 50
"""Characters that every parse counts in addition to its text."""
_FIELDS: Final = re.compile(r"(?i)f[rb]?['\"]")
_FIELD_COST: Final = 1000
"""Python's parser reads an f-string once per field: this many characters of it cost about as much as one outside."""


class TooMuchWorkError(Exception):
    """The budget of a record is spent."""


class Parser:
    """Parses the texts of one record. Each text is parsed once, however often it is asked for.

    Args:
        budget: Characters that may be parsed in all.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.left = budget
        self._trees: dict[str, ast.Module | None] = {}

    def tree(self, code: str) -> ast.Module | None:
        """The syntax tree of `code`; None if it is not Python, or too long.

        Raises:
            TooMuchWorkError: the budget does not suffice for it.
        """
        if len(code) > CODE_LIMIT:
            return None
        if code not in self._trees:
            self.left -= work(code)
            if self.left < 0:
                raise TooMuchWorkError
            self._trees[code] = _parsed(code)
        return self._trees[code]

    def parses(self, code: str) -> bool:
        """Whether `code` is Python. Raises as `tree`."""
        return self.tree(code) is not None


def work(code: str) -> int:
    """What it takes to parse `code`, in characters; more than it has if there are f-strings with many fields."""
    fields = code.count("{") if _FIELDS.search(code) else 0
    return _EACH + len(code) + len(code) * fields // _FIELD_COST


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
