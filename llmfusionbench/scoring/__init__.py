"""Metrics of the benchmark's tasks: text, choices, numbers, mathematics and code; pure, deterministic, offline."""

from llmfusionbench.scoring.code_eval import CodeProgram, CodeRunner, code_program, code_score
from llmfusionbench.scoring.column import ScoredColumn, score_column
from llmfusionbench.scoring.normalise import normalise
from llmfusionbench.scoring.outcome import OFFICIAL, VERSION, Score
from llmfusionbench.scoring.score import METRICS, Metric, score
from llmfusionbench.scoring.truths import accepted_answers

__all__ = [
    "METRICS",
    "OFFICIAL",
    "VERSION",
    "CodeProgram",
    "CodeRunner",
    "Metric",
    "Score",
    "ScoredColumn",
    "accepted_answers",
    "code_program",
    "code_score",
    "normalise",
    "score",
    "score_column",
]
