"""Names of LLMs that are ends of paths: short by themselves, and longer where a build has several LLMs with that end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders import build
from llmfusionbench.builders.making.path_names import told_apart
from llmfusionbench.builders.reading.model_names import endings, name_of_path
from llmfusionbench.cli.main import run as command
from llmfusionbench.release import Release
from tests.helpers import inspect_log, lm_eval_log
from tests.helpers.parts import Parts, record
from tests.helpers.reading import write_json, write_lines

A, B = "/ckpt/A/llama-8b", "/ckpt/B/llama-8b"
BY_PATHS = "LLMs: 2 are named llama-8b, by the ends of their paths; they are A/llama-8b, B/llama-8b"
REMEDY = "If they are one, build the log of each by itself, where the name stays short, and merge the releases"
Write = Callable[[Path, int, str], list[Path]]
"""Writes the log number N of an LLM below a folder."""


def lm_eval(root: Path, n: int, model: str) -> list[Path]:
    samples = [lm_eval_log.sample(i, f"It is {n}.") for i in (0, 1)]
    time = f"2026-02-0{n + 1}T04-05-06.789012"
    return [lm_eval_log.run(root / str(n), samples, lm_eval_log.results(model), time=time)]


def lighteval(root: Path, n: int, model: str) -> list[Path]:
    time = f"2026-02-0{n + 1}T04-05-06.789012"
    rows = [
        {
            "doc": {
                "query": f"{i}+1?",
                "choices": [str(i + 1)],
                "gold_index": 0,
                "id": str(i),
                "task_name": "lighteval|sums|0",
            },
            "model_response": {"input": f"Question: {i}+1?", "text": [f"It is {n}."]},
            "metric": {"extractive_match": 1.0},
        }
        for i in (0, 1)
    ]
    path = root / str(n) / f"details_lighteval|sums|0_{time}.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    about = {"config_general": {"model_name": model}, "results": {"lighteval|sums|0": {"extractive_match": 1.0}}}
    return [path, write_json(path.with_name(f"results_{time}.json"), about)]


def inspect(root: Path, n: int, model: str) -> list[Path]:
    samples = [inspect_log.sample(i, "C" if n else "I") for i in (0, 1)]
    about = inspect_log.header(model=f"vllm/{model}", task_id=f"task-{n}")
    root.mkdir(exist_ok=True)
    return [inspect_log.write_json(root / f"{n}.json", about, samples)]


def openai_batch(root: Path, n: int, model: str) -> list[Path]:
    names = [f"{n}-{i}" for i in (0, 1)]
    asked = [
        {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": {"model": model, "messages": talk(i)}}
        for i, name in enumerate(names)
    ]
    said = [
        {"id": f"r{name}", "custom_id": name, "response": {"status_code": 200, "body": completion(n, model)}} for name in names
    ]
    return [write_lines(root / f"{n}_input.jsonl", asked), write_lines(root / f"{n}_output.jsonl", said)]


def litellm(root: Path, n: int, model: str) -> list[Path]:
    said = {"call_type": "completion", "model": model, "response": completion(n, model)}
    return [write_lines(root / f"spend_logs_{n}.jsonl", [said | {"id": f"{n}-{i}", "messages": talk(i)} for i in (0, 1)])]


def langfuse(root: Path, n: int, model: str) -> list[Path]:
    said = {"role": "assistant", "content": f"It is {n}."}
    calls = [
        {"id": f"{n}-{i}", "traceId": f"t{n}{i}", "type": "GENERATION", "model": model, "input": talk(i), "output": said}
        for i in (0, 1)
    ]
    return [write_lines(root / f"observations_{n}.jsonl", calls)]


def openrouter(root: Path, n: int, model: str) -> list[Path]:
    calls = [
        {"request": {"model": model, "messages": talk(i)}, "response": completion(n, model) | {"id": f"gen-{n}-{i}"}}
        for i in (0, 1)
    ]
    return [write_lines(root / f"generations_{n}.jsonl", calls)]


def promptfoo(root: Path, n: int, model: str, scheme: str = "file://") -> list[Path]:
    results = [
        {
            "provider": {"id": f"{scheme}{model}"},
            "prompt": {"raw": f"{i}+1?"},
            "response": {"output": f"It is {n}."},
            "success": True,
            "score": 1,
        }
        for i in (0, 1)
    ]
    return [write_lines(root / str(n) / "results.jsonl", results)]


def talk(i: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{i}+1?"}]


def completion(n: int, model: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": f"It is {n}."}, "finish_reason": "stop"}
    return {"id": f"c{n}", "object": "chat.completion", "model": model, "choices": [choice]}


LOGS: dict[str, Write] = {
    "lm_eval": lm_eval,
    "lighteval": lighteval,
    "inspect": inspect,
    "openai_batch": openai_batch,
    "litellm": litellm,
    "langfuse": langfuse,
    "openrouter": openrouter,
    "promptfoo": promptfoo,
}


def built(source: str, out: Path, logs: Sequence[Sequence[Path]], **options: Any) -> Release:
    return build(source, [path for log in logs for path in log], out, **options)


def tables(release: Release) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table, without the ids of queries in their logs, of which the first one counts."""
    found = {name: release.table(name).to_table() for name in ("queries", "llms", "responses", "logs", "routing")}
    found["queries"] = found["queries"].drop_columns(["source_id"])
    return {name: rows.to_pylist() for name, rows in found.items()}


