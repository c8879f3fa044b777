import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.reading import json_records
from llmfusionbench.builders.sources.zeroeval import ZeroEval
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate
from tests.helpers.reading import read, real_logs, write, write_json


def answer(number: int = 0, **changes: Any) -> dict[str, Any]:
    record = {
        "session_id": f"own-{number}",
        "chat_history": [f"Add {number} and 1. Answer in JSON."],
        "model_input": f"<user>Add {number} and 1. Answer in JSON.<end>",
        "output": [f'{{"reasoning": "", "answer": "{number + 1}"}}'],
        "generator": "lab/tiny-1b",
        "configs": {"temperature": 0},
        "dataset": "gsm",
        "question": f"Add {number} and 1.",
        "answer": f"# {number + 1}",
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def test_an_answer_in_our_columns(tmp_path: Path) -> None:
    found = read(ZeroEval(split="test"), write_json(tmp_path / "tiny-1b.json.gz", [answer(), answer(1)]))
    row = {k: v for k, v in found.rows[1].items() if v is not None}
    assert row == {
        "file": "tiny-1b.json.gz",
        "row": 1,
        "task": "gsm8k",
        "split": "test",
        "source_id": "own-1",
        "prompt": "Add 1 and 1. Answer in JSON.",
        "ground_truth": "2",
        "metric": "gsm8k",
        "llm": "tiny-1b",
        "mode": "direct",
        "replicate": 0,
        "response": '{"reasoning": "", "answer": "2"}',
        "requested_model": "lab/tiny-1b",
        "sampling": {"temperature": 0.0, "top_p": None, "max_tokens": None, "seed": None, "effort": None},
    }
    assert found.llms == {"tiny-1b": {"llm": "tiny-1b", "endpoint": "lab/tiny-1b"}}
    assert found.normal_table["status"].to_pylist() == ["ok", "ok"]
    assert found.rejected == []


@pytest.mark.parametrize(
    ("output", "response", "status"),
    [
        (["42"], "42", "ok"),
        ("42", "42", "ok"),
        ([""], "", "empty"),
        ([" \n"], " \n", "empty"),
        ([], None, "missing"),
        ([None], None, "missing"),
        (None, None, "missing"),
        (..., None, "missing"),
    ],
)
def test_answers_that_are_not_there(tmp_path: Path, output: Any, response: str | None, status: str) -> None:
    found = read(ZeroEval(), write_json(tmp_path / "tiny.json", [answer(output=output)]))
    assert found.normal_table.select(["response", "status", "performance"]).to_pylist() == [
        {"response": response, "status": status, "performance": None}
    ]


@pytest.mark.parametrize(
    ("dataset", "task", "metric"),
    [
        ("gsm", "gsm8k", "gsm8k"),
        ("math-l5", "math-l5", "math"),
        ("mmlu-redux", "mmlu-redux", "em_mc"),
        ("zebra-grid", "zebra-grid", "unknown"),
        ("crux", "crux", "crux"),
        ("alpaca_eval", "alpaca_eval", "judge"),
        ("numersense", "numersense", "em"),
    ],
)
def test_tasks_and_metrics(tmp_path: Path, dataset: str, task: str, metric: str) -> None:
    found = read(ZeroEval(), write_json(tmp_path / "tiny.json", [answer(dataset=dataset)]))
    assert (found.column("task"), found.column("metric")) == ([task], [metric])


def test_choices_and_the_working_of_an_answer(tmp_path: Path) -> None:
    records = [
        answer(0, dataset="mmlu-redux", answer=..., correct_answer="B", choices=["one", "two"]),
        answer(1, answer="1 + 1 = 2\n#### 2"),
        answer(2, dataset="math-l5", answer=r"\#3"),
    ]
    found = read(ZeroEval(), write_json(tmp_path / "tiny.json", records))
    assert found.column("choices") == [["one", "two"], None, None]
    assert found.column("ground_truth") == ["B", "2", r"\#3"]


@pytest.mark.parametrize("truth", ["[]", "''", "['w', 'v']", "(1, 'a')", "#"])
def test_the_truths_of_crux_stay_as_they_are(tmp_path: Path, truth: str) -> None:
    found = read(ZeroEval(), write_json(tmp_path / "tiny.json", [answer(0, dataset="crux", answer=truth)]))
    assert found.column("ground_truth") == [truth]


def test_real_answers_to_crux() -> None:
    paths = real_logs("formats/crux/*.json.gz")
    found = read(ZeroEval(), *paths)
    assert (len(found.rows), found.rejected) == (2400, [])
    given = [record for path in paths for record in json.loads(gzip.decompress(path.read_bytes()))]
    assert found.column("ground_truth") == [record["answer"] for record in given]
    assert found.column("response") == [record["output"][0] for record in given]
    assert {(row["task"], row["metric"], row["replicate"]) for row in found.rows} == {("crux", "crux", 0)}


def test_a_bad_record_costs_no_other(tmp_path: Path) -> None:
    records = [
        answer(0),
        "not a record",
        answer(2, chat_history=["a", "b"]),
        answer(3, dataset=...),
        answer(4, output=["a", 7]),
        answer(5, output=["half a pair: \ud83d"]),
        answer(6, generator="lab/other"),
        answer(7, chat_history=[]),
        answer(8),
    ]
    found = read(ZeroEval(), write_json(tmp_path / "tiny.json", records))
    assert found.column("row") == [0, 8]
    assert found.reasons == [
        ("tiny.json", 1, 'the record is "not a record", expected a JSON object'),
        ("tiny.json", 2, "chat_history is not one text, expected what was sent"),
        ("tiny.json", 3, "dataset is missing, expected a text"),
        ("tiny.json", 4, "output is not a list of texts, expected the answers"),
        ("tiny.json", 5, "output is broken at character 13, expected text that UTF-8 can write"),
        ("tiny.json", 6, 'generator is "lab/other", expected "lab/tiny-1b" as before in this file'),
        ("tiny.json", 7, "chat_history is not one text, expected what was sent"),
    ]
    assert found.rejected[2].record == {"llm": "tiny", "source_id": "own-3"}


def test_a_byte_that_is_not_utf8_costs_its_record_alone(tmp_path: Path) -> None:
    data = json.dumps([answer(0), answer(1), answer(2)]).encode().replace(b"Add 1 and", b"Add \xff and")
    found = read(ZeroEval(), write(tmp_path / "tiny.json", data))
    assert found.column("row") == [0, 2]
    assert found.reasons == [("tiny.json", 1, "chat_history is broken at character 4, expected text that UTF-8 can write")]


def test_names_of_llms_and_files(tmp_path: Path) -> None:
    paths = [
        write_json(tmp_path / name, [answer(generator=name)])
        for name in ("a/one@host.json", "b/two@x.json.gz", "b/two@y.json", "b/one@host.json")
    ]
    found = read(ZeroEval(), *paths)
    assert found.column("llm") == ["one", "two@x", "two@y", "one"]
    assert found.column("endpoint") == ["host", "x", "y", "host"]
    assert found.column("replicate") == [0, 0, 0, 0]
    assert [Candidate(llm, "direct").name for llm in ("one", "two@x")] == ["one", "two@x@direct"]
    assert found.column("file") == ["a/one@host.json", "two@x.json.gz", "two@y.json", "b/one@host.json"]


def test_hosts_as_replicates(tmp_path: Path) -> None:
    names = ("two@y.json", "one@host.json", "two@x.json", "two_think@x.json")
    paths = [write_json(tmp_path / name, [answer(generator=name)]) for name in names]
    rows = read(ZeroEval(hosts="replicates"), *paths).rows
    key = [(r["llm"], r["mode"], r["replicate"], r["endpoint"]) for r in rows]
    assert key == [
        ("two", "direct", 1, "y"), ("one", "direct", 0, "host"), ("two", "direct", 0, "x"), ("two", "think", 0, "x")
    ]  # fmt: skip
    with pytest.raises(UnknownNameError, match='No choice of --option hosts "copies"'):
        read(ZeroEval(hosts="copies"), *paths)


def test_several_outputs_are_replicates(tmp_path: Path) -> None:
    paths = [write_json(tmp_path / f"two@{host}.json", [answer(output=["3", None, "5"])]) for host in "xy"]
    rows = read(ZeroEval(hosts="replicates"), *paths).rows
    assert [(r["endpoint"], r["replicate"], r["response"], r["status"]) for r in rows] == [
        ("x", 0, "3", None), ("x", 2, None, "missing"), ("x", 4, "5", None),
        ("y", 1, "3", None), ("y", 3, None, "missing"), ("y", 5, "5", None),
    ]  # fmt: skip


def test_many_records_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "_BATCH_ROWS", 3)
    path = write_json(tmp_path / "tiny.json", [answer(i) for i in range(8)])
    sizes = [part.table.num_rows for part in ZeroEval().read([path]) if hasattr(part, "table")]
    assert sizes == [3, 3, 2]


