import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.reading.lists import unlisted
from llmfusionbench.builders.sources.routerbench import RouterBench
from llmfusionbench.cli import main
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write

HEADER = (
    "sample_id,prompt,eval_name,tiny,big_think,tiny|model_response,big_think|model_response,tiny|total_cost,"
    "big_think|total_cost,oracle_model_to_route_to"
)
FRAME = pd.DataFrame(
    {
        "sample_id": ["s.1", "s.2"],
        "prompt": ["['One?']", "['Two?\\n']"],
        "eval_name": ["sums", "sums"],
        "tiny": [1.0, float("nan")],
        "big_think": [0.25, 0.0],
        "tiny|model_response": ["['1']", None],
        "big_think|model_response": ["['uno']", "['zwei', 'deux']"],
        "tiny|total_cost": [1e-5, float("nan")],
        "big_think|total_cost": [2e-5, 3e-5],
        "oracle_model_to_route_to": ["tiny", "no_model_correct"],
    }
)


def table(path: Path, *lines: str) -> Path:
    return write(path, "\n".join([HEADER, *lines, ""]).encode())


def told(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if v is not None and k not in ("file", "row", "metric")}


def answers(found: Any) -> list[dict[str, Any]]:
    return [told(row) for row in found.rows if row.get("llm")]


EXPECTED = [
    {
        "task": "sums", "split": "train", "source_id": "s.1", "prompt": "One?", "llm": "tiny", "response": "1",
        "performance": 1.0, "cost_usd": 1e-5,
    },
    {
        "task": "sums", "split": "train", "source_id": "s.1", "prompt": "One?", "llm": "big", "mode": "think",
        "response": "uno", "performance": 0.25, "cost_usd": 2e-5,
    },
    {
        "task": "sums", "split": "train", "source_id": "s.2", "prompt": "Two?\n", "llm": "big", "mode": "think",
        "response": "zwei\n\ndeux", "performance": 0.0, "cost_usd": 3e-5,
    },
]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "parquet", "pkl"])
def test_a_table_in_our_columns(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"routerbench_0shot.{kind}"
    if kind == "csv":
        FRAME.to_csv(path, index=False)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pandas(FRAME), path)
    else:
        FRAME.to_pickle(path)
    found = read(RouterBench(allow_pickle=True), path)
    assert answers(found) == EXPECTED
    assert found.rejected == []
    assert set(found.column("metric")) == {"unknown"}


def test_a_pickle_needs_leave(tmp_path: Path) -> None:
    path = write(tmp_path / "table.csv", pickle.dumps(FRAME))
    with pytest.raises(InputError, match=r"table\.csv: a pickle, which may run code\. Remedy: set --allow-pickle, which"):
        read(RouterBench(), path)


def test_a_pickle_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "table.pkl", pickle.dumps(FRAME))
    arguments = ["build", "routerbench", str(path), "--out", str(tmp_path / "out")]
    assert status(arguments) == 1
    assert "Remedy: set --allow-pickle" in capsys.readouterr().err
    assert status([*arguments, "--allow-pickle"]) == 0
    assert "2 queries, 2 candidates, 3 responses" in capsys.readouterr().out


def status(arguments: list[str]) -> int:
    try:
        return int(main(arguments) or 0)
    except SystemExit as ended:
        return int(ended.code or 0)


def test_empty_cells_are_missing(tmp_path: Path) -> None:
    lines = [
        "s.1,\"['One?']\",sums,,1.0,,\"['']\",,0.5,",
        "s.2,\"['Two?']\",sums,,,,,,,",
        "s.3,\"['Three?']\",sums,0.0,,\"['3']\",,,0.25,",
    ]
    found = read(RouterBench(), table(tmp_path / "routerbench_test.csv", *lines))
    rows = found.normal_table.filter(found.normal_table["llm"].is_valid())
    assert [
        (r["source_id"], r["llm"], r["response"], r["status"], r["performance"], r["cost_usd"], r["split"])
        for r in rows.to_pylist()
    ] == [
        ("s.3", "tiny", "3", "ok", 0.0, None, "test"),
        ("s.1", "big", "", "empty", 1.0, 0.5, "test"),
        ("s.3", "big", None, "ok", None, 0.25, "test"),
    ]
    assert len(found.normal_table["query_id"].unique()) == 3


