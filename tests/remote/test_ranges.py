"""Files of a release by ranges: under which key they are kept, and that versions of a file never mix."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmfusionbench.errors import ReleaseError
from llmfusionbench.remote.cache import RangeCache
from llmfusionbench.remote.files import MOST_FOOTER_BYTES, SMALL_BYTES, RemoteFiles
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

    def forget(self, name: str) -> None:
        pass

    def read_whole(self, name: str, limit: int) -> bytes:
        return self.data[: limit + 1]


def listed(size: int, data: bytes) -> dict[str, dict[str, object]]:
    """The manifest's entry of a file of some size, with the digest of `data`."""
    return {"f": {"bytes": size, "sha256": hashlib.sha256(data).hexdigest()}}


def opened(root: Path, store: Memory, truth: bytes, *, stated_by: str = "", verified: bool = True) -> RemoteFiles:
    entries = listed(len(store.data), truth)
    return RemoteFiles(store, RangeCache(root, 10**9), entries, {"f"} if stated_by and verified else (), stated_by)


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


def test_what_a_server_stated_is_used_while_it_states_nothing(tmp_path: Path) -> None:
    """As the Hub, which is down; what is fetched then is kept apart."""
    opened(tmp_path, Memory(LARGE), LARGE, stated_by="hub").read("f", len(LARGE) - 50, len(LARGE))
    silent = Memory(LARGE)
    files = opened(tmp_path, silent, LARGE, stated_by="hub", verified=False)
    assert files.read("f", len(LARGE) - 40, len(LARGE)) == LARGE[-40:]
    assert silent.log == []
    assert files.read("f", 0, 10) == LARGE[:10]
    stating = Memory(LARGE)
    assert opened(tmp_path, stating, LARGE, stated_by="hub").read("f", 0, 10) == LARGE[:10]
    assert stating.log == [(0, 10)]


def test_a_small_file_is_hashed_also_if_it_comes_from_the_cache(tmp_path: Path) -> None:
    digest = hashlib.sha256(SMALL).hexdigest()
    RangeCache(tmp_path, 10**9).read([digest], 0, 200, lambda a, b: b"\7" * (b - a))
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


def other_version() -> bytes:
    return bytes(byte ^ 1 for byte in LARGE)


def test_versions_do_not_mix_after_the_end_left_the_cache(tmp_path: Path) -> None:
    """The end of a file may be what was used least recently; then no kept range can be told from one of another version."""
    before = opened(tmp_path, Memory(LARGE), LARGE)
    before.tail("f")
    before.read("f", 100_000, 100_010)
    for entry in tmp_path.rglob(f"*-{len(LARGE)}"):
        entry.unlink()
    after = opened(tmp_path, Memory(other_version()), LARGE)
    assert after.read("f", 100_000, 100_020) == other_version()[100_000:100_020]
    after.tail("f")
    assert after.read("f", 100_000, 100_020) == other_version()[100_000:100_020]


def test_a_file_that_was_replaced_is_refused_by_all_threads(tmp_path: Path) -> None:
    before = opened(tmp_path, Memory(LARGE), LARGE)
    before.tail("f")
    before.read("f", 100_000, 100_010)
    store = Memory(other_version())
    after, asked, go = opened(tmp_path, store, LARGE), threading.Event(), threading.Event()

    def slow(name: str, start: int, end: int) -> bytes:
        if end > len(LARGE):
            asked.set()
            go.wait(30)
        return store.data[start:end]

    store.read = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(after.read, "f", 50_000, 50_010)
        assert asked.wait(30)
        second = pool.submit(after.read, "f", 100_000, 100_020)
        go.set()
        with pytest.raises(ReleaseError, match="another file than before"):
            first.result(30)
        assert second.exception(30) is not None or second.result() == store.data[100_000:100_020]
    assert after.read("f", 100_000, 100_020) == store.data[100_000:100_020], "what is of the earlier version is forgotten"


def test_a_copy_in_a_forked_or_pickled_process_has_locks_of_its_own(tmp_path: Path) -> None:
    files = opened(tmp_path, Memory(LARGE), LARGE)
    with files._settling.setdefault("f", threading.Lock()), files.cache._lock:
        pid = os.fork()
        if not pid:
            signal.alarm(20)
            os._exit(0 if files.read("f", 50, 60) == LARGE[50:60] else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert pickle.loads(pickle.dumps(files)).read("f", 70, 80) == LARGE[70:80]


def test_a_footer_of_an_absurd_length_is_refused_before_it_is_fetched(tmp_path: Path) -> None:
    size = MOST_FOOTER_BYTES * 4

    class Hostile(Memory):
        def read(self, name: str, start: int, end: int) -> bytes:
            self.log.append((start, end))
            return bytes(min(end, size) - start - 8) + (size - 100).to_bytes(4, "little") + b"PAR1"

    store = Hostile(b"")
    files = RemoteFiles(store, RangeCache(tmp_path, 10**9), listed(size, b""))
    with pytest.raises(ReleaseError, match=r"a footer of 268,435,\d+ bytes, expected at most 67,108,864 bytes"):
        files.footer("f")
    assert sum(end - start for start, end in store.log) < 10**6
