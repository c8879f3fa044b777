"""CARD.md: fresh, whole, and fit for `publish --card`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.auditing import Audit, audit
from llmfusionbench.builders.known.defects import DEFECTS
from llmfusionbench.builders.known.licences import TASK_LICENCES
from llmfusionbench.builders.publishing.card import ETHICS, MAINTENANCE, generated_parts, published_card, read_card
from llmfusionbench.builders.publishing.reference_card import refresh
from llmfusionbench.errors import InputError
from llmfusionbench.release.card_parts import columns_markdown
from llmfusionbench.release.card_text import marked, part_names
from tests.helpers.tiny_release import write_tiny_release

PROJECT = Path(__file__).parents[3]
CARD = (PROJECT / "CARD.md").read_text(encoding="utf-8")
PARTS = ("defects", "audit", "licences", "fields", "cite")
"""The parts that `make card` makes."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    return lfb.open_release(write_tiny_release(tmp_path_factory.mktemp("tiny") / "release"))


@pytest.fixture(scope="module")
def found(tiny: lfb.Release) -> Audit:
    """Any audit: what is made from it is compared in `test_the_audit_in_the_card_is_fresh` alone."""
    return audit(tiny)


def without_audit(card: str) -> str:
    return re.sub(r"(<!-- generated: audit: begin -->).*(<!-- generated: audit: end -->)", r"\1\2", card, flags=re.DOTALL)


def test_the_card_is_fresh(found: Audit) -> None:
    assert columns_markdown().strip() in CARD, "CARD.md is stale. Remedy: make card"
    assert without_audit(refresh(CARD, found)) == without_audit(CARD), "CARD.md is stale. Remedy: make card"


def test_the_audit_in_the_card_is_fresh() -> None:
    assert refresh(CARD, audit(lfb.open_release("sample"))) == CARD, "CARD.md is stale. Remedy: make card"


def test_a_stale_card_is_made_fresh(found: Audit) -> None:
    stale = "".join(f"before {name}\n{marked(name, 'old text')}\nafter\n" for name in PARTS)
    fresh = refresh(stale, found)
    assert "old text" not in fresh
    assert marked("fields", columns_markdown()) in fresh
    assert re.findall(r"^before \w+$", fresh, re.MULTILINE) == [f"before {name}" for name in PARTS]
    assert refresh(fresh, found) == fresh


def test_the_audit_is_kept_without_a_sample() -> None:
    assert refresh(CARD, None) == CARD
    assert marked("audit", "of before") in refresh(f"{CARD}\n{marked('audit', 'of before')}\n", None)


@pytest.mark.parametrize(
    "card",
    ["", "no marks at all\n", "<!-- generated: fields: begin -->\nno end", "no begin\n<!-- generated: fields: end -->\n"],
)
def test_a_card_without_its_marks_is_not_overwritten(card: str, found: Audit) -> None:
    with pytest.raises(InputError, match="Remedy"):
        refresh(card, found)


def test_the_card_says_whose_audit_it_shows() -> None:
    part = CARD.partition("<!-- generated: audit: begin -->")[2].partition("<!-- generated: audit: end -->")[0]
    assert "audit of the embedded sample, whose answers are simulated" in part
    assert "publish of the reference release puts the audit of its real answers here" in part


def test_the_card_has_every_section_and_fact() -> None:
    for heading in (
        "What it is, and what it is not", "How it was collected", "How to load it", "Rows", "Splits",
        "Known defects of the source", "What the audit found", "Licences", "Ethics", "Maintenance", "Changes", "Fields",
        "How to cite",
    ):  # fmt: skip
        assert f"\n## {heading}\n" in CARD
    for task, entry in TASK_LICENCES.items():
        assert f"| `{task}` | [{entry.dataset}]({entry.link}) |" in CARD
    assert f"\n## Ethics\n\n{ETHICS}\n" in CARD
    assert f"\n## Maintenance\n\n{MAINTENANCE}\n" in CARD
    for defect in DEFECTS["fusionbench"]:
        assert f"| {defect.what}. | {defect.done}. |" in CARD


def test_the_card_is_one_that_publish_takes(tiny: lfb.Release, found: Audit) -> None:
    parts = generated_parts(tiny, "org/name", found)
    assert part_names(CARD) == parts.keys() - {"simulated"}
    card = published_card(tiny, "org/name", found, text=CARD)
    for name in part_names(CARD):
        assert marked(name, parts[name]) in card
    assert "embedded sample, whose answers are simulated" not in card
    data, body = read_card(card)
    assert data["pretty_name"] == "LLMFusionBench"
    assert data["size_categories"] == ["n<1K"]
    assert body.startswith("# LLMFusionBench\n")
