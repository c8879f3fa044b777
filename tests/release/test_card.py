"""The card of a release on disk, and the text that all cards are made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import llmfusionbench as lfb
from llmfusionbench.errors import InputError
from llmfusionbench.release.card import release_card
from llmfusionbench.release.card_parts import (
    SIMULATED,
    changes,
    collected,
    columns_markdown,
    row_counts,
    splits_part,
    version_of,
)
from llmfusionbench.release.card_text import (
    LONGEST,
    ROWS,
    counted,
    counts_table,
    marked,
    named,
    part_names,
    plain,
    table,
    with_parts,
)
from tests.helpers.tiny_release import write_tiny_release


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain words, 2.1 and max_tokens: 3", "plain words, 2.1 and max_tokens: 3"),
        ("a|b `c` *d* [e](f) <g> #h ~i~ !j $k &l; \\m", r"a\|b \`c\` \*d\* \[e\](f) \<g\> \#h \~i\~ \!j \$k \&l; \\m"),
        ("_emphasis_ and a_b", r"\_emphasis\_ and a_b"),
        ("see http://x.example and www.y.example, mailto:z", r"see http\://x.example and www\.y.example, mailto\:z"),
        ("me@example.org", r"me\@example.org"),
        ("two\nlines\r\n\ttab \x00 \u202e end", "two lines tab end"),
        ("- a list", r"\- a list"),
        ("1. a list", r"1\. a list"),
        ("---", r"\---"),
        ("<!-- generated: rows: end -->", r"\<\!-- generated: rows: end --\>"),
        ("", ""),
        (7, "7"),
    ],
)
def test_values_are_shown_as_they_are(value: object, shown: str) -> None:
    assert plain(value) == shown


def test_a_long_value_is_cut() -> None:
    assert plain("x" * 10**6) == "x" * LONGEST + "…"
    assert len(named("<" * 10**6)) == 2 * LONGEST + 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("arc_challenge", "`arc_challenge`"),
        ("org/Model-7B@v1.2 x", "`org/Model-7B@v1.2 x`"),
        ("x", "`x`"),
        ("`", r"\`"),
        ("two\nlines", "two lines"),
        ("a`b", r"a\`b"),
        ("trailing ", "trailing"),
        ("", "(empty)"),
    ],
)
def test_names_are_code_if_they_are_ordinary(value: str, shown: str) -> None:
    assert named(value) == shown


def test_tables() -> None:
    assert table(["a", "b"], [("1", "2")], numbers=1) == "| a | b |\n|---|---:|\n| 1 | 2 |"
    assert (counted(1, "query", "queries"), counted(1200, "query", "queries"), counted(0, "row")) == (
        "1 query",
        "1,200 queries",
        "0 rows",
    )
    many = counts_table("task", "rows", {f"t{i}": i for i in range(ROWS + 5)})
    assert many.splitlines()[2] == f"| `t{ROWS + 4}` | {ROWS + 4} |"
    assert many.splitlines()[-1] == "| 5 more | 10 |"


# --- parts between marks


def test_parts_are_made_again_and_all_else_is_kept() -> None:
    card = f"before\n{marked('rows', 'old')}\nbetween\n{marked('other', 'mine')}\nafter {marked('rows', 'older')}"
    fresh = with_parts(card, {"rows": "new", "absent": "x"})
    assert fresh == f"before\n{marked('rows', 'new')}\nbetween\n{marked('other', 'mine')}\nafter {marked('rows', 'new')}"
    assert with_parts(fresh, {"rows": "new"}) == fresh
    assert part_names(card) == {"rows", "other"}
    assert with_parts("no marks <!-- a comment -->", {"rows": "new"}) == "no marks <!-- a comment -->"


BEGIN, END = "<!-- generated: a: begin -->", "<!-- generated: a: end -->"


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (BEGIN, "the part a has no end"),
        (END, "the card line 1: .* has no counterpart"),
        (f"x\n{BEGIN}\n{BEGIN}\n{END}", "the card line 3: .* has no counterpart"),
        (f"{BEGIN}\n{END.replace('a:', 'b:')}", "the card line 2: .* has no counterpart"),
    ],
)
def test_marks_without_counterpart(card: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        with_parts(card, {})


# --- the card of a release on disk


def test_the_card_of_a_release(tmp_path: Path) -> None:
    release = lfb.open_release(write_tiny_release(tmp_path / "release"))
    card = (release.path / "README.md").read_text(encoding="utf-8")
    assert card == release_card({k: v for k, v in release.manifest.items() if k != "files"})
    front, _, body = card.removeprefix("---\n").partition("\n---\n")
    assert yaml.safe_load(front)["configs"][0]["config_name"] == "logs"
    assert re.findall(r"^## (.+)$", body, re.MULTILINE) == [
        "How it was collected", "How to load it", "Rows", "Splits", "Changes", "Fields", "How to cite",
    ]  # fmt: skip
    assert part_names(body) == {"about", "collected", "load", "rows", "splits", "changes", "fields", "cite"}
    assert marked("fields", columns_markdown()) in body
    assert SIMULATED not in card


def test_the_card_of_the_sample_says_what_it_is() -> None:
    release = lfb.open_release("sample")
    card = (release.path / "README.md").read_text(encoding="utf-8")
    assert SIMULATED in card
    assert "22,400 simulated answers of 20 LLMs to 560 queries" in card


MANIFEST: dict[str, Any] = {"schema_version": "2.1", "tables": {}, "provenance": []}


def test_an_empty_manifest_has_a_card() -> None:
    card = release_card(MANIFEST)
    assert "0 answers of 0 LLMs to 0 queries" in card
    assert "- Source: `unknown`, no revision stated" in card
    assert row_counts(MANIFEST) == "| table |\n|---|"
    assert splits_part(MANIFEST).startswith("Each query is in one split only.")


def test_where_rows_come_from() -> None:
    source = {
        "name": "fusionbench",
        "revision": "abc123",
        "inputs": [{"name": f"{i:02}.csv", "bytes": 1} for i in reversed(range(12))],
    }
    history = [{"step": "rescore", "options": {"metric": "em", "limit": None}}, "odd"]
    manifest = {
        **MANIFEST, "source": source, "provenance": ["collected", "imported"], "records": {"taken": 5, "rejected": 2},
        "history": history, "warnings": ["a <b>warning</b>"],
    }  # fmt: skip
    text = collected(manifest)
    assert "- Source: `fusionbench`, revision `abc123`" in text
    assert "- Provenance: collected: the LLMs were asked by this tool" in text
    assert "- Input `09.csv` (1 byte)\n- 2 more inputs, listed in `manifest.json`" in text
    assert "- Records: 5 taken, 2 rejected, which `rejected.jsonl` lists with the reason" in text
    assert "- Step 1: `rescore` (metric em)" in text
    several = collected({**manifest, "sources": [{"name": "a", "records": {"taken": 1, "rejected": 0}}, {"name": "b"}, 7]})
    assert "- Source: `a`, no revision stated\n- Records: 1 taken, 0 rejected\n- Source: `b`, no revision stated\n" in several
    assert text.endswith("The build warned:\n\n- a \\<b\\>warning\\</b\\>")


def test_versions_and_changes() -> None:
    change = {"responses": {"added": 1000, "removed": 2, "changed": 3, "columns": {"cost_usd": 3}}, "odd": 7}
    step = {"step": "append", "version": 2, "changes": change}
    example = {
        "what": "changed",
        "table": "responses",
        "key": {"llm": "a", "mode": None},
        "column": "cost_usd",
        "before": "secret",
    }
    manifest = {**MANIFEST, "history": [step, {"step": "append", "version": 3, "changes": {}, "examples": [example]}]}
    text = changes(manifest)
    assert version_of(manifest) == 3
    assert text.index("**Version 3**") < text.index("**Version 2**")
    assert "| `responses` | 1,000 | 2 | 3 | `cost_usd` 3 |" in text
    assert "No rows changed.\n\n- for example: changed, `responses`, llm `a`, column `cost_usd`" in text
    assert "secret" not in text
    assert changes(MANIFEST) == "Version 1: no changes of rows are recorded."
    assert version_of({"history": [{"version": True}, {"version": "9"}, 4]}) == 1
