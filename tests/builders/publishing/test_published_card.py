"""The card of a published release: what it states, that data cannot change its form, and a user's own card."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

import llmfusionbench as lfb
from llmfusionbench.auditing import Audit, audit
from llmfusionbench.builders import build
from llmfusionbench.builders.publishing.card import published_card, read_card
from llmfusionbench.errors import InputError
from llmfusionbench.release.card_parts import SIMULATED
from llmfusionbench.schema import TABLES
from tests.helpers.hostile_release import write_hostile_release
from tests.helpers.tiny_release import change_manifest, write_tiny_release

REPO = "org/name"
EVIL = "x](http://evil.example) <script>alert(1)</script> | `b` \n# heading\n---\nlicense: mit"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    return lfb.open_release(write_tiny_release(tmp_path_factory.mktemp("tiny") / "release"))


@pytest.fixture(scope="module")
def found(tiny: lfb.Release) -> Audit:
    return audit(tiny)


@pytest.fixture(scope="module")
def card(tiny: lfb.Release, found: Audit) -> str:
    return published_card(tiny, REPO, found)


def with_findings(found: Audit, **values: Any) -> Audit:
    """The audit with one made-up finding."""
    finding = {
        "detector": "cut_off", "title": "Answers that stop", "what": "2 of 6 answers stop. They do.", "count": 2, "total": 6,
        "remedy": "Ask again", "severity": "high", "places": [], "examples": [], **values,
    }  # fmt: skip
    return Audit({**copy.deepcopy(found.data), "findings": [finding]})


def test_the_same_input_gives_the_same_card(tiny: lfb.Release, found: Audit, card: str) -> None:
    assert published_card(tiny, REPO, found) == card
    assert card.endswith("-->\n")


def test_what_a_reader_needs(card: str) -> None:
    _, body = read_card(card)
    assert body.startswith("# name\n")
    assert 'load_dataset("org/name", "queries")' in body
    assert "6 answers of 2 LLMs to 3 queries" in body
    assert "| `responses` | 4 | 2 |" in body
    assert "- Source: `table`" in body
    assert re.search(r"- Input `tiny\.csv` \(\d+ bytes, SHA-256 `[0-9a-f]{16}`…\)", body)
    assert "No defects of the source `table` are known to us" in body
    assert "The licence of the source is not known to us for the task `sums`" in body
    assert "https://arxiv.org/abs/2507.10540" in body
    for table in TABLES:
        assert f"\n### {table}\n" in body
    assert SIMULATED not in body


def test_an_audit_with_and_without_findings(tiny: lfb.Release, found: Audit) -> None:
    empty = Audit({**copy.deepcopy(found.data), "findings": [], "notes": []})
    text = published_card(tiny, REPO, empty)
    assert "looked at 6 answers of 2 LLMs to 3 queries" in text
    assert "**No findings.**" in text
    assert "Not audited" not in text
    text = published_card(tiny, REPO, with_findings(found))
    assert "| high | `cut_off`: Answers that stop | 2 of 6 | 2 of 6 answers stop. They do. Ask again. |" in text
    assert "**1 finding**, 1 of high severity:" in text


def test_what_was_not_audited_is_stated(tiny: lfb.Release) -> None:
    text = published_card(tiny, REPO, audit(tiny, near_duplicates=False, rows=1))
    assert "- Near-duplicates were not looked for." in text
    assert re.search(r"- Only [1-5] of 6 answers were looked at\.", text)
    assert "- by the detectors `near_duplicates`, which were left out" in text


def test_an_audit_of_another_release_is_told_apart(tiny: lfb.Release, found: Audit) -> None:
    other = Audit({**copy.deepcopy(found.data), "rows": {"responses": 6, "queries": 4, "llms": 2}})
    assert "another state of this release" in published_card(tiny, REPO, other)
    assert "another state of this release" not in published_card(tiny, REPO, found)


def test_personal_data_in_a_finding_is_masked(tiny: lfb.Release, found: Audit) -> None:
    text = published_card(tiny, REPO, with_findings(found, what="Mail of mary.miller@posteo.net in an answer"))
    assert "mary.miller" not in text
    assert "posteo" not in text
    assert "e-mail address" in text


def test_findings_cannot_inject(tiny: lfb.Release, found: Audit) -> None:
    text = published_card(tiny, REPO, with_findings(found, what=EVIL, title=EVIL, remedy=EVIL))
    assert "<script>" not in text
    assert "](http://evil" not in text
    assert "\n# heading" not in text
    assert read_card(text)[0] == read_card(published_card(tiny, REPO, found))[0]


def test_names_of_the_data_cannot_inject(tmp_path: Path) -> None:
    release = write_hostile_release(tmp_path)
    text = published_card(release, REPO, audit(release))
    data, body = read_card(text)
    assert data["pretty_name"] == "name"
    assert "<script>" not in body
    assert "\nlines" not in body
    assert r'a "task", of lines' in body
    assert SIMULATED in body
    assert "simulated" in data["tags"]


def structure(card: str) -> tuple[list[str], set[str], set[str]]:
    """Headings, link targets and tags of a card, as a parser of Markdown sees them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(read_card(card)[1])
    inner = [child for token in tokens for child in token.children or ()]
    headings = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    links = {str(child.attrs["href"]) for child in inner if child.type == "link_open"}
    html = {token.content.strip() for token in [*tokens, *inner] if token.type in ("html_block", "html_inline")}
    return headings, links, html


