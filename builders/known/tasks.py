"""The tasks of the reference release: their domains, and their names in other logs.

Any other task keeps its own name, and its domain is `other` unless the log states one.
"""

from __future__ import annotations

from typing import Final

DOMAINS: Final = {
    "gsm8k": "math",
    "math": "math",
    "mbpp": "code",
    "human_eval": "code",
    "commonsense_qa": "commonsense",
    "arc_challenge": "commonsense",
    "hellaswag": "commonsense",
    "openbook_qa": "commonsense",
    "natural_qa": "world_knowledge",
    "trivia_qa": "world_knowledge",
    "squad": "reading",
    "boolq": "reading",
    "mmlu": "popular",
    "gpqa": "popular",
}
"""Task -> domain, for the 14 tasks of the benchmark."""

_ALIASES: Final = {
    "arc_c": "arc_challenge",
    "arc-challenge": "arc_challenge",
    "commonsenseqa": "commonsense_qa",
    "gsm": "gsm8k",
    "humaneval": "human_eval",
    "natural_questions": "natural_qa",
    "nq": "natural_qa",
    "openbookqa": "openbook_qa",
    "triviaqa": "trivia_qa",
}


UNKNOWN: Final = "unknown"
"""The metric of a query whose log states none."""
BYPASS: Final = "bypass"
"""The metric of a run of lm-evaluation-harness that scores nothing; its value is 999."""
UNSTATED: Final = (BYPASS, UNKNOWN)
"""The metrics of queries whose log states none. Any other metric counts above them, and the first of them above the last."""
OTHER: Final = "other"
"""The domain of a query whose log states none, if that of its task is not known."""
_JUDGED: Final = ("alpaca_eval", "alpacaeval", "arena_hard", "mt_bench", "mtbench", "wild_bench", "wildbench")


def canonical_task(name: str) -> str:
    """Our name for a task; an unknown task keeps its own."""
    folded = name.strip().lower().replace(" ", "_")
    folded = _ALIASES.get(folded, folded)
    return folded if folded in DOMAINS else name.strip()


def metric_of(task: str) -> str | None:
    """The metric of a task whose answers only a judge can score; None for any other task."""
    return "judge" if task.strip().lower().replace(" ", "_").replace("-", "_") in _JUDGED else None


def domain_of(task: str) -> str:
    """The domain of a task, `other` if it is not known."""
    return DOMAINS.get(task, OTHER)
