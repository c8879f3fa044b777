"""Aggregates of Every Eval Ever: what a run states of its LLM, its metrics and their scales. The samples are read elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, count, number, text
from llmfusionbench.builders.reading.file_names import stem
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.builders.reading.metric_names import metric_word
from llmfusionbench.builders.reading.objects import sampling

OWN: Final = "llmfusionbench."
"""What the keys begin with in which our own export keeps what the schema has no place for."""
SAMPLES: Final = "_samples"
"""What the name of a file of samples ends in, after the id that it shares with its aggregate."""
_NOT_NAMED: Final = ("", "unknown", "none", "n/a")
_SPLITS: Final = {"val": "partial_test", "valid": "partial_test", "validation": "partial_test", "dev": "partial_test"}
_LLM_TEXTS: Final = ("family", "scale", "endpoint", "license", "description")
_LLM_NUMBERS: Final = ("parameters_b", "input_price", "output_price")


@dataclass(frozen=True)
class Result:
    """A metric of a run."""

    key: str
    """Its evaluation_result_id, else its evaluation_name."""
    name: str
    dataset: str
    metric: str | None
    labels: frozenset[str]
    """The names that `metric=` may give it, in small letters."""
    scale: tuple[float, float] | None
    """The ends of its scale; None where they are not stated or not finite."""
    is_loss: bool
    """Whether a lower score is better."""
    has_unknown: bool
    """Whether -1 stands for no score."""
    score: float | None
    """The score of the whole run."""
    shared: Mapping[str, Any]
    """Columns of a log record that it states for all answers: split, sampling, created_at."""

    def performance(self, score: float | None, scale: tuple[float, float] | None) -> float | None:
        """A sample's score from 0 to 1, higher is better, if its scale is known; else as it is. None for a loss without one."""
        if score is None or (self.has_unknown and score == -1) or (scale is None and self.is_loss):
            return None
        if scale is None:
            return score
        low, high = scale
        share = (score - low) / (high - low)
        return 1 - share if self.is_loss else share


@dataclass
class Spread:
    """The scores of the samples of one metric."""

    least: float = math.inf
    greatest: float = -math.inf
    total: float = 0.0
    count: int = 0

    def add(self, score: float) -> None:
        """Count one score."""
        self.least, self.greatest = min(self.least, score), max(self.greatest, score)
        self.total, self.count = self.total + score, self.count + 1

    def scale(self, result: Result) -> tuple[float, float] | None:
        """The scale of the samples: that of the metric, or 0 to 1 where the aggregate is a percentage of such scores."""
        if result.scale in (None, (0.0, 1.0)) or not self.count or self.least < 0 or self.greatest > 1:
            return result.scale
        assert result.scale is not None
        low, high = result.scale
        if result.score is None:
            return (0.0, 1.0) if high - low >= 100 else result.scale
        mean = self.total / self.count
        is_share = abs(low + mean * (high - low) - result.score) < abs(mean - result.score)
        return (0.0, 1.0) if is_share else result.scale


