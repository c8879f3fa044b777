"""What the header of an Inspect log states of all its samples: task, LLM, settings, scorers and their graders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, named, text
from llmfusionbench.builders.reading.inspect_model import model_name
from llmfusionbench.builders.reading.loose import loose_moment
from llmfusionbench.builders.reading.model_names import RoutedName
from llmfusionbench.builders.reading.objects import sampling
from llmfusionbench.builders.reading.splits import split_of_word

_GRADERS: Final = ("grader_model", "model", "judge_model", "judge", "grader")
"""Arguments of scorers that name the model that grades."""
_GRADED: Final = "model_graded"
_MEANS: Final = ("accuracy", "mean")


@dataclass(frozen=True)
class Scorer:
    """A scorer of a log."""

    name: str
    grader: RoutedName | None
    """The model that gives the score; None where no model does."""


@dataclass(frozen=True)
class Header:
    """The header of a log."""

    task: str
    requested_model: str
    llm: RoutedName
    endpoint: str | None
    split: str
    sampling: dict[str, Any] | None
    scorers: Sequence[Scorer]
    status: str
    error: str | None
    """Why the run ended, if it failed."""
    created: str | None
    task_id: str
    """The same in a log and in those of its retries."""
    expected: int
    """Number of samples that the log states, all epochs; 0 if it states none."""
    names: list[str] = field(default_factory=list)
    """Names of the scorers."""
    beyond: frozenset[str] = frozenset()
    """Scorers, with the key behind a dot where they have several, whose mean is outside 0 to 1."""

    def grader(self, scorer: str | None) -> RoutedName | None:
        """The model that grades for a scorer, which may be named with a key."""
        if scorer is None:
            return None
        return next((s.grader for s in self.scorers if scorer == s.name or scorer.startswith(f"{s.name}.")), None)


def read_header(found: Mapping[str, Any]) -> Header:
    """The header as a log states it, of version 1, 2 or 3.

    Raises:
        BadRecordError: it does not state a task and a model.
    """
    evaluated = found.get("eval")
    if not isinstance(evaluated, dict):
        raise BadRecordError(f"eval is {named(evaluated)}, expected an object with the task and the model of a log of Inspect")
    task, model = text(evaluated, "task"), text(evaluated, "model")
    if not task or not model:
        raise BadRecordError(f"eval has no {'task' if not task else 'model'}, expected its name")
    known = model_name(model, text(_object(evaluated.get("model_args")), "model_path"))
    results, config = _object(found.get("results")), _object(evaluated.get("config"))
    plan = _object(found.get("plan"))
    settings = _object(evaluated.get("model_generate_config")) | {
        k: v for k, v in _object(plan.get("config")).items() if v is not None
    }
    scorers = _scorers(evaluated, results, known.llm)
    error = found.get("error")
    return Header(
        task=task.rpartition("@")[2].rpartition("/")[2] or task,
        requested_model=model,
        llm=known.llm,
        endpoint=text(evaluated, "model_base_url") or known.endpoint,
        split=_split(_object(evaluated.get("task_args"))),
        sampling=sampling(settings or None, "the generation config"),
        scorers=scorers,
        status=str(found.get("status") or "unknown")[:40],
        error=text(error, "message") if isinstance(error, dict) else None,
        created=loose_moment(evaluated.get("created")),
        task_id=str(evaluated.get("task_id") or evaluated.get("run_id") or "")[:200],
        expected=_expected(results, _object(evaluated.get("dataset")), config),
        names=[scorer.name for scorer in scorers],
        beyond=frozenset(_beyond(results)),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _scorers(evaluated: Mapping[str, Any], results: Mapping[str, Any], llm: RoutedName) -> list[Scorer]:
    """The scorers in their order: of the specification, of the results, or the only one of older logs."""
    roles = _object(evaluated.get("model_roles"))
    found: dict[str, Scorer] = {}
    given = [*_listed(evaluated.get("scorers")), *_listed(results.get("scores")), *_listed([results.get("scorer")])]
    for scorer in given:
        name = scorer.get("scorer") or scorer.get("name")
        if isinstance(name, str) and name and name not in found:
            options = _object(scorer.get("options")) or _object(scorer.get("params"))
            found[name] = Scorer(name, _grader(name, options, roles, llm))
    return list(found.values())


def _beyond(results: Mapping[str, Any]) -> Iterator[str]:
    for scored in _listed(results.get("scores")):
        name, scorer = scored.get("name"), scored.get("scorer")
        means = [_object(_object(scored.get("metrics")).get(metric)).get("value") for metric in _MEANS]
        if isinstance(name, str) and any(isinstance(mean, (int, float)) and not 0 <= mean <= 1 for mean in means):
            yield name if scorer in (name, None) else f"{scorer}.{name}"


def _grader(name: str, options: Mapping[str, Any], roles: Mapping[str, Any], llm: RoutedName) -> RoutedName | None:
    """The model that a scorer grades with: by its arguments, by its role, or for Inspect's own graders the evaluated one.

    Several that grade together are one judge, named by all of them, whose paths are not cut.
    """
    stated = [_models(options.get(key)) for key in _GRADERS]
    role = options.get("model_role") or ("grader" if _GRADED in name else None)
    by_role = _models(roles.get(role)) if isinstance(role, str) else []
    default = [llm] if _GRADED in name else []
    graders = next((models for models in (*stated, by_role, default) if models), None)
    if graders is None:
        return None
    return graders[0] if len(graders) == 1 else RoutedName(", ".join(map(str, graders)))


def _models(value: Any, path: Any = None) -> list[RoutedName]:
    """The LLM of a model that a scorer or a role has, or those of several; `path` is its argument `model_path`."""
    if isinstance(value, dict):
        return _models(value.get("model") or value.get("name"), _object(value.get("args")).get("model_path"))
    if isinstance(value, list):
        return [llm for part in value for llm in _models(part)]
    return [model_name(value, path if isinstance(path, str) else None).llm] if isinstance(value, str) and value else []


def _split(arguments: Mapping[str, Any]) -> str:
    return split_of_word(arguments.get("split") or arguments.get("dataset_split")) or "train"


def _expected(results: Mapping[str, Any], dataset: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    total = results.get("total_samples")
    if type(total) is int:
        return max(total, 0)
    ids, epochs = dataset.get("sample_ids"), config.get("epochs")
    return len(ids) * (epochs if type(epochs) is int and epochs > 0 else 1) if isinstance(ids, list) else 0
