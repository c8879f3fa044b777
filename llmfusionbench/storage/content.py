"""What a file holds: its bytes or where they lie, with the size and the digests that stores know it by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

_BLOCK: Final = 2**20


@dataclass(frozen=True)
class Content:
    """The content of a file."""

    source: Path | bytes
    """A file that has it, or the bytes."""
    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Content:
        """These bytes."""
        return cls(data, len(data), hashlib.sha256(data).hexdigest())

    @cached_property
    def blob_id(self) -> str:
        """The SHA-1 by which git knows it."""
        digest = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        if isinstance(self.source, bytes):
            digest.update(self.source)
        else:
            with open(self.source, "rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        return digest.hexdigest()
