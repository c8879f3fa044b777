"""Judges that are named by paths: two whose paths end alike never become one, and records keep what tells them apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.making.path_names import told_apart
from llmfusionbench.builders.reading.inspect_model import model_name
from llmfusionbench.builders.reading.model_names import RoutedName, name_of_path
from llmfusionbench.builders.reading.promptfoo_results import llm_of
from llmfusionbench.release import Release
from tests.helpers import inspect_log
from tests.helpers.parts import Parts, record
from tests.helpers.reading import write_json, write_lines

A, B = "/ckpt/A/judge-8b", "/ckpt/B/judge-8b"
REMEDY = "If they are one, build the log of each by itself, where the name stays short, and merge the releases"


def inspect(root: Path, *graders: Any, model: str = "openai/tiny", **about: Any) -> list[Path]:
    """A log for each grader, of one sample that it scores."""
    paths = []
    for n, grader in enumerate(graders):
        header = inspect_log.header(
            model=model,
            task_id=f"task-{n}",
            scorers=[{"name": "model_graded_qa"}],
            model_roles={"grader": grader} if grader else {},
            **{name: values[n] for name, values in about.items()},
        )
        score = {"model_graded_qa": {"value": "C" if n else "I", "explanation": f"Said {n}."}}
        root.mkdir(exist_ok=True)
        paths.append(inspect_log.write_json(root / f"{n}.json", header, [inspect_log.sample(1, scores=score)]))
    return paths


def promptfoo(root: Path, *graders: Any, kind: str = "llm-rubric") -> list[Path]:
    """One result, which each grader scores."""
    parts = [
        {"pass": True, "score": n / 4, "reason": f"Said {n}.", "assertion": {"type": kind, "provider": grader}}
        for n, grader in enumerate(graders)
    ]
    graded = {"pass": True, "score": 1, "componentResults": parts}
    result = {
        "provider": {"id": "openai:gpt-x"},
        "prompt": {"raw": "1+1?"},
        "response": {"output": "2"},
        "success": True,
        "score": 1,
        "gradingResult": graded,
    }
    return [write_lines(root / "results.jsonl", [result])]


def judges(release: Release) -> list[tuple[str, float | None]]:
    rows = release.table("judge_scores").to_table(columns=["judge", "score"]).to_pylist()
    return sorted((row["judge"], row["score"]) for row in rows)


def notes(release: Release) -> list[str]:
    return [note for note in release.manifest["source"].get("notes", []) if note.startswith(("LLMs:", "Judges:"))]


def test_two_graders_of_inspect_with_one_end(tmp_path: Path) -> None:
    logs = inspect(tmp_path / "logs", {"model": f"vllm/{A}"}, {"model": f"vllm/{B}/"})
    release = build("inspect", logs, tmp_path / "out", workers=1)
    assert judges(release) == [("A/judge-8b", 0.0), ("B/judge-8b", 1.0)]
    said = "Judges: 2 are named judge-8b, by the ends of their paths; they are A/judge-8b, B/judge-8b"
    assert notes(release) == [f"{said}. {REMEDY}"]
    assert judges(build("inspect", logs[::-1], tmp_path / "other", workers=2)) == judges(release)
    assert judges(build("inspect", logs[:1], tmp_path / "one")) == [("judge-8b", 0.0)]


def test_a_grader_that_is_stated_as_such_is_another_one(tmp_path: Path) -> None:
    release = build("inspect", inspect(tmp_path / "logs", f"vllm/{A}", "vllm/judge-8b"), tmp_path / "out")
    assert judges(release) == [("A/judge-8b", 0.0), ("judge-8b", 1.0)]
    assert len(notes(release)) == 1


def test_the_path_of_a_local_grader(tmp_path: Path) -> None:
    graders = [{"model": "hf/local", "args": {"model_path": path}} for path in (A, B)]
    assert judges(build("inspect", inspect(tmp_path / "logs", *graders), tmp_path / "out")) == [
        ("A/judge-8b", 0.0),
        ("B/judge-8b", 1.0),
    ]


def test_local_models_that_grade_themselves(tmp_path: Path) -> None:
    arguments = [{"model_path": path} for path in (A, B)]
    logs = inspect(tmp_path / "logs", None, None, model="hf/local", model_args=arguments)
    release = build("inspect", logs, tmp_path / "out")
    assert judges(release) == [("A/judge-8b", 0.0), ("B/judge-8b", 1.0)]
    assert [note.split(":")[0] for note in notes(release)] == ["LLMs", "Judges"]


def test_several_graders_are_one_judge_by_whole_paths(tmp_path: Path) -> None:
    panels = [[f"vllm/{path}", "openai/gpt-x"] for path in (A, B)]
    release = build("inspect", inspect(tmp_path / "logs", *panels), tmp_path / "out")
    assert judges(release) == [(f"{A}, openai/gpt-x", 0.0), (f"{B}, openai/gpt-x", 1.0)]
    assert judges(build("inspect", inspect(tmp_path / "more", [f"vllm/{A}"]), tmp_path / "one")) == [("judge-8b", 0.0)]


def test_an_llm_and_a_judge_are_not_compared(tmp_path: Path) -> None:
    release = build("inspect", inspect(tmp_path / "logs", f"vllm/{A}", model=f"vllm/{B}"), tmp_path / "out")
    assert judges(release) == [("judge-8b", 0.0)]
    assert release.table("llms").to_table()["llm"].to_pylist() == ["judge-8b"]
    assert notes(release) == []


@pytest.mark.parametrize("scheme", ["file://", "python:", "openai:chat:"])
def test_two_graders_of_promptfoo_with_one_end(tmp_path: Path, scheme: str) -> None:
    logs = promptfoo(tmp_path / "logs", f"{scheme}{A}", f"{scheme}{B}")
    release = build("promptfoo", logs, tmp_path / "out", workers=1)
    assert judges(release) == [("llm-rubric (A/judge-8b)", 0.0), ("llm-rubric (B/judge-8b)", 0.25)]
    (said,) = notes(release)
    assert said.startswith(
        "Judges: 2 are named llm-rubric (judge-8b), by the ends of their paths; they are llm-rubric (A/judge-8b)"
    )
    alone = build("promptfoo", promptfoo(tmp_path / "one", f"{scheme}{A}"), tmp_path / "alone")
    assert judges(alone) == [("llm-rubric (judge-8b)", 0.0)]


def test_a_label_of_a_grader_is_a_name_as_such(tmp_path: Path) -> None:
    graders = {"id": f"file://{A}"}, {"id": f"file://{B}", "label": "judge-8b"}
    release = build("promptfoo", promptfoo(tmp_path / "logs", *graders, kind="g-eval"), tmp_path / "out")
    assert judges(release) == [("g-eval (A/judge-8b)", 0.0), ("g-eval (judge-8b)", 0.25)]


def test_a_release_keeps_the_names_of_its_judges(tmp_path: Path) -> None:
    first = build("promptfoo", promptfoo(tmp_path / "logs", f"file://{A}", f"file://{B}"), tmp_path / "out")
    again = build("release", [first.path], tmp_path / "again")
    assert judges(again) == judges(first)
    assert notes(again) == []


def test_rejected_records_state_the_path(tmp_path: Path) -> None:
    named = {"llm": "llama", "judge": "judge-8b", "judge_score": 0.5}
    rows = [record(**named, llm_path=f"/{n}/llama", judge_path=path, status=("ok", "odd")[n]) for n, path in enumerate((A, B))]
    build(Parts(rows), [], tmp_path / "out")
    (line,) = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    rejected = json.loads(line)["record"]
    assert {name: rejected[name] for name in ("llm", "llm_path", "judge", "judge_path")} == {
        "llm": "llama", "llm_path": "/1/llama", "judge": "judge-8b", "judge_path": B,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "others", "names"),
    [
        ([f"k ({A})", f"k ({B})"], [], ["k (A/judge-8b)", "k (B/judge-8b)"]),
        ([f"k ({A})", f"g:l ({A})"], [], ["k (judge-8b)", "g:l (judge-8b)"]),
        ([f"k ({A})", A], [], ["k (judge-8b)", "judge-8b"]),
        ([f"k ({A})"], ["k (judge-8b)"], ["k (A/judge-8b)"]),
        (["k (/x)"], ["k (x)"], ["k (/x)"]),
        (["/m/a (1)", "/n/a (1)"], [], ["m/a (1)", "n/a (1)"]),
    ],
)
def test_names_of_judges(paths: list[str], others: list[str], names: list[str]) -> None:
    assert told_apart(paths, others) == dict(zip(paths, names, strict=True))


@pytest.mark.parametrize("path", [r"C:\ckpt\A\judge-8b" "\\", "C:/ckpt/A/judge-8b", r".\judge-8b", r"\\host\A\judge-8b"])
def test_paths_of_windows(path: str) -> None:
    name = name_of_path(path)
    assert name.name == "judge-8b"
    assert model_name(f"vllm/{path}").llm == name
    assert llm_of(f"openai:chat:{path}")[0] == llm_of(f"python:{path}")[0] == name
    assert name.grading("k") == RoutedName("k (judge-8b)", f"k ({name.path})")


def test_a_name_of_an_option_is_kept(tmp_path: Path) -> None:
    """A user whose releases are to be merged tells two LLMs apart so."""
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "2"}}], "model": A}
    said = {"id": "r", "custom_id": "0", "response": {"status_code": 200, "body": body}}
    path = write_lines(tmp_path / "output.jsonl", [said])
    release = build("openai_batch", [path], tmp_path / "out", options={"llm": B, "task": "sums"})
    assert release.table("llms").to_table()["llm"].to_pylist() == [B]


@pytest.mark.parametrize("named", [f"{A}/", "/ckpt//A/./judge-8b"])
def test_a_price_is_of_a_path_in_any_spelling(tmp_path: Path, named: str) -> None:
    logs = inspect(tmp_path / "logs", "openai/gpt-x", model=f"vllm/{A}")
    prices = write_json(tmp_path / "llms.jsonl", {"llm": named, "input_price": 1.0, "output_price": 2.0})
    rows = build("inspect", logs, tmp_path / "out", llms=prices).table("llms").to_table().to_pylist()
    assert [(row["llm"], row["input_price"]) for row in rows] == [("judge-8b", 1.0)]