def test_a_manifest_cannot_inject(tmp_path: Path, found: Audit) -> None:
    place = write_tiny_release(tmp_path / "release")

    def change(manifest: dict[str, Any]) -> None:
        manifest["source"] = {"name": EVIL, "revision": EVIL, "inputs": [{"name": EVIL, "bytes": "x", "sha256": EVIL}, 1]}
        manifest["sources"] = [manifest["source"], {"name": [EVIL], "revision": [EVIL], "records": EVIL}, EVIL]
        manifest["warnings"] = [EVIL, 7]
        step = {"step": EVIL, "options": {EVIL: EVIL}, "version": 2, "changes": {EVIL: {"added": EVIL, "columns": {EVIL: 1}}}}
        manifest["history"] = [{**step, "examples": [{"what": EVIL, "key": {EVIL: EVIL}, "column": EVIL}, 3]}, "no step", 4]

    change_manifest(place, change)
    text = published_card(lfb.open_release(place), REPO, found)
    assert structure(text) == structure(published_card(lfb.open_release(write_tiny_release(tmp_path / "plain")), REPO, found))
    assert "<script>" not in text
    assert "](http://evil" not in text
    assert not re.search(r"(?<!\\)http://evil", text)
    assert "\n# heading" not in text
    assert read_card(text)[0]["license"] == "unknown"


def test_changes_are_listed_newest_first(tmp_path: Path, found: Audit) -> None:
    place = write_tiny_release(tmp_path / "release")
    changed = {"responses": {"added": 4, "removed": 0, "changed": 2, "columns": {"performance": 2}}}
    steps = [
        {"step": "append", "version": 2, "changes": changed, "examples": [{"what": "added", "key": {"query_id": "ab12"}}]},
        {"step": "rescore", "options": {"metric": "em"}},
        {"step": "append", "version": 3, "changes": {"queries": {"added": 1200, "removed": 1, "changed": 0, "columns": {}}}},
    ]
    change_manifest(place, lambda manifest: manifest.update(history=steps))
    text = published_card(lfb.open_release(place), REPO, found)
    assert "This is version 3." in text
    third, second = text.index("**Version 3**, by `append`"), text.index("**Version 2**, by `append`")
    assert third < second
    assert "| `queries` | 1,200 | 1 | 0 |  |" in text
    assert "| `responses` | 4 | 0 | 2 | `performance` 2 |" in text
    assert "- for example: added, query_id `ab12`" in text
    assert "- Step 2: `rescore` (metric em)" in text


# --- a card of the user's own


OWN = """---
license: cc-by-nc-4.0
pretty_name: Our logs
configs: []
size_categories: [n>1T]
extra_gated_prompt: "Please agree"
---
# Ours

Prose that stays.

<!-- generated: rows: begin -->
old
<!-- generated: rows: end -->

<!-- generated: something_else: begin -->
kept
<!-- generated: something_else: end -->
"""


