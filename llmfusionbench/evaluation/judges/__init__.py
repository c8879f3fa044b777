"""How good the judges of a release are: agreement, biases, and what they say against the metrics of the tasks."""

from llmfusionbench.evaluation.judges.judge_figures import JudgeFigures
from llmfusionbench.evaluation.judges.report import JudgeReport, judge_report

__all__ = ["JudgeFigures", "JudgeReport", "judge_report"]
