"""Regular expressions that are compiled when they are first used, for the hundreds that most runs need few of."""

from __future__ import annotations

import re
from typing import Any, Final, cast

_METHODS: Final = ("search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split", "scanner")


class _LazyPattern:
    """A pattern whose methods appear on it with the first use; from then on, a call costs what one of `re.Pattern` costs."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what `copy`, `pickle` and `inspect` ask any object for
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        vars(self).update({method: getattr(compiled, method) for method in _METHODS})
        return getattr(compiled, name)

    def __repr__(self) -> str:
        return f"lazy_pattern({self.pattern!r}, {self._flags})"


def lazy_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, at the first use. An invalid pattern raises `re.error` only then; the tests use all of them.

    The functions of the module `re` do not take the result as their pattern: call its methods.
    """
    return cast("re.Pattern[str]", _LazyPattern(pattern, flags))
