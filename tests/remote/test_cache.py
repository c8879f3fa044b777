"""The cache of ranges: what is kept, what is fetched, what is noticed, and how much it holds."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.remote.cache import DEFAULT_BYTES, RangeCache, cache_bytes
from llmfusionbench.storage.files import whole_file
from tests.helpers.waiting import wait_for

DATA = bytes(range(256)) * 40


class Source:
    """Bytes that are fetched, and the log of it."""

    def __init__(self) -> None:
        self.log: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> bytes:
        self.log.append((start, end))
        return DATA[start:end]


def files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file())


def test_only_missing_parts_are_fetched(tmp_path: Path) -> None:
    cache, source = RangeCache(tmp_path, 10**6), Source()
    assert cache.read(["k"], 100, 200, source) == DATA[100:200]
    assert cache.read(["k"], 120, 180, source) == DATA[120:180]
    assert cache.read(["k"], 50, 300, source) == DATA[50:300]
    assert cache.read(["k"], 0, 400, source) == DATA[:400]
    assert source.log == [(100, 200), (50, 100), (200, 300), (0, 50), (300, 400)]
    assert cache.read(["other"], 0, 10, source) == DATA[:10]
    assert source.log[-1] == (0, 10)


def test_what_is_kept_by_another_key_is_used_and_nothing_is_added_to_it(tmp_path: Path) -> None:
    cache, source = RangeCache(tmp_path, 10**6), Source()
    cache.read(["digest"], 0, 100, source)
    assert cache.read(["mine", "digest"], 50, 150, source) == DATA[50:150]
    assert source.log == [(0, 100), (100, 150)]
    assert [f.relative_to(tmp_path).as_posix() for f in files(tmp_path)] == ["digest/0-100", "mine/100-150"]


@pytest.mark.parametrize("damage", [lambda c: c[:-1] + b"?", lambda c: c[:-5], lambda c: b"", lambda c: c + b"more"])
def test_a_damaged_entry_is_fetched_again(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    cache, source = RangeCache(tmp_path, 10**6), Source()
    cache.read(["k"], 0, 100, source)
    (file,) = files(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    assert cache.read(["k"], 10, 90, source) == DATA[10:90]
    assert source.log == [(0, 100), (10, 90)]
    assert [f.name for f in files(tmp_path)] == ["10-90"]


def test_an_entry_in_the_place_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    cache, source = RangeCache(tmp_path, 10**6), Source()
    cache.read(["k"], 0, 100, source)
    os.rename(tmp_path / "k" / "0-100", tmp_path / "k" / "100-200")
    assert cache.read(["k"], 100, 200, source) == DATA[100:200]


def test_an_entry_that_another_process_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, source = RangeCache(tmp_path, 10**6), Source()
    cache.read(["k"], 0, 100, source)
    listed = cache._entries("k")
    monkeypatch.setattr(cache, "_entries", lambda key: list(listed))
    files(tmp_path)[0].unlink()
    assert cache.read(["k"], 0, 100, source) == DATA[:100]
    assert source.log == [(0, 100), (0, 100)]


def test_the_bound_holds_and_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache, source = RangeCache(tmp_path, 5_000), Source()
    for n in range(4):
        cache.read([f"k{n}"], 0, 1_000, source)
        os.utime(tmp_path / f"k{n}" / "0-1000", (n, n))
    cache.read(["k0"], 0, 1_000, source)  # used just now
    cache.read(["k4"], 0, 1_000, source)
    kept = {f.parent.name for f in files(tmp_path)}
    assert {"k0", "k4"} <= kept
    assert "k1" not in kept
    for n in range(5, 40):
        cache.read([f"k{n}"], 0, 1_000, source)
        assert sum(f.stat().st_size for f in files(tmp_path)) <= 5_000
    cache.read(["large"], 0, 6_000, source)
    assert "large" not in {f.parent.name for f in files(tmp_path)}


def test_another_process_counts(tmp_path: Path) -> None:
    one, two, source = RangeCache(tmp_path, 20_000), RangeCache(tmp_path, 20_000), Source()
    for n in range(60):
        (one if n % 2 else two).read([f"k{n}"], 0, 1_000, source)
        assert sum(f.stat().st_size for f in files(tmp_path)) <= 20_000 * (1 + 1 / 16) + 1_032


def test_threads_at_once_stay_below_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being written counts: as much as fits is written, and the rest is not kept."""
    go, data = threading.Event(), bytes(1_000)

    @contextmanager
    def slow(path: Path) -> Iterator[Path]:
        assert go.wait(30)
        with whole_file(path) as file:
            yield file

    monkeypatch.setattr("llmfusionbench.remote.cache.whole_file", slow)
    cache = RangeCache(tmp_path, 2_500)
    run = [threading.Thread(target=cache.read, args=([f"k{n}"], 0, 1_000, lambda a, b: data)) for n in range(16)]
    for thread in run:
        thread.start()
    wait_for(lambda: sum(thread.is_alive() for thread in run) == 2)
    go.set()
    for thread in run:
        thread.join(30)
    assert [f.stat().st_size for f in files(tmp_path)] == [1_032] * 2
    assert cache.read(["k99"], 0, 1_000, lambda a, b: data) == data
    assert sum(f.stat().st_size for f in files(tmp_path)) <= 2_500
    assert (tmp_path / "k99").is_dir(), "room is made once nothing is being written"


