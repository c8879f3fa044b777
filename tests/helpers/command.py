"""The command line as tests call it."""

from __future__ import annotations

from collections.abc import Callable

Command = Callable[..., tuple[int, str, str]]
"""Takes the words of a command line; gives its exit status, output and errors."""
