"""The runs of LightEval: whose answers the details are, by the results files and the folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.harness_metrics import split_of_words
from llmfusionbench.builders.reading.model_names import RoutedName, name_of_folder, routed_name
from llmfusionbench.builders.reading.run_times import is_time, time_of
from llmfusionbench.builders.reading.stated_scores import Stated, numbers_in, positive

_DETAILS: Final = "details"
_SUITES: Final = (
    "lighteval", "harness", "helm", "bigbench", "leaderboard", "original", "custom", "extended", "community", "multilingual",
    "helm_general", "bigbench_lite", "code_generation_lite", "test",
)  # fmt: skip
_KEYS: Final = ("config_general", "config_tasks", "summary_tasks")


@dataclass(frozen=True)
class Results:
    """What one results file states."""

    time: str
    model: str | None
    tasks: Mapping[str, Any]
    settings: Mapping[str, Any] | None
    stated: Mapping[str, Stated] = field(default_factory=dict)
    """Task -> the number of its samples, and the means of its metrics."""

    @property
    def llm(self) -> RoutedName | None:
        """The name one routes to."""
        return None if self.model is None else routed_name(self.model)

    def split(self, task: str) -> str | None:
        """The split that a task was evaluated on."""
        splits = _config(self.tasks, task).get("evaluation_splits")
        return split_of_words(splits[0] if isinstance(splits, list) and splits else splits)


def results_in(path: Path, fields: Mapping[str, Any]) -> Results | None:
    """What the fields of a JSON file state, if it is a results file; else None."""
    if not isinstance(fields.get("results"), dict) or not any(isinstance(fields.get(key), dict) for key in _KEYS):
        return None
    general = fields.get("config_general")
    general = general if isinstance(general, dict) else {}
    config = general.get("model_config")
    config = config if isinstance(config, dict) else {}
    names = (general.get("model_name"), config.get("model_name"), config.get("pretrained"))
    settings = config.get("generation_parameters", general.get("generation_parameters"))
    tasks = fields.get("config_tasks")
    tasks = tasks if isinstance(tasks, dict) else {}
    return Results(
        time=time_of(path)[1],
        model=next((name.strip() for name in names if isinstance(name, str) and name.strip()), None),
        tasks=tasks,
        settings=settings if isinstance(settings, dict) else None,
        stated=_stated(fields["results"], tasks),
    )


def _config(tasks: Mapping[str, Any], task: str) -> Mapping[str, Any]:
    """The configuration of a task; empty where there is none."""
    for name, config in tasks.items():
        if isinstance(config, dict) and task in (plain_task(name.replace(":", "|", 1)), plain_task(name)):
            return config
    return {}


def _stated(results: Mapping[str, Any], tasks: Mapping[str, Any]) -> dict[str, Stated]:
    """What is stated of each task that stands once among the results, not with several numbers of shots."""
    names = Counter(plain_task(name) for name in results)
    return {
        task: Stated(positive(_config(tasks, task).get("effective_num_docs")), numbers_in(scores))
        for name, scores in results.items()
        if names[task := plain_task(name)] == 1
    }


def folder_of_llm(path: Path) -> RoutedName | None:
    """The LLM of `details/<org>/<model>/<time>/`, of `<org>__<model>/`, or of a data set `details_<org>__<model>`."""
    folders = [part.name for part in path.absolute().parents]
    below = folders[1:] if folders and is_time(folders[0]) else folders
    if _DETAILS in below:
        parts = below[: below.index(_DETAILS)][::-1]
        if parts:
            return routed_name("/".join(parts))
    for folder in below[:2]:
        found = name_of_folder(folder.removeprefix("details_"))
        if found:
            return found
    return None


def plain_task(name: str) -> str:
    """The task without its suite, its number of shots and its flag of truncation: `gsm8k` of `lighteval|gsm8k|5|0`."""
    parts = [part for part in name.split("|") if part]
    while len(parts) > 1 and parts[-1].isdecimal():
        parts.pop()
    if len(parts) > 1 and parts[0] in _SUITES:
        parts = parts[1:]
    return "|".join(parts) or name