def test_a_bad_record_costs_no_other(tmp_path: Path) -> None:
    lines = [
        "s.0,plain text,sums,1,1,,,,,",
        "s.1,\"['One?']\",sums,x,1,,,,,",
        "s.2,\"__import__('os').system('true')\",sums,1,1,,,,,",
        "s.3,\"['a'] + ['b']\",sums,1,1,,,,,",
        's.4,"[1]",sums,1,1,,,,,',
        "s.5,\"['\\ud83d']\",sums,1,1,,,,,",
        "s.6,\"['Six?']\",sums,2,1,,,,,",
        "s.7,\"['Seven?']\",sums,1",
        's.8,"[]",sums,1,1,,,,,',
        's.9,"' + "[" * 5000 + '",sums,1,1,,,,,',
    ]
    found = read(RouterBench(), table(tmp_path / "t.csv", *lines))
    kept = found.normal_table.filter(found.normal_table["llm"].is_valid())
    assert sorted(zip(kept["source_id"].to_pylist(), kept["llm"].to_pylist(), strict=True)) == [("s.1", "big"), ("s.6", "big")]
    reasons = sorted((row, reason.split(",")[0]) for _, row, reason in found.reasons)
    assert [row for row, _ in reasons] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert reasons[0][1] == 'prompt is "plain text"'
    assert reasons[1][1] == 'tiny (performance) is "x"'
    assert reasons[6][1] == "performance is 2.0"
    assert all(len(reason) < 200 for _, _, reason in found.reasons)


def test_texts_that_look_like_code_are_texts() -> None:
    cells = [
        "['a']",
        '["it\'s"]',
        "['\\\\n \\n \\' \\x41 \\u00e9 \\U0001f600']",
        "['a', 'b']",
        "[\"a\", 'b\\t']",
        "['\u2028\x00']",
    ]
    assert unlisted(pa.array(cells)).to_pylist() == ["a", "it's", "\\n \n ' A é \U0001f600", "a\n\nb", "a\n\nb\t", "\u2028\x00"]
    wrong = [
        "",
        "a",
        "['a'",
        "['a' 'b']",
        "[f'a']",
        "[b'a']",
        "('a',)",
        "['a'].pop()",
        "[['a']]",
        "{'a': 'b'}",
        "['a']; x",
        None,
    ]
    assert unlisted(pa.array(wrong)).to_pylist() == [None] * len(wrong)
    assert unlisted(pa.array([["a"], ["b", "c"], None, []])).to_pylist() == ["a", "b\n\nc", None, None]


def test_answers_out_of_lists_stay(tmp_path: Path) -> None:
    lines = ['s.1,"[\'One?\']",sums,1,1,plain words,"[1, 2] is the list",,,']
    found = read(RouterBench(), table(tmp_path / "t.csv", *lines))
    assert [row["response"] for row in answers(found)] == ["plain words", "[1, 2] is the list"]


def test_files_that_are_not_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column LLM\|total_cost or LLM\|model_response next to a column LLM"):
        read(RouterBench(), write(tmp_path / "t.csv", b"sample_id,prompt,eval_name,tiny\na,['b'],c,1\n"))
    with pytest.raises(InputError, match='no column "eval_name" for task'):
        read(RouterBench(), write(tmp_path / "t.csv", b"sample_id,prompt,tiny,tiny|total_cost\na,['b'],1,1\n"))
    with pytest.raises(InputError, match="not a pickle of a plain table"):
        read(RouterBench(allow_pickle=True), write(tmp_path / "t.pkl", pickle.dumps([1])))


def test_a_build(tmp_path: Path) -> None:
    path = tmp_path / "routerbench_0shot.csv"
    FRAME.to_csv(path, index=False)
    release = build("routerbench", [path], tmp_path / "out", options={"split": "test", "provenance": "collected"}, strict=True)
    routing = release.routing("test")
    assert routing.candidates == ["big_think", "tiny"]
    assert release.provenance == ["collected"]
    assert sorted(str(row) for row in routing.performance.tolist()) == ["[0.0, nan]", "[0.25, 1.0]"]
