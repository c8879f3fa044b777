"""A prompt with fields of a row in braces. It only puts values into a text: it calls nothing and reaches no attribute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, named, writable
from llmfusionbench.builders.reading.paths import Missing, find_path, parse_path
from llmfusionbench.builders.tasks.task import Row

_PART: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][^{}\n]{0,199})\}")


@dataclass(frozen=True)
class Template:
    """A text in which `{field}` or a path such as `{answers.text[0]}` stands for a value, and `{{` and `}}` for a brace.

    Other braces stay as they are.
    """

    text: str
    options: str | None = None
    """The field whose list is written as options under letters."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields and paths in it, each once.

        Raises:
            InputError: one is no path.
        """
        found = tuple(dict.fromkeys(match[1] for match in _PART.finditer(self.text) if match[1]))
        for path in found:
            parse_path(path)
        return found

    def filled(self, row: Row) -> str:
        """The text with the values of a row. What stands in a value is never read as a field.

        Raises:
            BadRecordError: a value is missing, blank, or no text, number or list of texts.
        """
        return "".join(self._pieces(row))

    def _pieces(self, row: Row) -> Iterator[str]:
        at = 0
        for match in _PART.finditer(self.text):
            yield self.text[at : match.start()]
            yield self._written(row, match[1]) if match[1] else match[0][0]
            at = match.end()
        yield self.text[at:]

    def _written(self, row: Row, path: str) -> str:
        value = value_at(row, path)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            if path == self.options:
                value = [f"({letter}) {item}" for letter, item in zip(ascii_uppercase, value, strict=False)]
            value = "\n".join(value)
        if isinstance(value, (bool, int, float)):
            return str(value).lower() if isinstance(value, bool) else str(value)
        if not isinstance(value, str):
            raise BadRecordError(f"{path} is {named(value)}, expected a text, a number or a list of texts")
        if not value.strip():
            raise BadRecordError(f"{path} is blank, expected a text")
        return writable(value, path)


def value_at(row: Row, path: str) -> Any:
    """The value of a field, or at a path.

    Raises:
        BadRecordError: the row has none.
    """
    found = find_path(path, row)
    value = None if found is None else found.of(row[found.column])
    if value is None or isinstance(value, Missing):
        raise BadRecordError(f"{path} is missing, expected a value")
    return value
