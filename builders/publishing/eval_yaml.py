"""eval.yaml, by which the Hub lists a dataset as a benchmark: its test splits as tasks of Inspect AI.

The format is that of huggingface.co/docs/hub/eval-results and of `inspect_ai._eval.task.hf`: a task is a whole split with one
scorer. It has no filter of rows and one text as target, so a split with several metrics, or with several accepted answers to a
query, cannot be a task.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any, Final

import yaml

from llmfusionbench.release import Release
from llmfusionbench.release.card_parts import banner
from llmfusionbench.release.opening import is_repository
from llmfusionbench.scoring.answers.booleans.boolean import as_boolean
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.types import sorted_splits

FRAMEWORK: Final = "inspect-ai"
EVAL_SPLITS: Final = ("test", "partial_test")

_NUMBER: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")
_GENERATE: Final = [{"name": "generate"}]
_SCORING: Final[dict[str, dict[str, Any]]] = {
    "em": {"solvers": _GENERATE, "scorers": [{"name": "exact"}]},
    "em_mc": {"solvers": [{"name": "multiple_choice"}], "scorers": [{"name": "choice"}]},
    "f1_score": {"solvers": _GENERATE, "scorers": [{"name": "f1"}]},
    "gsm8k": {"solvers": _GENERATE, "scorers": [{"name": "match", "args": {"numeric": True}}]},
}
"""Our metric -> solver and scorer of Inspect AI that mean the same, for the ground truths that `_has_target` accepts."""


def eval_yaml(release: Release, repo_id: str | None = None) -> str | None:
    """The text of eval.yaml; None if no test split can be a task.

    Args:
        release: The release.
        repo_id: `org/name` on the Hub, after which the benchmark is named; None names it after the package.

    Raises:
        ReleaseError: a file differs from the manifest.
    """
    tasks = [task for split in sorted_splits(EVAL_SPLITS) if (task := _task(release, split)) is not None]
    if not tasks:
        return None
    name = repo_id.partition("/")[2] if repo_id is not None and is_repository(repo_id) else "LLMFusionBench"
    made_up = " Rows are marked as simulated." if banner(release.manifest) else ""
    described = {
        "name": name,
        "description": f"The test queries of a log of many LLMs that answered the same queries.{made_up}",
        "evaluation_framework": FRAMEWORK,
        "tasks": tasks,
    }
    return yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=1000)


def _task(release: Release, split: str) -> dict[str, Any] | None:
    """A test split of the queries as a task; None if it has no rows, or Inspect AI has no scorer that fits all of them."""
    if split not in release.manifest["tables"].get("queries", {"splits": {}})["splits"]:
        return None
    rows = release.rows("queries", split, columns=["prompt", "messages", "ground_truth", "choices", "metric"]).to_pylist()
    metrics = {row["metric"] for row in rows}
    if len(metrics) != 1 or not metrics <= _SCORING.keys() or not all(map(_has_target, rows)):
        return None
    (metric,) = metrics
    fields = {"input": "prompt", "target": "ground_truth", **({"choices": "choices"} if metric == "em_mc" else {})}
    return {"id": f"{metric}_{split}", "config": "queries", "split": split, "field_spec": fields, **deepcopy(_SCORING[metric])}


def _has_target(row: dict[str, Any]) -> bool:
    """Whether the scorer of Inspect AI reads a query and its ground truth as our metric does."""
    truth, choices = row["ground_truth"], row["choices"]
    if row["prompt"] is None or row["messages"] is not None or truth is None:
        return False
    if row["metric"] == "em_mc":
        return choices is not None and re.fullmatch(r"[A-Z]", truth) is not None and ord(truth) - ord("A") < len(choices)
    if row["metric"] == "gsm8k":
        return _NUMBER.fullmatch(truth) is not None
    return accepted_answers(truth) == (truth,) and as_boolean(truth) is None
