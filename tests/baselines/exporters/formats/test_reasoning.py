"""Reasoning kept, stripped and tagged: the shapes that LLMs write, and what holds for every text."""

from __future__ import annotations

from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.baselines.exporters.corpora import reasoning

SHAPES = {
    # name: (text, reasoning, answer)
    "one block": ("<think>\nTwo and two.\n</think>\n\nFour.", "Two and two.", "Four."),
    "no opening tag": ("Two and two.\n</think>\n\nFour.", "Two and two.", "Four."),
    "several blocks": ("<think>a</think>First.\n<think>b</think>\nSecond.", "a\n\nb", "First.\n\nSecond."),
    "answer, then cut off": ("Four. <think>But is it", "But is it", "Four."),
    "cut off": ("<think>\nTwo and", "Two and", ""),
    "nothing said": ("<think>Two and two.</think>\n \n", "Two and two.", ""),
    "empty block": ("<think>\n\n</think>\n\nFour.", "", "Four."),
    "tag in a block": ("<think>They say <think> here.</think>Four.", "They say\n\nhere.", "Four."),
    "nested": ("<think>a<think>b</think>c</think>Four.", "a\n\nb\n\nc", "Four."),
    "upper case": ("<THINK>a</Think>Four.", "a", "Four."),
    "tag out of pieces": ("<think>a</think><thi<think>b</think>nk>", "a\n\nb", "<thi\n\nnk>"),
    "code": ("<think>a</think>\n\n    return x\n", "a", "    return x"),
}


def run(text: str | None, how: reasoning.How, mode: str | None = "direct") -> str | None:
    [result] = reasoning.apply(pa.array([text], pa.string()), pa.array([mode], pa.string()), how)[0].to_pylist()
    return result


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    text, thought, answer = SHAPES[name]
    assert reasoning.split(text)[:2] == (thought, answer)
    assert run(text, "keep") == text
    assert run(text, "strip") == (answer or None)
    assert run(text, "tag") == (f"<think>\n{thought}\n</think>\n\n{answer}" if answer else None)


WRAPPED = {
    "gsm8k": ("3 + 4 = 7\n#### 7", "3 + 4 = 7", "#### 7"),
    "sentence": (
        "Paris lies in France.\n\nSo the final answer is (B).\n",
        "Paris lies in France.",
        "So the final answer is (B).",
    ),
    "bold": ("It rains.\n**Answer:** wet", "It rains.", "**Answer:** wet"),
    "boxed": ("We add.\n$\\boxed{7}$", "We add.", "$\\boxed{7}$"),
    "paragraph": ("We add.\n### Final answer:\nseven\nand no more", "We add.", "### Final answer:\nseven\nand no more"),
}
LEFT = {
    "no answer line": "We add 3 and 4. It is 7.",
    "two answer lines": "The answer is 6?\nNo.\nThe answer is 7.",
    "nothing before": "The answer is 7.",
    "more behind": "We add.\nThe answer is 7.\nLet me check that.",
    "two paragraphs behind": "We add.\nAnswer:\nseven\n\nthat is all",
    "bare at the end": "We add.\nAnswer:\n",
    "within a line": "We add, and the answer is 7.",
}


@pytest.mark.parametrize("name", WRAPPED)
def test_untagged_reasoning_is_wrapped_where_the_answer_is_certain(name: str) -> None:
    text, thought, answer = WRAPPED[name]
    assert run(text, "tag", "think") == f"<think>\n{thought}\n</think>\n\n{answer}"
    assert run(text, "tag", "direct") == run(text, "tag", None) == run(text, "strip", "think") == text


@pytest.mark.parametrize("name", LEFT)
def test_untagged_reasoning_is_left_where_the_answer_is_not_certain(name: str) -> None:
    texts, modes = pa.array([LEFT[name]]), pa.array(["think"])
    assert reasoning.apply(texts, modes, "tag") == (texts, {"unsplit": 1})


