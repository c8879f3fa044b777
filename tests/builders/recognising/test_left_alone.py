"""What a directory has besides the log: damaged files and records within an object are told apart from unknown files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from llmfusionbench.builders.recognising import recognise
from llmfusionbench.builders.recognising.head import read_head

BATCH = {"custom_id": "a", "response": {"status_code": 200, "body": {"model": "m", "choices": []}}, "error": None}


def test_a_damaged_file_is_listed_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "output.jsonl").write_text(json.dumps(BATCH) + "\n", encoding="utf-8")
    (tmp_path / "more.jsonl.gz").write_bytes(gzip.compress(json.dumps(BATCH).encode())[:30])
    (tmp_path / "notes.json").write_text('{"note": "not a log"}', encoding="utf-8")
    found = recognise([tmp_path])
    assert found.source == "openai_batch"
    (line,) = [line for line in found.reasons if line.startswith("left alone: ")]
    assert line.startswith("left alone: more.jsonl.gz (")
    assert line.endswith("), notes.json")


def test_records_within_an_object_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"samples": [{"question": "1+1?"}, {"question": "2+2?"}]}, indent=1), encoding="utf-8")
    assert not read_head(path, rows=True).is_table
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "1+1?"}], "model": "m"}, indent=1), encoding="utf-8")
    assert read_head(path, rows=True).is_table


def test_a_truncated_object_is_not_json(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"eval": {"task": "t"}, "scores": [1, 2, 3], "samples": ["x" * 50]}, indent=1)[:-20], "utf-8")
    assert (read_head(path).fault or "").startswith("it is not JSON (")
