"""The errors that a user can cause. Each states what, where, the value and the remedy in one line.

    LLMFusionBenchError
    ├── InputError            a file, directory or value that was passed in cannot be used as it is
    │   ├── RejectedError     a strict build found records that it cannot use
    │   └── EngineError       the workers that an engine runs shards in cannot start, differ, or were lost
    ├── SchemaError           a schema uses a feature that is not supported, or is newer than this version
    ├── ReleaseError          a release is missing, damaged or of a newer schema version
    │   └── HubError          the Hub did not answer, or has no such repository, revision or file
    ├── UnknownNameError      no such table, source, router, ...; suggests the nearest name
    └── MissingExtraError     an optional package is needed; names the extra that installs it

The command line prints these as one line and exits with status 1. Any other exception is a bug in this package.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from llmfusionbench.redaction import redacted_message


class LLMFusionBenchError(Exception):
    """Base of every error raised on purpose by this package. No message holds a secret that the process has read."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(redacted_message(arg) if isinstance(arg, str) else arg for arg in args))


class InputError(LLMFusionBenchError):
    """A file, directory or value that was passed in cannot be used as it is."""


class RejectedError(InputError):
    """A strict build found records that it cannot use."""


class EngineError(InputError):
    """The workers that an engine runs shards in cannot start, differ from the command, or were lost. The input may be fine."""


class SchemaError(LLMFusionBenchError):
    """A schema uses a feature that is not supported, or a newer major version."""


class ReleaseError(LLMFusionBenchError):
    """A release is missing, damaged, or written with a newer major schema version."""


class HubError(ReleaseError):
    """The Hub did not answer, or has no such repository, revision or file."""


class UnknownNameError(LLMFusionBenchError, KeyError):
    """No such name in a registry; the message suggests the nearest one and lists all."""

    def __init__(self, noun: str, name: object, known: Iterable[str]) -> None:
        self.noun, self.name, self.known = noun, redacted_message(name) if isinstance(name, str) else name, sorted(known)
        near = difflib.get_close_matches(str(name), self.known, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        super().__init__(f'No {noun} "{self.name}".{hint} Known: {", ".join(self.known)}.')

    def __str__(self) -> str:  # KeyError would print the repr of its argument
        return str(self.args[0])

    def __reduce__(self) -> tuple[type, tuple[str, object, list[str]]]:
        return type(self), (self.noun, self.name, self.known)


class MissingExtraError(LLMFusionBenchError, ImportError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{package} is not installed. Remedy: pip install 'llmfusionbench[{extra}]'")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.package, self.extra)