def answers(release: Release) -> list[tuple[str, int]]:
    """LLM and replicate of each answer."""
    rows = release.table("responses").to_table(columns=["llm", "replicate"]).to_pylist()
    return sorted((row["llm"], row["replicate"]) for row in rows)


def notes(release: Release) -> list[str]:
    return [note for note in release.manifest["source"].get("notes", []) if note.startswith("LLMs: ")]


@pytest.mark.parametrize("source", LOGS)
def test_two_paths_that_end_alike_are_two_llms_in_any_order(tmp_path: Path, source: str) -> None:
    logs = [LOGS[source](tmp_path / "logs", n, model) for n, model in enumerate((A, B))]
    release = built(source, tmp_path / "out", logs, workers=1)
    assert answers(release) == [("A/llama-8b", 0), ("A/llama-8b", 0), ("B/llama-8b", 0), ("B/llama-8b", 0)]
    assert [row["llm"] for row in tables(release)["llms"]] == ["A/llama-8b", "B/llama-8b"]
    assert notes(release) == [f"{BY_PATHS}. {REMEDY}"]
    assert release.manifest["rejected"] == 0
    assert tables(built(source, tmp_path / "other", logs[::-1], workers=3)) == tables(release)


@pytest.mark.parametrize("source", LOGS)
def test_a_path_by_itself_keeps_its_end_in_every_spelling(tmp_path: Path, source: str) -> None:
    logs = [LOGS[source](tmp_path / "logs", n, model) for n, model in enumerate((A, "/ckpt//B/./../A/llama-8b/"))]
    for number, some in enumerate((logs[:1], logs)):
        release = built(source, tmp_path / str(number), some)
        assert {llm for llm, _ in answers(release)} == {"llama-8b"}
        assert notes(release) == []


@pytest.mark.parametrize("source", [name for name in LOGS if name != "promptfoo"])
def test_a_name_that_is_stated_as_such_is_another_llm(tmp_path: Path, source: str) -> None:
    logs = [LOGS[source](tmp_path / "logs", n, model) for n, model in enumerate((A, "llama-8b"))]
    release = built(source, tmp_path / "out", logs)
    assert answers(release) == [("A/llama-8b", 0), ("A/llama-8b", 0), ("llama-8b", 0), ("llama-8b", 0)]
    said = "LLMs: 2 are named llama-8b, by the end of a path and as such; they are llama-8b, A/llama-8b"
    assert notes(release) == [f"{said}. {REMEDY}"]


def test_servers_are_named_by_their_urls(tmp_path: Path) -> None:
    models = ("a.example/v1/chat/completions", "b.example/v1/chat/completions", "b.example/llama/v1")
    logs = [promptfoo(tmp_path / "logs", n, model, "https://") for n, model in enumerate(models)]
    assert {llm for llm, _ in answers(built("promptfoo", tmp_path / "out", logs))} == {
        "a.example",
        "b.example",
        "b.example/llama",
    }


