"""ARC, the Challenge set: science questions of school tests, most with four options."""

from __future__ import annotations

from llmfusionbench.builders.tasks.multiple_choice import labelled
from llmfusionbench.builders.tasks.task import Task

TASK = Task(
    name="arc_challenge",
    metric="em_mc",
    dataset="allenai/ai2_arc",
    configs=("ARC-Challenge",),
    test_split="test",
    fields=("question", "choices", "answerKey"),
    optional=("id",),
    draft=labelled("question"),
    citation="Clark et al., Think you have Solved Question Answering? Try ARC, the AI2 Reasoning Challenge, 2018, "
    "arXiv 1803.05457",
)
