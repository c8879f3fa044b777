"""The README.md of a release after its user has edited it: it is published as a whole card, with the user's words."""

from __future__ import annotations

import re

import pytest

import llmfusionbench as lfb
from llmfusionbench.auditing import Audit, audit
from llmfusionbench.builders.publishing.card import published_card, read_card
from llmfusionbench.errors import InputError
from tests.helpers.tiny_release import write_tiny_release

REPO = "org/name"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    """Its prompts are sums, of no language."""
    return lfb.open_release(write_tiny_release(tmp_path_factory.mktemp("tiny") / "release"))


@pytest.fixture(scope="module")
def found(release: lfb.Release) -> Audit:
    return audit(release)


@pytest.fixture(scope="module")
def written(release: lfb.Release) -> str:
    return (release.directory / "README.md").read_text(encoding="utf-8")


def headings(card: str) -> list[str]:
    return re.findall(r"^##? (.*)$", card, re.MULTILINE)


def test_the_card_as_it_was_written_gives_the_whole_card(release: lfb.Release, found: Audit, written: str) -> None:
    whole = published_card(release, REPO, found)
    made = published_card(release, REPO, found, text=written, edited=True)
    assert headings(made) == headings(whole)
    assert read_card(made)[0] == read_card(whole)[0]
    assert read_card(made)[0]["language"] == ["und"]
    assert made.replace("Keys are bold. A missing value is null, never 0.\n\n", "") == whole.replace(
        "Keys are bold. A missing value is null, never 0.\n\n", ""
    )


def test_what_the_user_wrote_stays_where_it_is(release: lfb.Release, found: Audit, written: str) -> None:
    text = written.replace("pretty_name: LLMFusionBench", "pretty_name: Ours\nlicense: mit\nlanguage:\n- en")
    text = text.replace("## Rows\n", "## The night shift\n\nIt collected them.\n\n## Rows\n")
    text = text.replace("\n## Changes", "\nNone of them is ours.\n\n## Changes") + "\nThe end.\n"
    made = published_card(release, REPO, found, text=text, edited=True)
    data, body = read_card(made)
    assert (data["pretty_name"], data["license"], data["language"]) == ("Ours", "mit", ["und"])
    assert headings(body) == [
        "name", "What it is, and what it is not", "How it was collected", "How to load it", "The night shift", "Rows", "Splits",
        "Known defects of the source", "What the audit found", "Licences", "Ethics", "Maintenance", "Changes", "Fields",
        "How to cite",
    ]  # fmt: skip
    splits = body.partition("## Splits")[2].partition("\n## ")[0]
    assert splits.endswith("<!-- generated: splits: end -->\n\nNone of them is ours.\n")
    assert body.endswith("<!-- generated: cite: end -->\n\nThe end.\n")


def test_what_the_user_took_out_stays_out(release: lfb.Release, found: Audit, written: str) -> None:
    start, rest = written.split("## Fields")
    text = start + "## How to cite" + rest.split("## How to cite")[1]
    text = text.replace("# LLMFusionBench release", "# Ours").replace("## Splits", "## Parts of it")
    made = published_card(release, REPO, found, text=text, edited=True)
    assert headings(made)[0] == "Ours"
    assert "Fields" not in headings(made)
    assert "Splits" not in headings(made)
    assert {"Ethics", "Licences", "What the audit found"} <= set(headings(made))
    again = published_card(release, REPO, found, text=made, edited=True)
    assert again == made, "nothing is added twice"


def test_a_card_without_any_mark_is_the_users_alone(release: lfb.Release, found: Audit) -> None:
    made = published_card(release, REPO, found, text="# Ours\n\n## Rows\n\nMany.\n", edited=True)
    assert read_card(made)[1] == "# Ours\n\n## Rows\n\nMany.\n"
    made = published_card(release, REPO, found, text="# Ours\n\n<!-- generated: rows: begin --><!-- generated: rows: end -->\n")
    assert headings(made) == ["Ours"], "a named card leaves out what it has no mark for"


def test_a_mark_without_a_counterpart_is_named_by_its_line(release: lfb.Release, found: Audit, written: str) -> None:
    line = written.index("<!-- generated: rows: end -->")
    text = written[:line] + written[line:].replace("<!-- generated: rows: end -->", "", 1)
    with pytest.raises(InputError, match=r"the card line \d+: <!-- generated: splits: begin --> has no counterpart"):
        published_card(release, REPO, found, text=text, edited=True)
