"""Judging: LLMs score the answers of a release, and a report tells how far each judge can be trusted."""

from llmfusionbench.builders.judging.answers import Choice
from llmfusionbench.builders.judging.costs import costs_of
from llmfusionbench.builders.judging.outcome import JudgeRun
from llmfusionbench.builders.judging.plan import Plan, Task, plan
from llmfusionbench.builders.judging.preferences import Preference, preferences
from llmfusionbench.builders.judging.questions import forecast_of
from llmfusionbench.builders.judging.retry import Retry
from llmfusionbench.builders.judging.rubric import Rubric
from llmfusionbench.builders.judging.rubric_file import RUBRICS, read_rubric
from llmfusionbench.builders.judging.run import judge
from llmfusionbench.builders.judging.verdict import Verdict, read_verdict

__all__ = [
    "RUBRICS",
    "Choice",
    "JudgeRun",
    "Plan",
    "Preference",
    "Retry",
    "Rubric",
    "Task",
    "Verdict",
    "costs_of",
    "forecast_of",
    "judge",
    "plan",
    "preferences",
    "read_rubric",
    "read_verdict",
]
