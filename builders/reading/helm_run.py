"""The files of a HELM run, which belong together by their folder, and what they state of the whole run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, text
from llmfusionbench.builders.reading.json import read_fields, read_listed
from llmfusionbench.builders.records import Note
from llmfusionbench.errors import InputError

STATE: Final = "scenario_state.json"
SPEC: Final = "run_spec.json"
SCENARIO: Final = "scenario.json"
STATS: Final = "per_instance_stats.json"
NAMES: Final = (STATE, SPEC, SCENARIO, STATS)
"""The files of a run that are read."""
REQUESTS: Final = "request_states"
_PACKED: Final = (".gz", ".zst")
_OTHERS: Final = ("stats.json", "instances.json", "display_requests.json", "display_predictions.json")
"""Files of a run that hold nothing more, or not the whole answers."""


@dataclass(frozen=True)
class Run:
    """A run: one LLM on one scenario."""

    files: Mapping[str, tuple[Path, str]]
    """Name of a file of the run -> the file, and its name in messages."""
    llm: str
    deployment: str | None
    task: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    """The adapter's specification."""

    @property
    def state(self) -> tuple[Path, str]:
        """The file with the requests, and its name in messages."""
        return self.files[STATE]


def runs(paths: Iterable[tuple[Path, str]]) -> tuple[list[Run], list[Note]]:
    """(the runs that the files belong to, in the order in which their first files are given; what is left out beside them).

    Files of a run that are not among the inputs are read from the folder of those that are.

    Raises:
        InputError: no file is one of a HELM run, no run has a `scenario_state.json`, or a run states no model, or has a file
            twice.
    """
    folders: dict[Path, dict[str, tuple[Path, str]]] = {}
    others: list[Note] = []
    for path, file in paths:
        if not path.exists():
            raise InputError(f"{path}: No such file or directory. Remedy: check the path")
        name = _bare(path)
        if name not in NAMES:
            others += (
                [] if name in _OTHERS else [Note(file, f"not read, expected {', '.join(NAMES)} of a HELM run", warning=True)]
            )
        found = folders.setdefault(path.absolute().parent, {})
        if name in found:
            raise InputError(f"{path}: the run has another {name}, {found[name][0]}. Remedy: give one of them")
        found[name] = path, file
    whole: list[Run] = []
    for folder, files in folders.items():
        given, label = next(iter(files.values()))
        _complete(folder, files, label)
        if STATE in files:
            whole.append(_run(folder, files))
        else:
            others.append(Note(label, f"left out, because its folder has no {STATE}", warning=True))
    known = [path for files in folders.values() for path, _ in files.values() if _bare(path) in NAMES]
    if folders and not known:
        raise InputError(
            f"{given}: its name is not that of a file of a HELM run ({', '.join(NAMES)}). Remedy: give the folder of a run, "
            "or use another source"
        )
    if folders and not whole:
        raise InputError(
            f"{given}: its folder has no {STATE}, which holds the requests and the answers of a HELM run. "
            f"Remedy: give the whole folder of a run, with {', '.join(NAMES)}"
        )
    return whole, others


def _bare(path: Path) -> str:
    ending = next((e for e in _PACKED if path.name.endswith(e)), "")
    return path.name[: len(path.name) - len(ending)]


def _complete(folder: Path, files: dict[str, tuple[Path, str]], label: str) -> None:
    """Add the files of a run that lie beside those given."""
    for name in NAMES:
        beside = (folder / f"{name}{ending}" for ending in ("", *_PACKED))
        found = None if name in files else next((path for path in beside if path.is_file()), None)
        if found is not None:
            files[name] = found, f"{label.rpartition('/')[0]}/{found.name}".lstrip("/")


def _run(folder: Path, files: Mapping[str, tuple[Path, str]]) -> Run:
    path, file = files[STATE]
    state, has_requests = read_fields(path, file, REQUESTS, enough=frozenset({"adapter_spec"}))
    if not has_requests:
        for _ in read_listed(path, file, REQUESTS):  # tells of a file that is cut
            pass
        raise InputError(f"{path}: it has no list {REQUESTS}, expected the requests of a HELM run. Remedy: check the file")
    spec, scenario = (_fields(files, name) for name in (SPEC, SCENARIO))
    adapter = _object(spec.get("adapter_spec")) or _object(state.get("adapter_spec"))
    try:
        llm = text(adapter, "model") or _named(spec.get("name"), "model").replace("_", "/", 1)
        if not llm:
            raise BadRecordError("adapter_spec has no model, expected its name")
        task = _task(spec, scenario) or folder.name.partition(":")[0].partition("-")[0]
        deployment, method = text(adapter, "model_deployment"), text(adapter, "method") or ""
    except BadRecordError as error:
        raise InputError(f"{path}: {error}. Remedy: check {SPEC} beside it") from error
    return Run(files, llm, deployment, task, method, adapter)


def _fields(files: Mapping[str, tuple[Path, str]], name: str) -> dict[str, Any]:
    return read_fields(*files[name], "")[0] if name in files else {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _named(run: Any, argument: str) -> str:
    """An argument in a run's name, `scenario:argument=value,argument=value`."""
    parts = run.partition(":")[2].split(",") if isinstance(run, str) else []
    return next((part.partition("=")[2] for part in parts if part.partition("=")[0] == argument), "")


def _task(spec: Mapping[str, Any], scenario: Mapping[str, Any]) -> str | None:
    """The first group of the run, under which HELM reports it, or else the name of the scenario."""
    groups = spec.get("groups")
    if isinstance(groups, list) and groups and isinstance(groups[0], str) and groups[0]:
        return text({"groups": groups[0]}, "groups")
    name = text(spec, "name")
    return text(scenario, "name") or (name.partition(":")[0] if name else None)
