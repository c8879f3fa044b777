"""What is publicly known of tasks and sources: whole, and in words that a card can show."""

from __future__ import annotations

import pytest

from llmfusionbench.builders import SOURCES
from llmfusionbench.builders.known.defects import DEFECTS
from llmfusionbench.builders.known.hub_licences import HUB_LICENCES
from llmfusionbench.builders.known.licences import TASK_LICENCES
from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.builders.publishing.card_parts import defects_part, task_licences


def test_every_task_has_the_licence_of_its_dataset() -> None:
    assert TASK_LICENCES.keys() == DOMAINS.keys()
    assert {task: entry.licence for task, entry in TASK_LICENCES.items()} == {
        "gsm8k": "MIT", "math": "MIT", "mbpp": "CC-BY-4.0", "human_eval": "MIT", "commonsense_qa": "MIT",
        "arc_challenge": "CC-BY-SA-4.0", "hellaswag": "MIT", "openbook_qa": None, "natural_qa": "CC-BY-SA-3.0",
        "trivia_qa": None, "squad": "CC-BY-SA-4.0", "boolq": "CC-BY-SA-3.0", "mmlu": "MIT", "gpqa": "CC-BY-4.0",
    }  # fmt: skip


@pytest.mark.parametrize("task", TASK_LICENCES)
def test_a_licence_names_its_page(task: str) -> None:
    entry = TASK_LICENCES[task]
    assert entry.link.startswith(("https://huggingface.co/datasets/", "https://github.com/"))
    assert not set(" ()|<>") & set(entry.link)
    assert entry.licence is None or HUB_LICENCES[entry.licence.lower()] == entry.licence
    assert entry.licence is not None or entry.note
    assert "|" not in entry.note + entry.dataset
    assert not entry.note or entry.note.endswith(".")


def test_the_hub_knows_each_licence_once() -> None:
    assert len(HUB_LICENCES) == 69
    assert all(name == name.lower() for name in HUB_LICENCES)
    assert {"mit", "apache-2.0", "cc-by-4.0", "other", "unknown"} <= HUB_LICENCES.keys()


@pytest.mark.parametrize("source", [source for source in SOURCES if source not in ("table", "release", "collected")])
def test_every_source_of_others_has_known_defects(source: str) -> None:
    for defect in DEFECTS[source]:
        assert not (defect.what + defect.done).endswith(".")
        assert "|" not in defect.what + defect.done
    text = defects_part([source])
    assert text.count("\n") == len(DEFECTS[source]) + 1


def test_a_source_without_known_defects() -> None:
    assert defects_part([None]).startswith("No defects of the source `unknown` are known to us.")
    both = defects_part(["zeroeval", "zeroeval", "table"])
    assert both.startswith("Logs of the source `zeroeval`:\n\n| in the logs |")
    assert both.endswith("\n\nNo defects of the source `table` are known to us. The audit below looks for them.")
    assert "<b>" not in defects_part(["<b>x</b>"])


def test_only_the_tasks_of_a_release_are_shown() -> None:
    text = task_licences(["gpqa", "<b>sums</b>", "boolq"])
    assert [line.split(" ")[1] for line in text.splitlines() if line.startswith("| `")] == ["`boolq`", "`gpqa`"]
    assert "plain text" in text
    assert r"not known to us for the task \<b\>sums\</b\>." in text
    assert task_licences([]) == ""
