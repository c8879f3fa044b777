"""The contract of a source, held by every entry of SOURCES: whatever a file holds, it ends in parts or in one clear error."""

from __future__ import annotations

import gzip
import inspect
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders import SOURCES
from llmfusionbench.builders.records import LOG, Embeddings, Llms, Part, Records, Rejected, Templates
from llmfusionbench.errors import LLMFusionBenchError

DEEP = b"[" * 100_000
HOSTILE = {
    "empty.csv": b"",
    "empty.json": b"",
    "blank.jsonl": b"\n\n \n",
    "header.csv": b"a,b,c\n",
    "ragged.csv": b"a,b\n1,2,3\n4\n",
    "quote.csv": b'a,b\n"1,2\n',
    "nul.csv": b"a,b\n1,\x002\n",
    "utf16.csv": "a,b\n1,2\n".encode("utf-16"),
    "latin.jsonl": b'{"a": "\xe9"}\n',
    "list.json": b"[1, null, [], {}]",
    "object.json": b'{"a": {"b": [1, "\\ud800"]}}',
    "deep.json": DEEP,
    "nan.json": b'[{"a": NaN}]',
    "cut.json": b'[{"a": 1}, {"b":',
    "cut.parquet": b"PAR1\x00\x00",
    "text.npz": b"not an archive",
    "text.pkl": b"cos\nsystem\n(S'true'\ntR.",
    "cut.gz.jsonl.gz": gzip.compress(b'{"a": 1}\n' * 50)[:30],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, data in HOSTILE.items():
        (folder / name).write_bytes(data)
    pq.write_table(pa.table({"a": [1, None], "b": [["x"], []]}), folder / "other.parquet")
    return {path.name: path for path in sorted(folder.iterdir())}


def read(name: str, path: Path) -> tuple[list[Part], str | None]:
    """The parts of a file, or the message of the error that it ends in."""
    try:
        return list(SOURCES[name]().read([path])), None
    except LLMFusionBenchError as error:
        return [], str(error)


@pytest.mark.parametrize("file", [*HOSTILE, "other.parquet"])
@pytest.mark.parametrize("name", SOURCES)
def test_a_file_of_any_content(files: dict[str, Path], name: str, file: str) -> None:
    parts, message = read(name, files[file])
    assert message is None or (file in message and len(message) < 2_000)
    assert all(isinstance(part, Records | Rejected | Llms | Templates | Embeddings) for part in parts)
    for part in parts:
        if isinstance(part, Records):
            assert set(part.table.column_names) <= set(LOG.names)
        if isinstance(part, Rejected):
            assert part.file == file
            assert part.reason
            json.dumps(part.record)


@pytest.mark.parametrize("name", SOURCES)
def test_its_options_have_defaults_and_a_description(name: str) -> None:
    text = inspect.getdoc(SOURCES[name]) or ""
    assert text
    for parameter in inspect.signature(SOURCES[name]).parameters.values():
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert parameter.default is not parameter.empty
        assert f"{parameter.name}:" in text, parameter.name
