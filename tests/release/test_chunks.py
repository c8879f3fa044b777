"""The store that `benchmarks/deduplication.py` counts with: chunks by content, kept once."""

from __future__ import annotations

import random

import numpy as np
import pytest

from benchmarks import _chunks
from benchmarks._chunks import LEAST, MOST, TARGET, WINDOW, Store, borders, chunks, gear_hashes

DATA = random.Random(0).randbytes(3_000_000)


def looped(data: bytes) -> list[int]:
    """The borders, byte by byte, as the page of Xet gives the rule."""
    found, start, value = [], 0, 0
    for place, byte in enumerate(data, start=1):
        value = ((value << 1) + int(_chunks._TABLE[byte])) % 2**64
        size = place - start
        if size >= MOST or (size >= LEAST and value >> 48 == 0):
            found.append(place)
            start, value = place, 0
    return found if start == len(data) else [*found, len(data)]


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1_000])
def test_the_hashes_are_those_of_a_loop(size: int) -> None:
    value, expected = 0, []
    for byte in DATA[:size]:
        value = ((value << 1) + int(_chunks._TABLE[byte])) % 2**64
        expected.append(value)
    assert gear_hashes(DATA[:size]).tolist() == expected


@pytest.mark.parametrize("size", [0, 1, LEAST, MOST - 1, MOST, MOST + 1, 400_000])
def test_the_borders_are_those_of_a_loop(size: int) -> None:
    assert borders(DATA[:size]).tolist() == looped(DATA[:size])


def test_the_borders_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = borders(DATA).tolist()
    monkeypatch.setattr(_chunks, "_BLOCK", 10_007)
    assert borders(DATA).tolist() == expected


def test_chunks_are_the_data_and_within_the_limits() -> None:
    found = list(chunks(DATA))
    assert b"".join(found) == DATA
    assert all(LEAST <= len(chunk) <= MOST for chunk in found[:-1])
    assert 0 < len(found[-1]) <= MOST
    assert 0.7 * TARGET < np.mean([len(chunk) for chunk in found]) < 1.2 * TARGET


def test_bytes_that_are_all_alike_are_cut_at_the_largest_size() -> None:
    assert [len(chunk) for chunk in chunks(bytes(300_000))] == [MOST, MOST, 300_000 - 2 * MOST]


def test_a_hash_depends_on_a_window() -> None:
    changed = bytes([DATA[0] ^ 1]) + DATA[1:1_000]
    differ = np.flatnonzero(gear_hashes(DATA[:1_000]) != gear_hashes(changed))
    assert 0 < differ.size <= WINDOW
    assert differ.max() < WINDOW


@pytest.mark.parametrize("place", [0, 1_000_000, 2_999_999])
def test_an_insertion_changes_few_chunks(place: int) -> None:
    store = Store()
    assert store.add([DATA]) == len(DATA)
    assert 0 < store.add([DATA[:place] + b"inserted" + DATA[place:]]) <= 4 * MOST


def test_what_is_known_is_not_counted_again() -> None:
    store = Store()
    assert store.add([DATA, DATA]) == len(DATA)
    assert store.add([DATA]) == 0
    assert store.add([DATA[: len(DATA) // 2]]) <= MOST
