"""Every format: its records field by field, its keys, LLaMA-Factory's entries, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest

from llmfusionbench.baselines.exporters.corpora.formats import FORMATS, KEYS, Format, openai_issues
from tests.helpers.made_up_corpora import ROWS, SAMPLES, write_records

ALL = [(kind, name) for kind, formats in FORMATS.items() for name in formats]
KEY = {"query_id": "q", "task": "t", "candidate": "a", "replicate": 0, "provenance": "simulated"}
PAIR_KEY = {
    "query_id": "q", "task": "t", "candidate": "a", "replicate": 0, "rejected_candidate": "b", "rejected_replicate": 1,
    "provenance": "simulated",
}  # fmt: skip
ONE: dict[str, dict[str, Any]] = {
    "sft": {**KEY, "prompt": "P", "response": "R"},
    "preference": {**PAIR_KEY, "prompt": "P", "chosen": "C", "rejected": "R"},
    "kto": {**KEY, "prompt": "P", "completion": "C", "label": False},
}
ASKED, ASKED_GPT = [{"role": "user", "content": "P"}], {"from": "human", "value": "P"}


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


EXPECTED: dict[tuple[str, str], dict[str, Any]] = {
    ("sft", "alpaca"): {"instruction": "P", "input": "", "output": "R", **KEY},
    ("sft", "sharegpt"): {"conversations": [ASKED_GPT, {"from": "gpt", "value": "R"}], **KEY},
    ("sft", "messages"): {"messages": ASKED + said("R"), **KEY},
    ("sft", "openai"): {"messages": ASKED + said("R")},
    ("sft", "prompt_completion"): {"prompt": "P\n\n", "completion": "R", **KEY},
    ("sft", "prompt_completion_chat"): {"prompt": ASKED, "completion": said("R"), **KEY},
    ("sft", "parquet"): ONE["sft"],
    ("preference", "trl"): {"prompt": "P\n\n", "chosen": "C", "rejected": "R", **PAIR_KEY},
    ("preference", "trl_chat"): {"prompt": ASKED, "chosen": said("C"), "rejected": said("R"), **PAIR_KEY},
    ("preference", "alpaca"): {"instruction": "P", "input": "", "chosen": "C", "rejected": "R", **PAIR_KEY},
    ("preference", "sharegpt"): {
        "conversations": [ASKED_GPT],
        "chosen": {"from": "gpt", "value": "C"},
        "rejected": {"from": "gpt", "value": "R"},
        **PAIR_KEY,
    },
    ("preference", "openai"): {
        "input": {"messages": ASKED},
        "preferred_output": said("C"),
        "non_preferred_output": said("R"),
    },
    ("preference", "parquet"): ONE["preference"],
    ("kto", "trl"): {"prompt": "P\n\n", "completion": "C", "label": False, **KEY},
    ("kto", "trl_chat"): {"prompt": ASKED, "completion": said("C"), "label": False, **KEY},
    ("kto", "alpaca"): {"instruction": "P", "input": "", "output": "C", "kto_tag": False, **KEY},
    ("kto", "sharegpt"): {"conversations": [ASKED_GPT, {"from": "gpt", "value": "C"}], "kto_tag": False, **KEY},
    ("kto", "parquet"): ONE["kto"],
}


def test_every_format_has_its_record_here() -> None:
    assert set(EXPECTED) == set(ALL)
    assert all(form.name == name and form.kind == kind for kind, name in ALL for form in [FORMATS[kind][name]])


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_record(kind: str, name: str) -> None:
    [record] = FORMATS[kind][name].records(pa.Table.from_pylist([ONE[kind]])).to_pylist()
    assert record == EXPECTED[kind, name]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_texts_and_rows_survive(kind: str, name: str) -> None:
    """Row by row, in pieces or whole, with the strangest of texts; types do not depend on the rows."""
    form, samples = FORMATS[kind][name], SAMPLES[kind]
    whole = form.records(samples)
    pieces = pa.concat_tables([samples.slice(0, 3), samples.slice(3)])
    assert form.records(pieces).equals(whole)
    assert whole.num_rows == ROWS
    assert form.records(samples.slice(0, 0)).schema == whole.schema
    assert form.records(samples.slice(5, 2)).to_pylist() == whole.slice(5, 2).to_pylist()
    one = json.dumps(EXPECTED[kind, name])
    for sample, record in zip(samples.to_pylist(), whole.to_pylist(), strict=True):
        if name == "parquet":
            assert record == sample
            continue
        mine = {key: sample[key] for key in KEYS[kind] if form.keeps_keys}
        assert {key: record[key] for key in mine} == mine
        marks = {"P": sample["prompt"], "R": sample.get("response", sample.get("rejected"))}
        marks |= {"C": sample.get("chosen", sample.get("completion"))}
        payload = {key: value for key, value in json.loads(one).items() if key not in mine}
        assert {key: record[key] for key in payload} == fill(payload, marks, sample.get("label"), form.separator)


def fill(value: Any, marks: dict[str, Any], label: bool | None, separator: str) -> Any:
    """`value` with P, C and R replaced by a sample's texts, and false by its label."""
    if isinstance(value, dict):
        return {key: fill(inner, marks, label, separator) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, marks, label, separator) for inner in value]
    if value is False:
        return label
    return marks["P"] + separator if separator and value == f"P{separator}" else marks.get(value, value)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_what_a_format_needs(kind: str, name: str) -> None:
    form, samples = FORMATS[kind][name], SAMPLES[kind]
    with pytest.raises(ValueError, match=f"{kind}/{name} have no column prompt, candidate"):
        form.records(samples.drop_columns(["prompt", "candidate"]))
    nulls = samples.set_column(samples.column_names.index("prompt"), "prompt", pa.array([None] * ROWS, pa.string()))
    with pytest.raises(ValueError, match="prompt is null in 14 rows"):
        form.records(nulls)