def test_the_latest_run_of_a_path_still_counts(tmp_path: Path) -> None:
    logs = [lm_eval(tmp_path / "logs", n, model) for n, model in enumerate((A, B, "/ckpt/A/../A/llama-8b"))]
    release = built("lm_eval", tmp_path / "out", logs)
    rows = release.table("responses").to_table(columns=["llm", "response"]).to_pylist()
    assert {(row["llm"], row["response"]) for row in rows} == {("A/llama-8b", "It is 2."), ("B/llama-8b", "It is 1.")}


def test_the_folder_of_a_path_means_the_same_as_the_path(tmp_path: Path) -> None:
    first = lm_eval(tmp_path / "logs", 0, A)
    folder = tmp_path / "logs" / "__ckpt__A__llama-8b"
    second = [write_lines(folder / "samples_more.jsonl", [lm_eval_log.sample(0)])]
    release = built("lm_eval", tmp_path / "out", [first, second, lm_eval(tmp_path / "logs", 1, B)])
    assert [llm for llm, _ in answers(release)] == ["A/llama-8b"] * 3 + ["B/llama-8b"] * 2


def test_a_path_that_is_stated_as_a_name_means_the_same(tmp_path: Path) -> None:
    first = lm_eval(tmp_path / "logs", 0, A)
    second = [write_lines(tmp_path / "logs" / "runs" / "samples_more.jsonl", [lm_eval_log.sample(0)])]
    for n, (stated, names) in enumerate(((A, [A, A, A]), (f"{A}/", [f"{A}/", "llama-8b", "llama-8b"]))):
        release = built("lm_eval", tmp_path / str(n), [first, second], options={"llm": stated})
        assert [llm for llm, _ in answers(release)] == names
        assert {row["llm"] for row in tables(release)["llms"]} == {*names}
        assert notes(release) == []


def test_modes_of_a_path(tmp_path: Path) -> None:
    logs = [litellm(tmp_path / "logs", n, model) for n, model in enumerate((A, f"{A}_think", f"{A}@high", B))]
    rows = built("litellm", tmp_path / "out", logs).table("responses").to_table(columns=["llm", "mode"]).to_pylist()
    assert {(row["llm"], row["mode"]) for row in rows} == {
        ("A/llama-8b", "direct"), ("A/llama-8b", "think"), ("A/llama-8b", "high"), ("B/llama-8b", "direct"),
    }  # fmt: skip


def test_the_path_of_a_local_model_in_the_arguments_of_inspect(tmp_path: Path) -> None:
    logs = []
    for n, model in enumerate((A, B)):
        about = inspect_log.header(model="hf/local", task_id=f"task-{n}", model_args={"model_path": model, "device": 0})
        logs.append([inspect_log.write_json(tmp_path / f"{n}.json", about, [inspect_log.sample(1)])])
    assert answers(built("inspect", tmp_path / "out", logs)) == [("A/llama-8b", 0), ("B/llama-8b", 0)]
    assert answers(built("inspect", tmp_path / "one", logs[:1])) == [("llama-8b", 0)]


def test_a_path_that_no_name_can_be_made_of_is_rejected(tmp_path: Path) -> None:
    logs = [litellm(tmp_path, n, model) for n, model in enumerate((A, "/ckpt/B\0/llama-8b"))]
    release = built("litellm", tmp_path / "out", logs)
    assert answers(release) == [("llama-8b", 0), ("llama-8b", 0)]
    assert release.manifest["rejected"] == 2


