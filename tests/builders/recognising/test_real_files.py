"""Every real file and folder is taken for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.builders.recognising import recognise
from tests.helpers.reading import REAL_LOGS, real_logs

FOLDERS = {
    "formats/alpaca_eval": "alpaca_eval",
    "formats/crux": "zeroeval",
    "formats/eee": "eee",
    "formats/eee/demo": "eee",
    "formats/helm": "helm",
    "formats/inspect": "inspect",
    "formats/lm_eval": "lm_eval",
    "formats/mt_bench": "mt_bench",
    "formats/openai_batch": "openai_batch",
    "formats/routerarena": "routerarena",
    "formats/shapes/arena_shape": "arena",
    "formats/shapes/lighteval_shape": "lighteval",
    "formats/shapes/litellm_shape": "litellm",
    "formats/shapes/opencompass_shape": "opencompass",
    "formats/shapes/promptfoo_shape": "promptfoo",
    "llmrouter": "llmrouter",
    "wildbench": "wildbench",
    "zeroeval_gsm8k": "zeroeval",
}
NO_LOGS = ("eval.schema.json", "instance_level_eval.schema.json")
"""Files beside logs that hold no records."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder(folder: str) -> None:
    (place,) = real_logs(folder)
    found = recognise([place])
    assert found.settled() == FOLDERS[folder]
    assert {path.name for path in found.left} <= {*NO_LOGS}


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_file_by_itself(folder: str) -> None:
    files = [path for path in real_logs(f"{folder}/**/*") if path.is_file() and path.name not in NO_LOGS]
    assert files
    assert {str(path.relative_to(REAL_LOGS)): recognise([path]).source for path in files} == {
        str(path.relative_to(REAL_LOGS)): FOLDERS[folder] for path in files
    }


@pytest.mark.parametrize("name", ["scored_sets/*/rows.jsonl.gz", "code_tasks/*.jsonl.gz", "formats/eee/*.schema.json"])
def test_what_is_no_log_of_a_known_format(name: str) -> None:
    found = {path.name: recognise([path]) for path in real_logs(name)}
    assert all(one.source is None for one in found.values())
    assert all("its format is not known" in str(one.problem) for one in found.values())


def test_all_formats_at_once_are_named_with_their_commands() -> None:
    places: list[Path] = real_logs("formats/mt_bench", "formats/lm_eval", "formats/helm")
    problem = str(recognise(places).problem)
    assert problem.startswith("the inputs are of 3 formats:")
    assert all(f"llmfusionbench build {source} " in problem for source in ("mt_bench", "lm_eval", "helm"))
