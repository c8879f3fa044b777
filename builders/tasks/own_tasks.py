"""A person's own tasks in a YAML file, checked by a JSON Schema: all that is wrong with it is named at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

import jsonschema

from llmfusionbench.builders.known.tasks import DOMAINS, canonical_task
from llmfusionbench.builders.reading.absent import near
from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, named, option_texts
from llmfusionbench.builders.reading.paths import parse_path
from llmfusionbench.builders.reading.yaml_file import read_yaml
from llmfusionbench.builders.tasks.cells import check_settings, index, source_id, unfolded
from llmfusionbench.builders.tasks.task import PARTIAL_TEST, TRAIN, Draft, Row, Task
from llmfusionbench.builders.tasks.template import Template, value_at
from llmfusionbench.errors import InputError
from llmfusionbench.scoring import METRICS
from llmfusionbench.validation.issue import shorten

_MOST: Final = 20
_PATHS: Final = ("ground_truth", "choices", "id", "group")
_FIRST: Final = {"index0": 0, "index1": 1}
_OF_DATASET: Final = ("config", "train_split", "test_split")


def read_tasks(path: Path) -> dict[str, Task]:
    """Name -> task, of a YAML file.

    Raises:
        InputError: the file cannot be read, or is not as it should be; every mistake is named with its place.
    """
    value = read_yaml(path)
    issues = list(dict.fromkeys(_issues(value)))
    if issues:
        more = f"; and {len(issues) - _MOST:,} more" if len(issues) > _MOST else ""
        raise InputError(f"{path}: {'; '.join(issues[:_MOST])}{more}. Remedy: correct the file")
    return {name: _task(name, lines, path) for name, lines in value["tasks"].items()}


@cache
def tasks_schema() -> dict[str, Any]:
    """The JSON Schema of a file of tasks."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("own_tasks.json").read_text(encoding="utf-8"))
    return schema


def _task(name: str, lines: Mapping[str, Any], path: Path) -> Task:
    asking = _Asking(
        prompt=Template(lines["prompt"], lines.get("choices")),
        system=Template(lines["system"], lines.get("choices")) if "system" in lines else None,
        truth=lines.get("truth", "as_is"),
        settings=lines.get("settings", {}),
        **{one: lines.get(one) for one in _PATHS},
    )
    return Task(
        name=name,
        metric=lines["metric"],
        draft=asking.draft,
        fields=tuple(asking.named),
        places={one: f"{path}: tasks.{name}.{line}" for one, line in asking.named.items()},
        dataset=lines.get("dataset"),
        configs=(lines.get("config"),),
        train_split=lines.get("train_split", "train"),
        test_split=lines.get("test_split"),
        train=lines.get("train", TRAIN),
        train_per_group="group" in lines,
        partial_test=lines.get("partial_test", PARTIAL_TEST),
        citation=lines.get("citation", ""),
        domain=lines.get("domain", ""),
        license=lines.get("license"),
        file=path.parent / lines["file"] if "file" in lines else None,
    )


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """How a row of a task becomes a draft."""

    prompt: Template
    system: Template | None
    truth: str
    ground_truth: str | None
    choices: str | None
    id: str | None
    group: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, str]:
        """The fields and paths that every row has -> the line of the task that names each first."""
        lines = [("prompt", path) for path in self.prompt.paths]
        lines += [("system", path) for path in (self.system.paths if self.system else ())]
        lines += [(line, path) for line in _PATHS if (path := getattr(self, line)) is not None]
        found: dict[str, str] = {}
        for line, path in lines:
            found.setdefault(path, line)
        return found

    def draft(self, row: Row) -> Draft:
        """The draft of a row; see `Task.draft`."""
        shown = dict(row)
        options = None
        if self.choices is not None:
            options = option_texts(unfolded(value_at(row, self.choices)), self.choices)
            if options is None or not 2 <= len(options) <= len(ascii_uppercase):
                raise BadRecordError(f"{self.choices} has {len(options or ())} options, expected 2 to {len(ascii_uppercase)}")
            shown[self.choices] = options
        system = [{"role": "system", "content": self.system.filled(shown)}] if self.system else []
        return Draft(
            messages=[*system, {"role": "user", "content": self.prompt.filled(shown)}],
            ground_truth=self._truth(row, options),
            choices=None if options is None else tuple(options),
            source_id=source_id({self.id: value_at(row, self.id)}, self.id) if self.id else None,
            group=str(value_at(row, self.group)) if self.group else "",
            settings=self.settings,
        )

    def _truth(self, row: Row, options: list[str] | None) -> str | None:
        if self.ground_truth is None:
            return None
        value = value_at(row, self.ground_truth)
        if self.truth != "as_is":
            return ascii_uppercase[index({self.ground_truth: value}, self.ground_truth, len(options or ()), _FIRST[self.truth])]
        text = str(value).lower() if isinstance(value, bool) else answer_text(unfolded(value), self.ground_truth)
        if text is None or not text.strip():
            raise BadRecordError(f"{self.ground_truth} is {named(value)}, expected an answer")
        return text


