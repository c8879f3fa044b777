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
        self._parsed: dict[str, ast.Module | int] = {}

    def tree(self, code: str) -> ast.Module | None:
        """The syntax tree of `code`; None if it is not Python, or too long.

        Raises:
            TooMuchWorkError: the budget does not suffice for it.
        """
        parsed = self._result(code)
        return None if isinstance(parsed, int) else parsed

    def faulty_line(self, code: str) -> int | None:
        """The line, from 1, that keeps `code` from being Python; 0 if that is not known, None without one. Raises as `tree`."""
        parsed = self._result(code)
        return parsed if isinstance(parsed, int) else None

    def parses(self, code: str) -> bool:
        """Whether `code` is Python. Raises as `tree`."""
        return self.tree(code) is not None

    def _result(self, code: str) -> ast.Module | int:
        if len(code) > CODE_LIMIT:
            return 0
        if code not in self._parsed:
            self.left -= work(code)
            if self.left < 0:
                raise TooMuchWorkError
            self._parsed[code] = _parsed(code)
        return self._parsed[code]


def work(code: str) -> int:
    """What it takes to parse `code`, in characters; more than it has if there are f-strings with many fields."""
    fields = code.count("{") if _FIELDS.search(code) else 0
    return _EACH + len(code) + len(code) * fields // _FIELD_COST


def _parsed(code: str) -> ast.Module | int:
    """The syntax tree, or the number of the line with the error; 0 if it is not known."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except SyntaxError as error:
        # Before Python 3.12 the lines of an f-string count by themselves.
        return error.lineno or 0 if error.filename == "<unknown>" else 0
    except (ValueError, RecursionError, MemoryError):
        return 0