@dataclass(frozen=True)
class Run:
    """An aggregate: one run of one LLM."""

    file: str
    evaluation_id: str
    llm: str
    results: Mapping[str, Result]
    samples: frozenset[tuple[str, str]]
    """Folder and name (or, with an empty folder, the name alone) of the file of samples, without its endings."""
    rows: int | None
    """How many samples it states."""
    shared: Mapping[str, Any] = field(default_factory=dict)
    """Columns of a log record that it states for all answers: endpoint, provenance."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """The row of the LLM in the table `llms`."""

    def result(self, key: str | None, name: str) -> Result | None:
        """The metric of a sample, by its evaluation_result_id, else by its evaluation_name, else the only one."""
        if key is not None and key in self.results:
            return self.results[key]
        named = [result for result in self.results.values() if result.name == name] or list(self.results.values())
        return named[0] if len({(r.metric, r.scale, r.is_loss) for r in named}) == 1 else None

    def task(self, result: Result) -> str:
        """The dataset; the name of the evaluation where one metric is stated for several parts of the dataset."""
        same = [r for r in self.results.values() if r.dataset == result.dataset and r.metric == result.metric]
        return result.name if len({r.name for r in same}) > 1 else result.dataset


def is_aggregate(record: Any) -> bool:
    """Whether a record is an aggregate rather than a sample."""
    return isinstance(record, dict) and isinstance(record.get("evaluation_results"), list)


def run_of(record: Mapping[str, Any], path: Path, file: str) -> Run:
    """The run of an aggregate.

    Raises:
        BadRecordError: a field has another type than the schema states.
    """
    model = _part(record, "model_info")
    details = _part(model, "additional_details")
    library = _part(_part(record, "eval_library"), "additional_details")
    when = loose_moment(record.get("evaluation_timestamp"))
    results = [_result(_object(one, "evaluation_results[]"), when) for one in record["evaluation_results"]]
    pointer = _part(record, "detailed_evaluation_results")
    own = {OWN + "provenance": details.get(OWN + "provenance", library.get(OWN + "provenance"))}
    platform = text(model, "inference_platform")
    return Run(
        file=file,
        evaluation_id=text(record, "evaluation_id") or "",
        llm=text(model, "id") or text(model, "name") or "",
        results={result.key: result for result in results},
        samples=frozenset(_places(path, text(pointer, "file_path"))),
        rows=count(pointer, "total_rows"),
        shared={
            "endpoint": None if platform is None or platform.strip().lower() in _NOT_NAMED else platform,
            "provenance": own[OWN + "provenance"],
        },
        about={name: text(details, OWN + name) for name in _LLM_TEXTS if details.get(OWN + name)}
        | {name: own_number(details, name) for name in _LLM_NUMBERS if details.get(OWN + name)},
    )


def own_number(record: Mapping[str, Any], name: str) -> float | None:
    """A number that our own export wrote as text; None if there is none."""
    given = record.get(OWN + name)
    if given is None:
        return None
    try:
        return number({name: float(given)}, name)
    except (TypeError, ValueError) as error:
        raise BadRecordError(f"{OWN}{name} is {given!r:.40}, expected a number") from error


def partners(path: Path) -> Iterator[tuple[str, str]]:
    """What a file of samples may be called in `Run.samples`, the nearest first."""
    name = stem(path).removesuffix(SAMPLES)
    yield str(path.absolute().parent), name
    yield "", name


def split_of(name: str | None) -> str | None:
    """Our split for the name of one; `train` for one that is not known, None for none."""
    if name is None:
        return None
    said = name.strip().lower()
    return said if said in ("test", "partial_test") else _SPLITS.get(said, "train")


def _places(path: Path, stated: str | None) -> Iterable[tuple[str, str]]:
    yield str(path.absolute().parent), stem(path)
    if stated:
        yield "", stem(Path(PurePosixPath(stated).name)).removesuffix(SAMPLES)


def _result(record: Mapping[str, Any], when: str | None) -> Result:
    data, config = _part(record, "source_data"), _part(record, "metric_config")
    name = text(record, "evaluation_name") or ""
    key = text(record, "evaluation_result_id") or name
    names = [text(config, part) for part in ("metric_id", "metric_name", "metric_kind")]
    arguments = _part(_part(record, "generation_config"), "generation_args")
    said = _part(data, "additional_details").get("split")
    return Result(
        key=key,
        name=name,
        dataset=text(data, "dataset_name") or name,
        metric=next((metric_word(one) for one in names if one and one.strip()), None),
        labels=frozenset(one.strip().lower() for one in (*names, key, name) if one),
        scale=_scale(config),
        is_loss=config.get("lower_is_better") is True,
        has_unknown=config.get("has_unknown_level") is True,
        score=_end(_part(record, "score_details"), "score"),
        shared={
            "split": split_of(text(data, "hf_split") or (said if isinstance(said, str) else None)),
            "sampling": sampling({k: v for k, v in arguments.items() if k in ("temperature", "top_p", "max_tokens")}),
            "created_at": loose_moment(record.get("evaluation_timestamp")) or when,
        },
    )


def _scale(config: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = _end(config, "min_score"), _end(config, "max_score")
    levels = config.get("level_names")
    if None in (low, high) and config.get("score_type") == "binary":
        low, high = 0.0, 1.0
    elif None in (low, high) and isinstance(levels, list) and len(levels) > 1:
        low, high = 0.0, len(levels) - 1.0
    return None if low is None or high is None or low >= high else (low, high)


def _end(record: Mapping[str, Any], name: str) -> float | None:
    """A number; None for none and for an infinite one, which may be written as text."""
    value = record.get(name)
    if isinstance(value, str) and value.strip().lower() in ("infinity", "-infinity"):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return number(record, name)


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return {} if value is None else _object(value, name)


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadRecordError(f"{name} is not an object, expected one as in the schema of Every Eval Ever")
    return value