def test_prose_is_kept_and_parts_are_made_again(tiny: lfb.Release, found: Audit, card: str) -> None:
    data, body = read_card(published_card(tiny, REPO, found, text=OWN))
    assert body.startswith("# Ours\n\nProse that stays.\n\n<!-- generated: rows: begin -->\n\n| table |")
    assert body.endswith("<!-- generated: something_else: begin -->\nkept\n<!-- generated: something_else: end -->\n")
    assert "old" not in body
    made = read_card(card)[0]
    assert data["license"] == "cc-by-nc-4.0"
    assert data["pretty_name"] == "Our logs"
    assert data["extra_gated_prompt"] == "Please agree"
    assert [data[key] for key in ("configs", "size_categories", "dataset_info", "tags")] == [
        made[key] for key in ("configs", "size_categories", "dataset_info", "tags")
    ]


def test_a_card_can_be_made_from_itself(tiny: lfb.Release, found: Audit, card: str) -> None:
    assert published_card(tiny, REPO, found, text=card) == card


def test_a_card_without_marks_keeps_its_prose(tiny: lfb.Release, found: Audit) -> None:
    text = "Just words, --- and\n\n| a | table |\n"
    data, body = read_card(published_card(tiny, REPO, found, text=text))
    assert body == text
    assert data["configs"][0]["config_name"] == "logs"


def test_a_licence_that_is_passed_wins(tiny: lfb.Release, found: Audit) -> None:
    own = "---\nlicense: other\nlicense_name: ours\nlicense_link: LICENSE\n---\nwords\n"
    assert read_card(published_card(tiny, REPO, found, text=own))[0]["license_name"] == "ours"
    data = read_card(published_card(tiny, REPO, found, text=own, licence="MIT"))[0]
    assert (data["license"], "license_name" in data, "license_link" in data) == ("mit", False, False)


def test_simulated_rows_are_announced_in_any_card(found: Audit) -> None:
    release = lfb.open_release("sample")
    body = read_card(published_card(release, REPO, found, text="words\n"))[1]
    assert body.startswith(f"<!-- generated: simulated: begin -->\n\n{SIMULATED}")
    assert body.endswith("words\n")


def test_partly_simulated_rows_are_announced(tmp_path: Path, found: Audit) -> None:
    log = "prompt,split,task,llm,response,performance,metric,ground_truth,provenance\n"
    source = tmp_path / "log.csv"
    source.write_text(log + "1+1?,train,sums,a,2,1,em,2,imported\n1+1?,train,sums,b,2,1,em,2,simulated\n", encoding="utf-8")
    release = build("table", [source], tmp_path / "release", workers=1)
    assert "> **Partly simulated data.**" in published_card(release, REPO, found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nlicense: [mit\n---\nwords", r"the card line \d: its metadata are not YAML"),
        ("---\nlicense: mit\nwords", "the card line 1: its metadata have no end"),
        ("---\n- a\n- b\n---\nwords", "its metadata are list, expected keys with values"),
        ("---\n1: a\n---\nwords", "the key 1 of its metadata is not text"),
        ("---\na: &a [*a]\n---\nwords", "the Hub cannot read its metadata"),
        ("---\nd: 2020-13-45\n---\nwords", "its metadata are not YAML"),
        ("<!-- generated: rows: begin -->", "the part rows has no end"),
        ("a\n<!-- generated: rows: end -->", "the card line 2: .* has no counterpart"),
    ],
)
def test_bad_cards_are_one_clear_line(text: str, message: str, tiny: lfb.Release, found: Audit) -> None:
    with pytest.raises(InputError, match=message) as caught:
        published_card(tiny, REPO, found, text=text)
    assert "Remedy" in str(caught.value) or "expected" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_empty_metadata_are_no_fault(tiny: lfb.Release, found: Audit, card: str) -> None:
    text = published_card(tiny, REPO, found, text="---\n---\nwords\n")
    assert read_card(text) == (read_card(card)[0], "words\n")


@pytest.mark.parametrize("repo_id", ["name", "a/b/c", 'x"); import os; ("/y', ""])
def test_only_a_repository_has_a_card(repo_id: str, tiny: lfb.Release, found: Audit) -> None:
    with pytest.raises(InputError, match="not a repository on the Hub"):
        published_card(tiny, repo_id, found)


def test_the_front_matter_is_plain_yaml(card: str) -> None:
    front = card.partition("---\n")[2].partition("\n---\n")[0]
    assert yaml.safe_load(front) == read_card(card)[0]
    assert "&id" not in front