def test_dataset_info() -> None:
    form = FORMATS["preference"]["sharegpt"]
    entry = {
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
            "system_tag": "system",
        },
    }
    assert form.dataset_info("mine", ["data/a.jsonl"]) == {"mine": {"file_name": "data/a.jsonl", **entry}}
    assert form.dataset_info("mine", ["data/a.jsonl", "data/b.jsonl"]) == {"mine": {"file_name": "data", **entry}}
    assert FORMATS["sft"]["prompt_completion"].dataset_info("mine", ["a.jsonl"]) is None
    for files in ([], ["a.jsonl", "b.jsonl"], ["x/a.jsonl", "y/b.jsonl"]):
        with pytest.raises(ValueError, match="expected one file, or several in one folder"):
            form.dataset_info("mine", files)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_dataset_info_names_columns_that_exist(kind: str, name: str) -> None:
    form = FORMATS[kind][name]
    info = form.dataset_info("mine", ["a.jsonl"])
    assert ("LLaMA-Factory" in form.readers) == (info is not None)
    if info is not None:
        assert set(info["mine"]["columns"].values()) <= set(form.records(SAMPLES[kind]).column_names)
        info["mine"]["columns"].clear()  # what is handed out is the caller's own
        assert form.dataset_info("mine", ["a.jsonl"])["mine"]["columns"]  # type: ignore[index]


@pytest.mark.parametrize(("kind", "method"), [("sft", "supervised"), ("preference", "dpo")])
def test_openai_formats_pass_openais_rules(kind: str, method: Any, tmp_path: Path) -> None:
    form: Format = FORMATS[kind]["openai"]
    [file] = write_records(form, tmp_path)
    with open(tmp_path / file, "rb") as lines:
        assert openai_issues(lines, method=method) == []


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_datasets_reads_both_containers_alike(kind: str, name: str, tmp_path: Path) -> None:
    """`datasets` makes the same rows of JSONL and of Parquet, and they are the rows that were written."""
    form = FORMATS[kind][name]
    expected = form.records(SAMPLES[kind]).to_pylist()
    for container, reader in (("jsonl", "json"), ("parquet", "parquet")):
        files = write_records(replace(form, container=container), tmp_path / container, shards=2)
        paths = [str(tmp_path / container / file) for file in files]
        loaded = datasets.load_dataset(reader, data_files=paths, split="train", cache_dir=str(tmp_path / "cache"))
        assert loaded.to_list() == expected


def test_the_page_shows_what_is_written() -> None:
    """Every record and every entry in docs/corpus_formats.md is what the code makes; its table names the readers."""
    page = (Path(__file__).parents[4] / "docs" / "corpus_formats.md").read_text("utf-8")
    shown = {}
    for section in page.split("\n### ")[1:]:
        kind, name = section.partition("\n")[0].split(": ")
        shown[kind, name] = [json.loads(block.partition("\n```")[0]) for block in section.split("```json\n")[1:]]
    assert list(shown) == ALL
    for (kind, name), (record, *entries) in shown.items():
        form = FORMATS[kind][name]
        sample = dict(shown[kind, "parquet"][0])
        assert form.records(pa.Table.from_pylist([sample])).to_pylist() == [record]
        info = form.dataset_info("corpus", [f"data/train-00000-of-00001.{form.container}"])
        assert entries == ([] if info is None else [info])
        [row] = [line for line in page.splitlines() if line.startswith(f"| {kind} | `{name}` |")]
        assert all(reader in row or "trainers that read `messages`" in row for reader in form.readers)
        assert row.split("|")[4].strip() == ("" if info is None else "yes")