@pytest.mark.parametrize(
    ("models", "named", "priced"),
    [
        ((A,), "llama-8b", {"llama-8b": 1.0}),
        ((A,), A, {"llama-8b": 1.0}),
        ((A, B), A, {"A/llama-8b": 1.0, "B/llama-8b": None}),
        ((A, B), "B/llama-8b", {"A/llama-8b": None, "B/llama-8b": 1.0}),
        ((A, B), "llama-8b", {"A/llama-8b": None, "B/llama-8b": None, "llama-8b": 1.0}),
    ],
)
def test_prices_are_of_the_llm_that_they_name(
    tmp_path: Path, models: Sequence[str], named: str, priced: dict[str, float | None]
) -> None:
    logs = [inspect(tmp_path, n, model) for n, model in enumerate(models)]
    about = write_lines(tmp_path / "llms.jsonl", [{"llm": named, "input_price": 1.0, "output_price": 2.0}])
    rows = tables(built("inspect", tmp_path / "out", logs, llms=about))["llms"]
    assert {row["llm"]: row["input_price"] for row in rows} == priced
    stated = {f"{model.split('/')[2]}/llama-8b" if len(models) > 1 else "llama-8b": f"vllm/{model}" for model in models}
    assert {row["llm"]: row["endpoint"] for row in rows if row["endpoint"]} == stated


def test_a_table_keeps_the_names_of_its_user(tmp_path: Path) -> None:
    rows = [record(llm=model, row=n, response=str(n)) for n, model in enumerate((A, B, "llama-8b"))]
    release = build(Parts(rows), [], tmp_path / "out")
    assert [llm for llm, _ in answers(release)] == [A, B, "llama-8b"]
    assert notes(release) == []


def test_the_screen_names_the_llms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(path) for n, model in enumerate((A, B)) for path in litellm(tmp_path, n, model)]
    assert command(["build", "litellm", *paths, "--out", str(tmp_path / "out")]) == 0
    assert BY_PATHS in " ".join("".join(capsys.readouterr()).split())


@pytest.mark.parametrize(
    ("paths", "others", "names"),
    [
        (["/m/x"], [], ["x"]),
        (["/a/m/x", "/b/m/x"], [], ["a/m/x", "b/m/x"]),
        (["/a/x", "/b/x", "/c/y"], [], ["a/x", "b/x", "y"]),
        (["/a/final", "/b/final"], [], ["a/final", "b/final"]),
        (["/r/a/final", "/s/a/final"], [], ["r/a/final", "s/a/final"]),
        (["/lab/x", "/b/x"], ["lab/x"], ["/lab/x", "b/x"]),
        (["/lab/x"], ["x", "lab/x"], ["/lab/x"]),
        (["/lab/x", "/b/x"], ["/lab/x"], ["/lab/x", "b/x"]),
        (["/m/x", "/a/m/x", "./m/x"], [], ["/m/x", "a/m/x", "./m/x"]),
        (["../x", "/x", "~/x"], [], ["../x", "/x", "~/x"]),
        (["C:/m/x", "D:/m/x"], [], ["C:/m/x", "D:/m/x"]),
    ],
)
def test_names(paths: list[str], others: list[str], names: list[str]) -> None:
    assert told_apart(paths, others) == dict(zip(paths, names, strict=True))


parts = st.sampled_from(["a", "b", "x", "final", "step-1", "..", ".", "~", "~a", "C:", ""])
spelled = st.builds(lambda start, inner: name_of_path(start + "/".join(inner)).path, st.sampled_from(["/", "./", "", "C:\\"]),
                    st.lists(parts, min_size=1, max_size=5)).filter(bool)  # fmt: skip
plain = st.lists(st.sampled_from(["a", "b", "x", "final"]), min_size=1, max_size=3).map("/".join)


@given(st.lists(spelled, max_size=8), st.sets(plain, max_size=4), st.randoms(use_true_random=False))
def test_every_path_has_a_name_of_its_own_whatever_the_order(paths: list[str], others: set[str], random: Any) -> None:
    names = told_apart(paths, others)
    assert names.keys() == {*paths}
    assert len({*names.values()}) == len(names)
    assert others.isdisjoint(names.values())
    shuffled = [*paths, *paths[:2]]
    random.shuffle(shuffled)
    assert told_apart(shuffled, others) == names
    for path, name in names.items():
        assert name in endings(path)
        assert name_of_path(path) == (endings(path)[0], path)
        alone = not any(set(endings(path)) & set(endings(other)) for other in names if other != path)
        if alone and others.isdisjoint(endings(path)):
            assert name == endings(path)[0]
