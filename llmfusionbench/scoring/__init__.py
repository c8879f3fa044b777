"""Metrics for text, choices, numbers, mathematics and code; pure, deterministic, offline."""

from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.column import ScoredColumn, score_column
from llmfusionbench.scoring.metrics import METRICS
from llmfusionbench.scoring.metrics.code_eval import CodeProgram, CodeRunner, code_program, code_score
from llmfusionbench.scoring.metrics.metric import Metric
from llmfusionbench.scoring.outcome import OFFICIAL, VERSION, Score
from llmfusionbench.scoring.score import score

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
