"""The layouts of files in which a judge compares two answers, recognised by their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Layout:
    """Which columns hold a comparison. Each name is optional, but for one LLM and one verdict."""

    title: str
    task: str
    llms: tuple[str, str]
    answers: tuple[str, str]
    talks: tuple[str, str]
    """Conversations, of which the last turn is the answer."""
    verdicts: tuple[tuple[str, str | None, str], ...]
    """(column, place of the first LLM's answer in what the judge was shown, if it is known, the judge's explanation)."""
    query: Mapping[str, tuple[str, ...]]
    """Our column -> theirs, the first that the file has."""

    def fits(self, columns: Sequence[str]) -> bool:
        """Whether a file with `columns` has this layout."""
        named = self.llms[1] in columns or self.answers[1] in columns
        return named and any(verdict in columns for verdict, *_ in self.verdicts)


_BATTLE: Final = {"source_id": ("question_id", "id", "idx"), "prompt": ("prompt", "question"), "judge": ("judge",)}
LAYOUTS: Final = (
    Layout(
        "AlpacaEval's annotations",
        "alpaca_eval",
        ("generator_1", "generator_2"),
        ("output_1", "output_2"),
        ("", ""),
        (("preference", None, ""),),  # its annotators are shown the two in random order
        {"prompt": ("instruction",), "judge": ("annotator",)},
    ),
    Layout(
        "battles of an arena",
        "arena",
        ("model_a", "model_b"),
        ("response_a", "response_b"),
        ("conversation_a", "conversation_b"),
        (("winner", "first", ""), ("winner_model_b", "first", "")),
        {**_BATTLE, "judge_created_at": ("tstamp",)},
    ),
    Layout(
        "MT-Bench's judgements of pairs",
        "mt_bench",
        ("model_1", "model_2"),
        ("", ""),
        ("", ""),
        (("g1_winner", "first", "g1_judgment"), ("g2_winner", "second", "g2_judgment"), ("winner", "first", "judgment")),
        {**_BATTLE, "judge_created_at": ("tstamp",)},
    ),
)
