"""Measures answer-level fusion on the public GSM8K logs of ZeroEval and writes docs/answer_fusion.md.

    python benchmarks/figures/answer_fusion.py LOGS

LOGS is the folder of ZeroEval's *.json.gz, one file per LLM.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from llmfusionbench.baselines.fusion import AnswerTable, Comparison, Topla, Vote, WeightedVote, compare, read_answers
from llmfusionbench.builders import build

PAGE = Path(__file__).resolve().parents[2] / "docs" / "answer_fusion.md"
SMALL = (
    "Meta-Llama-3-8B-Instruct",
    "Meta-Llama-3.1-8B-Instruct",
    "Mistral-Nemo-Instruct-2407",
    "Mixtral-8x7B-Instruct-v0.1",
    "Phi-3.5-mini-instruct",
    "Qwen2-7B-Instruct",
    "Yi-1.5-9B-Chat",
    "gemma-2-2b-it",
    "gemma-2-9b-it",
)
"""LLMs that use at most 13B parameters per token; Mixtral 8x7B uses two of its eight experts."""

TEXT = """# Answer-level fusion on GSM8K

Made by `python benchmarks/figures/answer_fusion.py LOGS`; do not edit by hand.

A fusion asks several LLMs and puts their answers to a vote. A vote of nine small LLMs reaches the level of a 72B model alone
and costs the sum of the nine calls. A plain vote of all {llms} LLMs gains little over the best of them.

## How the figures are made

- Data: {queries:,} questions and the real responses of {llms} open LLMs (2B to 405B), as ZeroEval logged them.
- A vote counts the answers that our `gsm8k` metric extracts. Equal numbers are one answer.
- Everything is learned on four folds and measured on the fifth: which LLMs are asked, what each vote counts, how ties are
  broken, and which LLM is the best single one.
- Intervals are 95% intervals over questions, of the kinds in [evaluation.md](evaluation.md#intervals).
- *Gain* is paired, question by question, with the best single LLM of the same group.
- *Calls* is the number of LLMs that answer each question. These logs hold no prices, so no cost in USD is given.

## The nine small LLMs

{small}

## All {llms}

{all}

## Conclusions

- The nine small LLMs vote well above the best of them. They reach the level of Qwen2-72B-Instruct alone (.926) and stay below
  the best LLM of all. That one has .959 on all questions; `best_single` is a little lower because some folds pick another LLM.
- A plain vote over all LLMs gains little where the best LLM is far above most others. Weights by log-odds, or asking only the
  top five, make up for that.
- Focal diversity by itself does not help here. The more it counts in the choice of members, the lower their vote tends to be:
  the members it adds fail on other questions because they fail more often. Its default weight, .2, was set after these tables
  were seen; the tables show every setting that was tried.
- The oracle is far above every vote. On most questions that a vote loses, some LLM was right and was outvoted.
"""


def fusions(members: tuple[str, ...] | None) -> dict[str, Vote]:
    """What is compared, over these candidates."""
    found: dict[str, Vote] = {"vote": Vote(members=members)}
    found |= {f"vote, top {top}": Vote(members=members, top=top) for top in (3, 5, 7)}
    found |= {"weighted_vote": WeightedVote(members=members), "weighted_vote, top 5": WeightedVote(members=members, top=5)}
    for size in (3, 5, 7):
        for weight in (0.0, 0.2, 0.5):
            found[f"topla, {size} members, weight {weight:g}"] = Topla(members=members, size=size, diversity_weight=weight)
    return found


def measure(table: AnswerTable, members: tuple[str, ...] | None = None) -> Comparison:
    """All of them on one group of LLMs."""
    return compare(table, fusions(members), single_from=members)


def markdown(found: Comparison) -> str:
    """The comparison as a table."""
    lines = ["| | calls | performance | gain over the best single LLM |", "|---|---:|---:|---:|"]
    for i, name in enumerate(found.names):
        calls = str(len(found.members[i][0])) if found.members[i] else ""
        gain = (
            ""
            if name == "best_single"
            else f"{found.gain.mean[i]:+.4f} ({found.gain.low[i]:+.4f} to {found.gain.high[i]:+.4f})"
        )
        mean = f"{found.performance.mean[i]:.4f} ({found.performance.low[i]:.4f} to {found.performance.high[i]:.4f})"
        lines.append(f"| {name} | {calls} | {mean} | {'' if name == 'best_single' else gain} |")
    return "\n".join(lines)


def main() -> None:
    if len(sys.argv) != 2 or not (logs := sorted(Path(sys.argv[1]).glob("*.json.gz"))):
        raise SystemExit(f"{sys.argv[1:]}: expected one folder that holds ZeroEval's *.json.gz")
    with tempfile.TemporaryDirectory() as folder:
        table = read_answers(build("zeroeval", logs, Path(folder) / "release"))
    assert not np.isnan(table.performance).any()
    small, everyone = markdown(measure(table, SMALL)), markdown(measure(table))
    text = TEXT.format(queries=len(table.query_ids), llms=len(table.candidates), small=small, all=everyone)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
