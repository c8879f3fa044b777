"""The results files of lm-evaluation-harness: whose answers the samples beside them are, and how their tasks are scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, writable
from llmfusionbench.builders.reading.harness_metrics import split_of_words
from llmfusionbench.builders.reading.json import read_fields
from llmfusionbench.builders.reading.loose import loose_amount, loose_moment
from llmfusionbench.builders.reading.model_names import RoutedName, name_of_folder, routed_name
from llmfusionbench.builders.reading.run_times import time_of
from llmfusionbench.builders.reading.stated_scores import Stated, numbers_in, positive
from llmfusionbench.errors import InputError

_MODEL_KEYS: Final = ("peft", "delta", "pretrained", "model", "path", "engine")
"""The arguments of a model that name it, in the harness' own order."""
_OF_RESULTS: Final = ("configs", "config", "versions", "n-shot", "higher_is_better")
_SPLITS: Final = ("test_split", "validation_split", "training_split")
_SAMPLES: Final = "samples_"


@dataclass(frozen=True)
class Results:
    """What one results file states."""

    folder: Path
    time: str
    """The time in its name; empty where that has none."""
    model: str | None
    """The name of the LLM as it was given to the harness."""
    tasks: Mapping[str, Mapping[str, Any]]
    """Task -> its configuration, empty where the file has none."""
    metrics: Mapping[str, tuple[str, ...]]
    """Task -> the names of its metrics, without those of which a low value is good."""
    beyond: Mapping[str, frozenset[str]]
    """Task -> the names of its metrics whose mean is outside 0 to 1."""
    created_at: str | None
    limit: float | None
    """The number or share of samples that the run was limited to."""
    stated: Mapping[str, Stated] = field(default_factory=dict)
    """Task -> the number of its samples, and the means of its metrics."""

    @property
    def llm(self) -> RoutedName | None:
        """The name one routes to."""
        return None if self.model is None else routed_name(self.model)

    def split(self, task: str) -> str | None:
        """The split whose samples the harness used: that of tests, else that of validation."""
        config = self.tasks.get(task, {})
        return split_of_words(next((config[name] for name in _SPLITS if config.get(name)), None))


def task_of(path: Path, results: Results | None) -> str:
    """The task of a file of samples, by its name and by the tasks of its run."""
    name = time_of(path)[0]
    if name.startswith(_SAMPLES) and len(name) > len(_SAMPLES):
        return name.removeprefix(_SAMPLES)
    known = [task for task in (results.tasks if results else ()) if name == task or name.endswith(f"_{task}")]
    return max(known, key=len, default=name)


def read_results(path: Path, file: str) -> Results | None:
    """What a file states, if it holds results; None for any other file."""
    fields, _ = read_fields(path, file, "\0")
    scores = fields.get("results")
    if not isinstance(scores, dict) or not any(isinstance(fields.get(name), dict) for name in _OF_RESULTS):
        return None
    try:
        return _results(path, fields, scores)
    except BadRecordError as error:
        raise InputError(f"{path}: {error}. Remedy: correct the file") from error


def _results(path: Path, fields: Mapping[str, Any], scores: Mapping[str, Any]) -> Results:
    configs, settings = _object(fields, "configs"), _object(fields, "config")
    better = _object(fields, "higher_is_better")
    tasks = {task: _object(configs, task) for task in dict.fromkeys([*configs, *scores])}
    limit = loose_amount(settings.get("limit")) or None
    counts = _object(fields, "n-samples")
    return Results(
        folder=path.absolute().parent,
        time=time_of(path)[1],
        model=_model(fields, settings),
        tasks=tasks,
        metrics={task: tuple(_metrics(config, _object(scores, task), _object(better, task))) for task, config in tasks.items()},
        beyond={task: frozenset(_beyond(_object(scores, task))) for task in tasks},
        created_at=loose_moment(fields.get("date")),
        limit=limit,
        stated={
            task: Stated(_samples(counts.get(task), limit), numbers_in(scores.get(task), [*_not_means(config)]))
            for task, config in tasks.items()
        },
    )


def _samples(counts: Any, limit: float | None) -> int | None:
    """How many samples of a task were evaluated: stated as such, or all of them in a run without a limit."""
    if not isinstance(counts, dict):
        return None
    return positive(counts.get("effective")) or (positive(counts.get("original")) if limit is None else None)


def _not_means(config: Mapping[str, Any]) -> Iterable[str]:
    """The metrics of a task that are made of the samples in another way than by their mean."""
    listed = config.get("metric_list")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("metric"), str) and entry.get("aggregation", "mean") != "mean":
            yield entry["metric"]


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _model(fields: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    """`model_name`, or what names the model in the arguments that the harness was given: a text or an object."""
    arguments = settings.get("model_args")
    if isinstance(arguments, str):
        pairs = (part.partition("=") for part in arguments.split(","))
        arguments = {name.strip(): value.strip() for name, _, value in pairs}
    given = arguments if isinstance(arguments, dict) else {}
    for value in (fields.get("model_name"), *(given.get(key) for key in _MODEL_KEYS)):
        if isinstance(value, str) and value.strip():
            return writable(value.strip(), "the name of the LLM")
    return None


def _metrics(config: Mapping[str, Any], scores: Mapping[str, Any], better: Mapping[str, Any]) -> Iterable[str]:
    listed = config.get("metric_list")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("metric"), str) and entry.get("higher_is_better") is not False:
            yield entry["metric"]
    for name in scores:
        metric = name.partition(",")[0]
        if metric != "alias" and not metric.endswith("_stderr") and better.get(metric) is not False:
            yield metric


def _beyond(scores: Mapping[str, Any]) -> Iterable[str]:
    for name, mean in scores.items():
        if isinstance(mean, (int, float)) and not 0 <= mean <= 1:
            yield name.partition(",")[0]


def results_of(path: Path, known: Sequence[Results]) -> Results | None:
    """The results of the run that wrote a file of samples: of its time, of its folder, or the only ones of its folder's LLM."""
    time, folder = time_of(path)[1], path.absolute().parent
    near = [results for results in known if results.folder == folder]
    for group in (near, list(known)):
        if time and (found := [results for results in group if results.time == time]):
            return found[0]
    untimed = [results for results in near if not (results.time and time)]
    if len(untimed) == 1:
        return untimed[0]
    return near[-1] if near and len({results.model for results in near}) == 1 else None


def files_beside(path: Path) -> list[Path]:
    """The results files that may lie next to a file of samples."""
    time = time_of(path)[1]
    found = sorted(path.parent.glob(f"*{time}.json*")) if time else []
    found += [path.with_name("results.json" + ending) for ending in ("", ".gz", ".zst")]
    return [other for other in found if not other.name.startswith(_SAMPLES) and other.is_file()]


def llm_of_folder(path: Path) -> RoutedName | None:
    """The LLM that the folder of a file is named after, `org__model`."""
    return name_of_folder(path.absolute().parent.name)
