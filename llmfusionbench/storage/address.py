"""The address of files that are not on this machine, as it is shown in messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
