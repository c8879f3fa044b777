"""Corpora of conversations, of reasoning that came apart, of several answers of one candidate, and of modes of any name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.baselines.exporters import export_kto, export_preference, export_sft
from llmfusionbench.baselines.exporters.corpora.formats.columns import dialogue, sharegpt
from llmfusionbench.release import Release
from tests.helpers.made_up_release import answer, made_up_release, records

ASKED = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name a river of Europe, please."},
    {"role": "assistant", "content": "The Rhine."},
    {"role": "user", "content": "Name a longer one."},
]
RENDERED = "SYSTEM: Be brief.\n\nUSER: Name a river of Europe, please.\n\nASSISTANT: The Rhine.\n\nUSER: Name a longer one."
THINK = "\nLet's think step by step."


@pytest.fixture
def talks(tmp_path: Path) -> Release:
    """A query of several turns and a plain one, each with good and bad answers, some of them with reasoning."""
    asked = {"prompt": None, "messages": ASKED}
    thought = [*ASKED[:-1], {"role": "user", "content": ASKED[-1]["content"] + THINK}]
    rows = [
        answer(0, "a", **asked, response="The Danube.", reasoning_content="Rhine 1233 km, Danube 2850 km."),
        answer(0, "a", **asked, response="The Thames.", performance=0.0, replicate=1),
        answer(0, "b", prompt=None, messages=thought, mode="think", response="<think>Long ones.</think>The Volga."),
        answer(0, "b", prompt=None, messages=thought, mode="think", response="No.", performance=0.0, replicate=4),
        answer(1, "a@high", response="Yes.", performance=1.0),
        answer(1, "b@high", response="Nay.", performance=0.0),
    ]
    return made_up_release(tmp_path, [{k: v for k, v in row.items() if v is not None} for row in rows])


def test_the_release_has_turns_reasoning_replicates_and_modes(talks: Release) -> None:
    by_metric = {q["prompt"]: q for q in talks.table("queries").to_table().to_pylist()}
    query = by_metric[RENDERED]
    assert (query["messages"], query["prompt_think"]) == (ASKED, RENDERED + THINK)
    assert [q["messages"] for prompt, q in by_metric.items() if prompt != RENDERED] == [None]
    rows = talks.table("responses").to_table().to_pylist()
    assert sorted((r["llm"], r["mode"], r["replicate"], r["response"], r["reasoning"]) for r in rows) == [
        ("a", "direct", 0, "The Danube.", "Rhine 1233 km, Danube 2850 km."), ("a", "direct", 1, "The Thames.", None),
        ("a", "high", 0, "Yes.", None), ("b", "high", 0, "Nay.", None),
        ("b", "think", 0, "The Volga.", "Long ones."), ("b", "think", 4, "No.", None),
    ]  # fmt: skip
    table = talks.routing()
    assert table.candidates == ["a", "a@high", "b@high", "b_think"]
    row = table.query_ids.index(query["query_id"])
    assert table.performance[row].tolist()[0] == 0.5
    assert table.replicates[row].tolist() == [2, 0, 0, 2]


def test_turns_in_formats_of_messages(talks: Release, tmp_path: Path) -> None:
    found = records(export_sft(talks, tmp_path / "out", format="messages", reasoning="strip", k=4))
    by_candidate = {(r["candidate"], r["replicate"]): r["messages"] for r in found}
    assert by_candidate["a", 0] == [*ASKED, {"role": "assistant", "content": "The Danube."}]
    last = {"role": "user", "content": "Name a longer one." + THINK}
    assert by_candidate["b_think", 0] == [*ASKED[:-1], last, {"role": "assistant", "content": "The Volga."}]
    assert [turn["role"] for turn in by_candidate["a@high", 0]] == ["user", "assistant"]
    assert len(by_candidate) == 3


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("keep", "<think>\nRhine 1233 km, Danube 2850 km.\n</think>\n\nThe Danube."),
        ("tag", "<think>\nRhine 1233 km, Danube 2850 km.\n</think>\n\nThe Danube."),
        ("strip", "The Danube."),
    ],
)
def test_reasoning_that_came_apart(talks: Release, tmp_path: Path, how: Any, expected: str) -> None:
    found = records(export_sft(talks, tmp_path / "out", format="sharegpt", reasoning=how, k=4, llms=["a"], modes=["direct"]))
    (record,) = found
    assert record["conversations"][-1] == {"from": "gpt", "value": expected}
    assert [turn["from"] for turn in record["conversations"]] == ["system", "human", "gpt", "human", "gpt"]


def test_pairs_of_one_candidate(talks: Release, tmp_path: Path) -> None:
    """Two answers of one candidate make a pair, and each names its replicate; modes are not mixed."""
    found = records(export_preference(talks, tmp_path / "out", format="sharegpt", pairs_per_query=2))
    assert sorted(len(r["conversations"]) for r in found) == [1, 4, 4]
    keyed = records(export_preference(talks, tmp_path / "keyed", pairs_per_query=2))
    keys = sorted((r["candidate"], r["replicate"], r["rejected_candidate"], r["rejected_replicate"]) for r in keyed)
    assert keys == [("a", 0, "a", 1), ("a@high", 0, "b@high", 0), ("b_think", 0, "b_think", 4)]
    assert {r["prompt"] for r in keyed if r["candidate"] == "a"} == {RENDERED + "\n\n"}


def test_labels_of_replicates(talks: Release, tmp_path: Path) -> None:
    found = records(export_kto(talks, tmp_path / "out", format="trl_chat", modes=["think"]))
    assert sorted((r["replicate"], r["label"]) for r in found) == [(0, True), (4, False)]
    assert {len(r["prompt"]) for r in found} == {4}


texts = st.text(max_size=3)
talk = st.one_of(st.none(), st.lists(st.fixed_dictionaries({"role": texts, "content": texts}), max_size=3))


@given(st.lists(st.tuples(texts, talk, texts, texts), max_size=5))
def test_dialogues_against_a_plain_loop(rows: list[tuple[str, Any, str, str]]) -> None:
    kind = pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))
    prompts, talks, first, second = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    samples = {"prompt": pa.array(prompts, pa.string()), "messages": pa.array(talks, kind)}
    said = [("assistant", pa.array(first, pa.string())), ("user", pa.array(second, pa.string()))]
    expected = [
        [*(t if t is not None else [{"role": "user", "content": p}]),
         {"role": "assistant", "content": a}, {"role": "user", "content": b}]
        for p, t, a, b in rows
    ]  # fmt: skip
    assert dialogue(samples, *said).to_pylist() == expected
    names = {"user": "human", "assistant": "gpt"}
    turned = [[{"from": names.get(m["role"], m["role"]), "value": m["content"]} for m in row[:-2]] for row in expected]
    assert sharegpt(samples).to_pylist() == turned
