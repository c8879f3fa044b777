"""The command line that this process runs, for the records that runs keep. Imports little, since every command imports it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from llmfusionbench._version import NAME
from llmfusionbench.redaction import redacted_message

_WORDS: Final[ContextVar[tuple[str, ...]]] = ContextVar("words", default=())


@contextmanager
def running(words: Sequence[str]) -> Iterator[None]:
    """A block that runs a command with these arguments."""
    token = _WORDS.set(tuple(words))
    try:
        yield
    finally:
        _WORDS.reset(token)


def command_line() -> str | None:
    """The command that is running as a line for a shell, without secrets; None if this is not the command line."""
    words = _WORDS.get()
    return shlex.join([NAME, *map(redacted_message, words)]) if words else None