def test_the_kept_file_stays_until_the_new_one_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = RangeCache(tmp_path, 100)
    cache.put("m", b"one")
    cache.put("m", bytes(200))
    assert cache.get("m") == b"one"
    monkeypatch.setattr("llmfusionbench.remote.cache.whole_file", lambda path: (tmp_path / "no" / "folder").open())
    cache.put("m", b"another")
    assert cache.get("m") == b"one"


def test_of_two_whole_files_the_newest_counts(tmp_path: Path) -> None:
    """Two processes may have written at once."""
    cache = RangeCache(tmp_path, 10**6)
    for n, data in enumerate((b"first", b"second")):
        assert cache._keep("m", 0, data)
        os.utime(tmp_path / "m" / f"0-{len(data)}", (n, n))
        assert cache.get("m") == data
        os.utime(tmp_path / "m" / f"0-{len(data)}", (n, n))


def test_a_cache_of_nothing(tmp_path: Path) -> None:
    cache, source = RangeCache(tmp_path / "c", 0), Source()
    assert cache.read(["k"], 0, 10, source) == DATA[:10]
    assert not (tmp_path / "c").exists()


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache, source = RangeCache(tmp_path / "file", 10**6), Source()
    assert cache.read(["k"], 0, 10, source) == DATA[:10]
    assert cache.get("k") is None


def test_whole_files(tmp_path: Path) -> None:
    cache = RangeCache(tmp_path, 10**6)
    assert cache.get("m") is None
    cache.put("m", b"one")
    cache.put("m", b"another")
    assert cache.get("m") == b"another"
    assert len(files(tmp_path)) == 1


def test_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_bytes() == DEFAULT_BYTES
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE_BYTES", "12345")
    assert cache_bytes() == 12345
    for wrong in ("10GB", "-1", "1.5", " ", "٣"):
        monkeypatch.setenv("LLMFUSIONBENCH_CACHE_BYTES", wrong)
        with pytest.raises(InputError, match=r"LLMFUSIONBENCH_CACHE_BYTES is .*, expected a number of bytes\. Remedy: "):
            cache_bytes()


PROCESS = """
import sys
from pathlib import Path
from llmfusionbench.remote.cache import RangeCache
data = bytes(range(256)) * 40
cache = RangeCache(Path(sys.argv[1]), 60_000)
for n in range(400):
    start = n * 37 % 9_000
    got = cache.read([f"k{n % 20}"], start, start + 1_000, lambda a, b: data[a:b])
    assert got == data[start : start + 1_000], n
"""


def test_processes_at_the_same_cache_read_what_is_right(tmp_path: Path) -> None:
    run = [sys.executable, "-c", PROCESS, str(tmp_path)]
    running = [subprocess.Popen(run, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 3
    # Each process looks after a sixteenth of the bound, and may be writing one entry while another looks.
    assert sum(f.stat().st_size for f in files(tmp_path)) <= 60_000 * (1 + 3 / 16) + 3 * 1_032
    assert [f for f in files(tmp_path) if f.name.startswith(".")] == []
