"""Files of a release by ranges: under which key they are kept, and that versions of a file never mix."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from llmfusionbench.errors import ReleaseError
from llmfusionbench.remote.cache import RangeCache
from llmfusionbench.remote.files import SMALL_BYTES, RemoteFiles
from llmfusionbench.storage.address import Address

LARGE = bytes(range(251)) * 800
SMALL = bytes(range(200))


class Memory:
    """A store of one file, `f`, and the log of what was read."""

    address = Address("memory://here")

    def __init__(self, data: bytes, origin: str = "here") -> None:
        self.data, self.origin = data, origin
        self.log: list[tuple[int, int]] = []

    def read(self, name: str, start: int, end: int) -> bytes:
        self.log.append((start, end))
        return self.data[start:end]

    def read_whole(self, name: str, limit: int) -> bytes:
        return self.data[: limit + 1]


def listed(size: int, data: bytes) -> dict[str, dict[str, object]]:
    """The manifest's entry of a file of some size, with the digest of `data`."""
    return {"f": {"bytes": size, "sha256": hashlib.sha256(data).hexdigest()}}


def opened(root: Path, store: Memory, truth: bytes, *, stated_by: str = "") -> RemoteFiles:
    entries = listed(len(store.data), truth)
    return RemoteFiles(store, RangeCache(root, 10**9), entries, {"f"} if stated_by else (), stated_by)


def test_ranges_of_one_server_are_not_used_for_another_that_states_the_same_digest(tmp_path: Path) -> None:
    """Else a server could put false rows into the files of every other."""
    false = bytes(len(LARGE))
    assert opened(tmp_path, Memory(false), LARGE, stated_by="one").read("f", 0, 50) == false[:50]
    assert opened(tmp_path, Memory(LARGE), LARGE, stated_by="two").read("f", 0, 50) == LARGE[:50]
    assert opened(tmp_path, Memory(LARGE), LARGE).read("f", 0, 50) == LARGE[:50]


def test_places_at_one_server_share_what_it_states(tmp_path: Path) -> None:
    first, second = Memory(LARGE, "repository 1"), Memory(LARGE, "repository 2")
    opened(tmp_path, first, LARGE, stated_by="hub").read("f", 0, 50)
    assert opened(tmp_path, second, LARGE, stated_by="hub").read("f", 10, 50) == LARGE[10:50]
    assert second.log == []
    assert opened(tmp_path, second, LARGE).read("f", 10, 50) == LARGE[10:50]
    assert second.log != [], "nothing but the manifest states its digest"


def test_a_small_file_is_hashed_also_if_it_comes_from_the_cache(tmp_path: Path) -> None:
    digest = hashlib.sha256(SMALL).hexdigest()
    RangeCache(tmp_path, 10**9).read(digest, 0, 200, lambda a, b: b"\7" * (b - a))
    assert opened(tmp_path, Memory(SMALL), SMALL).read("f", 0, 20) == SMALL[:20]
    store = Memory(SMALL, "elsewhere")
    assert opened(tmp_path, store, SMALL).read("f", 5, 20) == SMALL[5:20]
    assert store.log == [], "what was hashed is used for any place"


def test_a_large_file_with_the_digest_of_a_small_one(tmp_path: Path) -> None:
    false = bytes([7]) * (SMALL_BYTES + 1)
    opened(tmp_path, Memory(false), SMALL, stated_by="one").read("f", 0, 50)
    assert opened(tmp_path, Memory(SMALL), SMALL).read("f", 0, 200) == SMALL


def test_a_small_file_with_other_contents(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"memory://here/f: differs from the release's manifest \(sha256 "):
        opened(tmp_path, Memory(SMALL[::-1]), SMALL).read("f", 0, 5)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