def test_counts() -> None:
    texts = pa.chunked_array([["<think>a</think>b", "<think>a"], ["a\n#### 1", "a", None, "a"]])
    modes = pa.chunked_array([["direct", "think", "think"], ["think", "think", "direct"]])
    stripped, counts = reasoning.apply(texts, modes, "strip")
    assert stripped.to_pylist() == ["b", None, "a\n#### 1", "a", None, "a"]
    assert counts == {"tagged": 2, "unclosed": 1, "unanswered": 1}
    tagged, counts = reasoning.apply(texts, modes, "tag")
    assert tagged.to_pylist() == ["<think>\na\n</think>\n\nb", None, "<think>\na\n</think>\n\n#### 1", "a", None, "a"]
    assert counts == {"tagged": 2, "unclosed": 1, "unanswered": 1, "wrapped": 1, "unsplit": 1}
    assert reasoning.apply(texts, modes, "keep")[1] == {}


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["<think>", "</think>", "<THINK>", "<thi", "nk>", "</", "\n", "\n\n", " ", "\r\n", "#### 1", "Answer:"]
        ),
        st.text(max_size=4),
    ),
    max_size=14,
).map("".join)


@settings(max_examples=2 * settings().max_examples)
@given(st.lists(TEXTS, max_size=3), st.sampled_from(["direct", "think"]))
def test_laws(texts: list[str], mode: str) -> None:
    """Keep is the identity; the others are idempotent; strip leaves no tag; tag leaves one block in front, or none."""
    column, modes = pa.array(texts, pa.string()), pa.array([mode] * len(texts), pa.string())
    assert reasoning.apply(column, modes, "keep")[0].equals(column)
    stripped, tagged = (reasoning.apply(column, modes, how)[0] for how in ("strip", "tag"))
    for how, once in (("strip", stripped), ("tag", tagged)):
        assert reasoning.apply(once, modes, how)[0].equals(once)
    for text in stripped.drop_null().to_pylist():
        assert not any(tag in text.lower() for tag in ("<think>", "</think>"))
    for text in tagged.drop_null().to_pylist():
        blocks = text.lower().count("<think>")
        assert text.lower().count("</think>") == blocks
        assert blocks == 0 or (blocks == 1 and text.startswith("<think>\n"))
    for before, after in zip(texts, stripped.to_pylist(), strict=True):
        if "think>" not in before.lower():
            assert after == before


def test_hostile_text_takes_linear_time() -> None:
    text = "<thi" * 100_000 + "<think>" * 100_000 + "\n" * 100_000 + "nk>" * 100_000
    assert run(text, "strip") == "<thi" * 100_000
    assert run("\n" * 200_000 + " " * 200_000 + "Answer:" * 100_000, "tag", "think") is not None


def test_stray_bytes_go_through() -> None:
    """Half a surrogate pair, which no UTF-8 text holds, costs nothing but is not mended either."""
    data = pa.array([b"<think>\xed\xa0\x80</think>x\xff", b"\xff", b"\xff\n#### 1", None], pa.binary())
    modes = pa.array(["direct", "direct", "think", "think"])
    stripped = reasoning.apply(data.view(pa.string()), modes, "strip")[0]
    assert stripped.cast(pa.binary()).to_pylist() == [b"x\xff", b"\xff", b"\xff\n#### 1", None]
    tagged = reasoning.apply(data.view(pa.string()), modes, "tag")[0].cast(pa.binary()).to_pylist()
    assert tagged[0] == b"<think>\n\xed\xa0\x80\n</think>\n\nx\xff"
    assert tagged[1:] == [b"\xff", b"<think>\n\xff\n</think>\n\n#### 1", None]


def test_empty_and_null_columns() -> None:
    for how in get_args(reasoning.How):
        for kind in (pa.string(), pa.large_string()):
            assert reasoning.apply(pa.array([], kind), pa.array([], pa.string()), how)[0].equals(pa.array([], kind))
            result = reasoning.apply(pa.array(["a", None], kind), pa.array([None, None], pa.string()), how)[0]
            assert result.equals(pa.array(["a", None], kind))
            assert reasoning.apply(pa.array(["</think>a"], kind), pa.nulls(1), how)[0][0].as_py() is not None
