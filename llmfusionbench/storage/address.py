"""Places by path or URL: whether they are on this machine, and what they are called in messages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from llmfusionbench.errors import InputError
from llmfusionbench.redaction import is_url, public_url

_OF_THIS_MACHINE: Final = ("file", "local")


@dataclass(frozen=True)
class Address:
    """A URL without its secrets. Like a path, it can be extended by `/`, and is not a path of this machine."""

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> Address:
        return Address(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """Its last part."""
        return self.url.rsplit("/", 1)[-1]


Place = Path | Address
"""What a release or a file of it is called in messages."""


def is_elsewhere(place: str | os.PathLike[str]) -> bool:
    """Whether a place is a URL, and not one of this machine."""
    return isinstance(place, str) and is_url(place) and place.partition("://")[0].lower() not in _OF_THIS_MACHINE


def local_path(place: str | os.PathLike[str]) -> Path:
    """The path of a place on this machine, which may be a URL that starts with file://.

    Raises:
        InputError: it is another URL.
    """
    if is_elsewhere(place):
        raise InputError(f"{public_url(str(place))}: is a URL, expected a place on this machine. Remedy: name a path")
    text = os.fspath(place)
    return Path(unquote(text.partition("://")[2]) if isinstance(place, str) and is_url(text) else text)
