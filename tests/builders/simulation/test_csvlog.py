"""The official CSV: columns, order and quirks, the same bytes for any number of workers, whole files or none."""

import csv
import hashlib
import io
import json
import math
import socket
from pathlib import Path

import pandas as pd
import pytest

from llmfusionbench.builders.simulation import LLMS, answers, csvlog, simulate, simulate_rows, task_queries
from llmfusionbench.builders.simulation.rows import COLUMNS
from llmfusionbench.errors import InputError

SCALE = 0.005
QUERIES = 32


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log")
    calls: list[tuple[int, int]] = []
    made = simulate(folder, scale=SCALE, seed=9, progress=lambda stage, done, total: calls.append((done, total)))
    assert sum(made.rows.values()) == QUERIES * 40
    assert made.bytes == sum(path.stat().st_size for path in made.files.values())
    assert calls[-1] == (QUERIES * 40, QUERIES * 40)
    assert calls == sorted(calls)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        header = file.readline().rstrip("\n").split(",")
        return [dict(zip(header, row, strict=True)) for row in csv.reader(file, escapechar="\\")]


def test_files_of_the_config_layout(log: Path) -> None:
    assert sorted(path.name for path in log.iterdir()) == ["README.md", "partial_test.csv", "train.csv"]
    card = (log / "README.md").read_text()
    assert "config_name: partial_test" in card
    assert "split: data" in card
    assert "simulated" in card


def test_files_of_the_splits_layout(tmp_path: Path) -> None:
    made = simulate(tmp_path, scale=0.001, layout="splits")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")) == [
        "data/partial_test.csv",
        "data/train.csv",
    ]
    assert not (tmp_path / "README.md").exists()
    assert made.files["train"] == tmp_path / "data" / "train.csv"
    with pytest.raises(InputError, match="exists and is not a simulated log"):
        simulate(tmp_path, scale=0.001, layout="splits")  # nothing here says that it is one


def test_columns_and_order(log: Path) -> None:
    rows = read(log / "train.csv")
    assert tuple(rows[0]) == COLUMNS
    assert COLUMNS[:18] == (
        "task_name",
        "task_id",
        "task_description",
        "task_description_embedding",
        "query",
        "query_embedding",
        "ground_truth",
        "metric",
        "llm",
        "input_price",
        "output_price",
        "input_tokens_num",
        "output_tokens_num",
        "performance",
        "cost",
        "response",
        "llm_description",
        "llm_judge",
    )
    wanted = [name for llm in LLMS for name in (llm.name, f"{llm.name}_think")]
    assert len(rows) % 40 == 0
    for start in range(0, len(rows), 40):
        block = rows[start : start + 40]
        assert [row["llm"] for row in block] == wanted
        assert len({row["query"] for row in block}) == 2
        assert len({row["ground_truth"] for row in block}) == 1
        assert block[0]["query_embedding"].startswith("tensor([")
        assert block[0]["task_description_embedding"].startswith("tensor([")
        assert not any(row["query_embedding"] or row["task_description_embedding"] for row in block[1:])
    both = rows + read(log / "partial_test.csv")
    assert len({row["task_name"] for row in both}) == 14
    assert {row["provenance"] for row in both} == {"simulated"}
    assert {row["tokenizer"] for row in both} == {"simulated-estimate"}


def test_reading_back_gives_what_was_simulated(log: Path) -> None:
    """Quotes, commas, line breaks, LaTeX and unicode survive a reader that undoes the escapes."""
    rows = read(log / "train.csv") + read(log / "partial_test.csv")
    logged = {(row["query"], row["llm"]): row for row in rows}
    assert len(logged) == QUERIES * 40
    for task in ("math", "squad", "mbpp", "gsm8k"):
        for query in task_queries(task, 2, seed=9):
            for row in simulate_rows(query, seed=9):
                for column, value in row.items():
                    assert logged[row["query"], row["llm"]][column] == ("" if value is None else str(value))
    texts = [row["response"] for row in rows]
    for mark in ("\\boxed{", '"', ",", "\n"):
        assert any(mark in text for text in texts), mark


def test_backslashes_are_doubled_in_the_file(log: Path, tmp_path: Path) -> None:
    assert b"\\\\boxed{" in (log / "train.csv").read_bytes()
    simulate(tmp_path, scale=SCALE, seed=9, escape_backslashes=False)
    single = (tmp_path / "train.csv").read_bytes()
    assert b"\\boxed{" in single
    assert single.replace(b"\\", b"\\\\") == (log / "train.csv").read_bytes()