def _issues(value: Any) -> Iterator[str]:
    """What is wrong with the content of a file."""
    for error in jsonschema.Draft202012Validator(tasks_schema()).iter_errors(value):
        yield from _words_of(error)
    tasks = value.get("tasks") if isinstance(value, dict) else None
    for name, lines in tasks.items() if isinstance(tasks, dict) else ():
        if canonical_task(name) in DOMAINS:
            yield f"tasks.{name} has the name of a task of the catalog, expected another one"
        if isinstance(lines, dict):
            yield from (f"tasks.{name}: {issue}" for issue in _issues_of_task(lines))


def _issues_of_task(lines: Mapping[str, Any]) -> Iterator[str]:
    if ("file" in lines) == ("dataset" in lines):
        yield "expected one of file and dataset"
    if "dataset" not in lines and (named := [name for name in _OF_DATASET if name in lines]):
        yield f"{', '.join(named)} without dataset"
    metric = lines.get("metric")
    if isinstance(metric, str) and metric not in METRICS:
        yield f"metric is {shorten(metric)}{near(metric, METRICS)}, expected {', '.join(METRICS)}"
    elif isinstance(metric, str) and METRICS[metric].needs_truth and "ground_truth" not in lines:
        yield f"no ground_truth, which the metric {metric} needs"
    if lines.get("truth", "as_is") != "as_is" and not {"choices", "ground_truth"} <= lines.keys():
        yield "truth without choices and ground_truth"
    try:
        check_settings(lines.get("settings"), "settings")
    except BadRecordError as error:
        yield str(error)
    for name in ("prompt", "system", *_PATHS):
        text = lines.get(name)
        if isinstance(text, str):
            try:
                paths = Template(text).paths if name in ("prompt", "system") else parse_path(text)
            except InputError as error:
                yield f"{name}: {str(error).split('. Remedy')[0]}"
                continue
            if name == "prompt" and not paths:
                yield f"prompt is {shorten(text)}, expected a field of the row in braces in it"


def _words_of(error: Any) -> Iterator[str]:
    place = ".".join(map(str, error.absolute_path)) or "the file"
    if error.validator == "required":
        yield from (f"{place} has no {name}" for name in error.validator_value if name not in error.instance)
    elif error.validator == "additionalProperties":
        known = error.schema["properties"]
        for name in error.instance.keys() - known.keys():
            yield f"{place} has an unknown line {shorten(name)}{near(str(name), known)}, expected {', '.join(known)}"
    elif error.validator == "pattern" and "propertyNames" in error.absolute_schema_path:
        yield f"{place} has the name {shorten(error.instance)}, expected letters, digits, dots, dashes and underscores"
    else:
        shown = "an object" if isinstance(error.instance, dict) else shorten(error.instance)
        yield f"{place} is {shown}, expected {error.schema.get('x-words') or error.message}"
