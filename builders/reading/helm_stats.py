"""The statistics of a HELM run by instance: scores and counts of tokens, which `scenario_state.json` does not hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, identifier, number
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import each_record
from llmfusionbench.builders.reading.metric_names import metric_word
from llmfusionbench.builders.records import Rejected

Key = tuple[str | None, str, int]
"""Instance, perturbation and trial."""

_FOR_CHOICES: Final = ("chain_of_thought_correctness", "exact_match", "quasi_exact_match")
_FOR_TEXTS: Final = (
    "chain_of_thought_correctness", "final_number_exact_match", "exact_match_indicator", "math_equiv_chain_of_thought",
    "math_equiv", "ifeval_strict_accuracy", "wildbench_score_rescaled", "omni_math_accuracy", "safety_score", "code_eval_acc",
    "f1_score", "quasi_exact_match", "exact_match", "rouge_2", "rouge_l", "bleu_4", "quasi_prefix_exact_match",
    "prefix_exact_match",
)  # fmt: skip
"""HELM's main metrics, those of special scenarios first; the first one that a run has is its main metric."""
_OTHER: Final = {
    "num_references", "num_train_trials", "num_prompt_tokens", "num_completion_tokens", "num_output_tokens",
    "training_co2_cost", "training_energy_cost", "inference_runtime", "inference_idealized_runtime",
    "inference_denoised_runtime", "batch_size", "finish_reason_length", "finish_reason_stop", "finish_reason_endoftext",
    "finish_reason_unknown", "num_train_instances", "prompt_truncated", "max_prob", "logprob", "num_perplexity_tokens",
    "num_bytes", "predicted_index", "num_instances",
}  # fmt: skip
"""Statistics that are not scores."""
_OURS: Final = {"quasi_exact_match": "em", "math_equiv": "math", "math_equiv_chain_of_thought": "math"}
"""HELM's metrics of texts that mean the same as one of ours with another name."""
_MOST_TOKENS: Final = 2**53
_ROUNDING: Final = 1e-9


@dataclass
class Stats:
    """Means and sums by instance."""

    values: dict[Key, dict[str, tuple[float, float]]] = field(default_factory=dict)
    """Instance -> statistic -> (sum, count)."""
    scores: dict[str, int] = field(default_factory=dict)
    """Metrics that the run has, and for how many instances."""

    def mean(self, key: Key, name: str) -> float | None:
        """The mean of a statistic; None if there is none."""
        total, values = self.values.get(key, {}).get(name, (0.0, 0.0))
        found = total / values if values else math.nan
        return found if math.isfinite(found) else None

    def is_share(self, name: str) -> bool:
        """Whether all means of a statistic are from 0 to 1."""
        found = (values[name] for values in self.values.values() if name in values)
        return all(-_ROUNDING <= total <= count + _ROUNDING for total, count in found if count)

    def total(self, key: Key, *names: str) -> int | None:
        """The sum of the first of some statistics that the instance has, as a whole number."""
        found = next((self.values[key][name] for name in names if name in self.values.get(key, {})), None)
        whole = found and found[1] and abs(found[0]) <= _MOST_TOKENS and found[0] == int(found[0])
        return int(found[0]) if found and whole else None


def read_stats(path: Path, file: str, stats: Stats) -> Iterator[Rejected]:
    """Add the statistics of a file to `stats`; those that cannot be read are rejected."""

    def read(record: dict[str, Any]) -> list[None]:
        key = key_of(identifier(record, "instance_id"), record.get("perturbation"), record.get("train_trial_index"))
        values = stats.values.setdefault(key, {})
        listed = record.get("stats")
        if not isinstance(listed, list):
            raise BadRecordError("stats is not a list, expected those of an instance")
        for stat in listed:
            named = stat.get("name") if isinstance(stat, dict) else None
            name = named.get("name") if isinstance(named, dict) else named
            if not isinstance(name, str) or not isinstance(stat, dict):
                raise BadRecordError("a statistic has no name, expected {name: {name}, count, sum}")
            total, count = number(stat, "sum"), number(stat, "count")
            if total is None or count is None:  # older files state the mean alone
                total, count = number(stat, "mean"), 1.0
            if total is None or name in values:
                continue
            values[name] = total, count
            if name not in _OTHER and "@" not in name:
                stats.scores[name] = stats.scores.get(name, 0) + 1
        return []

    for item in each_record(read_items(path, file), file, read):
        if isinstance(item, Rejected):
            yield item


def key_of(instance: str | None, perturbation: Any, trial: Any) -> Key:
    """What identifies the requests of one instance in one trial."""
    return instance, perturbation_name(perturbation), trial if isinstance(trial, int) else 0


def perturbation_name(value: Any) -> str:
    """The name of a perturbation, with its settings where it has any; empty for an instance as it is in the dataset."""
    if not isinstance(value, Mapping):
        return str(value)[:200] if isinstance(value, str) else ""
    settings = sorted(
        f"{k}={v}" for k, v in value.items() if k not in ("name", "computed_on") and isinstance(v, (str, int, float))
    )
    return ",".join([str(value.get("name") or "perturbed"), *settings])[:400]


def main_metric(stats: Stats, has_choices: bool) -> str | None:
    """The metric that HELM reports first for such a run; any other one from 0 to 1 if it has none of these."""
    known = (*_FOR_CHOICES, *_FOR_TEXTS) if has_choices else _FOR_TEXTS
    ordered = (*(name for name in known if name in stats.scores), *stats.scores)
    return next((name for name in ordered if stats.is_share(name)), None)


def metric_name(name: str, has_choices: bool) -> str:
    """The metric that a statistic stands for: ours if it means the same, else HELM's own name in small letters."""
    if has_choices and name in _FOR_CHOICES:
        return "em_mc"
    return _OURS.get(name) or metric_word(name)