def test_bytes_are_those_of_pandas() -> None:
    queries = [next(task_queries(task, 1)) for task in ("math", "mbpp", "hellaswag", "trivia_qa")]
    frame = pd.DataFrame([row for query in queries for row in simulate_rows(query)], columns=list(COLUMNS), dtype=object)
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, header=False, escapechar="\\", lineterminator="\n")
    count, block = csvlog._render(queries, 0, True)
    assert count == 160
    assert block == buffer.getvalue().encode()


def test_same_bytes_for_any_number_of_workers(log: Path, tmp_path: Path) -> None:
    simulate(tmp_path / "two", scale=SCALE, seed=9, workers=2)
    for name in ("train.csv", "partial_test.csv"):
        assert (tmp_path / "two" / name).read_bytes() == (log / name).read_bytes()


def test_another_seed_gives_other_queries(log: Path, tmp_path: Path) -> None:
    simulate(tmp_path, scale=0.001, seed=10)
    assert not {row["query"] for row in read(tmp_path / "train.csv")} & {row["query"] for row in read(log / "train.csv")}


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first = simulate(tmp_path / "a", scale=0.003, seed=0)
    again = simulate(tmp_path / "b", scale=0.003, seed=0)
    sums = [hashlib.sha256(made.files["train"].read_bytes()).hexdigest() for made in (first, again)]
    assert sums[0] == sums[1]


def test_quirks_of_the_official_log() -> None:
    (math_query,) = task_queries("math", 1)
    (code_query,) = task_queries("mbpp", 1)
    (names_query,) = task_queries("natural_qa", 1)
    for query in (math_query, code_query, names_query):
        for row, entry in zip(simulate_rows(query), answers(query), strict=True):
            if entry.llm.name == "deepseek-r1":
                assert (row["input_price"], row["output_price"]) == (8.0, 8.0)
            if entry.status != "error":
                # Tokens times price, without the division by a million.
                assert (
                    row["cost"] == row["input_tokens_num"] * row["input_price"] + row["output_tokens_num"] * row["output_price"]
                )
            if entry.status == "ok" and query is code_query:
                assert row["performance"] in ("{'pass@1': np.float64(0.0)}", "{'pass@1': np.float64(1.0)}")
    row = simulate_rows(code_query)[0]
    assert row["ground_truth"] == repr(json.loads(code_query.ground_truth))
    assert str(row["task_id"]).startswith("SIM/")
    assert simulate_rows(math_query)[0]["task_id"] is None
    assert simulate_rows(names_query)[0]["ground_truth"] == repr(json.loads(names_query.ground_truth))
    assert simulate_rows(math_query, embeddings=False)[0]["query_embedding"] is None


def test_an_interrupted_simulation_leaves_the_old_log(tmp_path: Path) -> None:
    simulate(tmp_path, scale=0.001)
    (tmp_path / "train.csv").write_text("old")
    with pytest.raises(InputError, match="a simulated log is there already"):
        simulate(tmp_path, scale=0.001)

    def stop(stage: str, done: int, total: int | None, /) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, scale=0.001, overwrite=True, progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "partial_test.csv", "train.csv"]
    assert (tmp_path / "train.csv").read_text() == "old"
    simulate(tmp_path, scale=0.001, overwrite=True)
    assert (tmp_path / "train.csv").read_text() != "old"


@pytest.mark.parametrize(("layout", "name"), [("config", "README.md"), ("config", "train.csv"), ("splits", "data/train.csv")])
def test_files_that_are_no_simulated_log_stay(tmp_path: Path, layout: str, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    message = r"exists and is not a simulated log \(it has no README.md that states it\), .*\. Remedy: choose another --out"
    for overwrite in (False, True):
        with pytest.raises(InputError, match=message):
            simulate(tmp_path, scale=0.001, layout=layout, overwrite=overwrite)
    assert [p.read_text() for p in tmp_path.rglob("*") if p.is_file()] == ["mine"]


def test_what_a_killed_run_left_is_cleared_up(tmp_path: Path) -> None:
    dead = tmp_path / f".log.{socket.gethostname()}.{2**22 + 1}.0a1b2c3d.tmp"  # no system has processes of that number
    dead.mkdir()
    (dead / "train.csv").write_text("half")
    simulate(tmp_path / "log", scale=0.001)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["README.md", "partial_test.csv", "train.csv"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "wide"}, 'layout is "wide", expected one of config, splits'),
        ({"workers": 0}, "workers is 0, expected at least 1"),
        ({"scale": -1.0}, r"scale is -1\.0"),
        ({"scale": math.nan}, "scale is nan"),
    ],
)
def test_bad_arguments(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate(tmp_path, **options)
