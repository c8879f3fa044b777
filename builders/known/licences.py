"""The licences of the datasets that the 14 tasks of the reference release come from, as these state them.

Read in November 2026 from the card on the Hub or the repository that `link` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class TaskLicence:
    """What the source of a task states."""

    dataset: str
    """Name of the dataset."""
    licence: str | None
    """An SPDX identifier; None where the source states that it is unknown."""
    link: str
    """The page that states the licence."""
    note: str = ""
    """Where sources disagree, and what else restricts the use; a sentence or two."""


TASK_LICENCES: Final[dict[str, TaskLicence]] = {
    "gsm8k": TaskLicence("GSM8K", "MIT", "https://huggingface.co/datasets/openai/gsm8k"),
    "math": TaskLicence(
        "MATH",
        "MIT",
        "https://github.com/hendrycks/math",
        "Disputed: the Hub removed its copy of the dataset in January 2025, after a takedown notice by the publisher of the "
        "problems (AoPS). The repository still states MIT.",
    ),
    "mbpp": TaskLicence("MBPP", "CC-BY-4.0", "https://huggingface.co/datasets/google-research-datasets/mbpp"),
    "human_eval": TaskLicence("HumanEval", "MIT", "https://huggingface.co/datasets/openai/openai_humaneval"),
    "commonsense_qa": TaskLicence("CommonsenseQA", "MIT", "https://huggingface.co/datasets/tau/commonsense_qa"),
    "arc_challenge": TaskLicence("ARC (Challenge)", "CC-BY-SA-4.0", "https://huggingface.co/datasets/allenai/ai2_arc"),
    "hellaswag": TaskLicence(
        "HellaSwag",
        "MIT",
        "https://github.com/rowanz/hellaswag",
        "The metadata of the card on the Hub state none; its text names the licence of the repository.",
    ),
    "openbook_qa": TaskLicence(
        "OpenBookQA",
        None,
        "https://huggingface.co/datasets/allenai/openbookqa",
        "The card on the Hub states that the licence is unknown.",
    ),
    "natural_qa": TaskLicence(
        "Natural Questions", "CC-BY-SA-3.0", "https://github.com/google-research-datasets/natural-questions"
    ),
    "trivia_qa": TaskLicence(
        "TriviaQA",
        None,
        "https://huggingface.co/datasets/mandarjoshi/trivia_qa",
        "The card on the Hub states that the licence is unknown; the questions come from quiz websites.",
    ),
    "squad": TaskLicence(
        "SQuAD",
        "CC-BY-SA-4.0",
        "https://huggingface.co/datasets/rajpurkar/squad",
        "An earlier version of the card stated CC-BY-4.0.",
    ),
    "boolq": TaskLicence("BoolQ", "CC-BY-SA-3.0", "https://github.com/google-research-datasets/boolean-questions"),
    "mmlu": TaskLicence("MMLU", "MIT", "https://github.com/hendrycks/test"),
    "gpqa": TaskLicence(
        "GPQA",
        "CC-BY-4.0",
        "https://huggingface.co/datasets/Idavidrein/gpqa",
        "Gated. Its authors ask that no question is shown online in plain text, so that LLMs are not trained on it: "
        "keep a release that holds its prompts private or gated.",
    ),
}
"""Task -> what its source states, for the 14 tasks of the reference release."""