WHOLE = json.dumps([answer(0), answer(1)]).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty, expected JSON"),
        (b" \n \n", "the file is empty, expected JSON"),
        (WHOLE[:-30], r"not JSON \(.*line 1 column .*Remedy: fetch the file again"),
        (b"[]", r"no ZeroEval answer in it \(it has no records\)"),
        (b'[{"a": 1}]', r"no ZeroEval answer in it \(dataset is missing, expected a text\)"),
        (b"plain words", "not JSON"),
        (b"[" * 100_000, r"not JSON \(nested too deep\)"),
        (json.dumps([answer()]).encode("utf-16"), "the file is UTF-16"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(ZeroEval(), write(tmp_path / "tiny.json", data))
    assert str(tmp_path / "tiny.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_cut_short(tmp_path: Path) -> None:
    path = write_json(tmp_path / "tiny.json.gz", [answer(i) for i in range(200)])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"cannot be read to its end .*Remedy: fetch the file again"):
        read(ZeroEval(), path)


def test_the_real_logs() -> None:
    paths = real_logs("zeroeval_gsm8k/*.json.gz")
    found = read(ZeroEval(), *paths, rows=False)
    table = found.normal_table
    assert found.rejected == []
    assert table.num_rows == 26_380
    assert len(table["query_id"].unique()) == 1_319
    assert len(table.group_by(["query_id", "llm", "mode"]).aggregate([])) == 26_380
    assert sorted(found.llms) == sorted(table["llm"].unique().to_pylist())
    assert len(found.llms) == 20
    assert found.llms["gemma-2-27b-it"]["endpoint"] == "google/gemma-2-27b-it@together"
    assert found.llms["deepseek-v2.5-0908"]["endpoint"] == "deepseek-chat"
    assert set(table["status"].unique().to_pylist()) == {"ok"}
    assert table["prompt"].null_count == table["ground_truth"].null_count == 0
    assert table["ground_truth"][0].as_py() == "18"


def test_a_file_named_after_the_think_mode(tmp_path: Path) -> None:
    files = [write_json(tmp_path / f"tiny{end}.json", [answer()]) for end in ("", "_think@lab")]
    found = read(ZeroEval(), *files)
    assert [(row["llm"], row["mode"]) for row in found.rows] == [("tiny", "direct"), ("tiny", "think")]
    assert list(found.llms) == ["tiny"]
    assert found.rejected == []
