"""How good the judges of a release are: agreement, biases, and what they say against the metrics of the tasks."""

from llmfusionbench.evaluation.judges.retests import retest_name, retest_of

__all__ = ["retest_name", "retest_of"]
