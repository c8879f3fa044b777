"""Small logs of Inspect in their real layouts, as archives and as JSON."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa


def header(**evaluated: Any) -> dict[str, Any]:
    """The header of a log, with other fields of `eval`."""
    about = {
        "task": "pack/sums", "task_id": "task-1", "created": "2026-01-01T10:00:00+00:00", "model": "openai/tiny",
        "dataset": {"name": "sums"}, "config": {"epochs": 1}, "scorers": [{"name": "match", "options": {}}],
    }  # fmt: skip
    return {"version": 2, "status": "success", "eval": about | evaluated, "plan": {"steps": [], "config": {"temperature": 0.5}}}


def sample(number: int, value: Any = "C", **fields: Any) -> dict[str, Any]:
    """A sample of one call: what 1 more than `number` is."""
    answer = str(number + 1)
    made = {"role": "assistant", "content": answer, "source": "generate", "model": "tiny-1"}
    choice = {"message": made, "stop_reason": "stop"}
    return {
        "id": number,
        "epoch": 1,
        "input": f"{number}+1?",
        "target": answer,
        "messages": [{"role": "user", "content": f"Add: {number}+1?", "source": "input"}, made],
        "output": {
            "model": "tiny-1",
            "choices": [choice],
            "completion": answer,
            "time": 0.25,
        },
        "scores": {"match": {"value": value, "answer": answer}},
        "model_usage": {"openai/tiny": {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8}},
        "total_time": 2.0,
        "working_time": 0.5,
        **fields,
    }


def write_json(path: Path, about: Mapping[str, Any], samples: Sequence[Any]) -> Path:
    """A log as JSON."""
    path.write_text(json.dumps({**about, "samples": samples}))
    return path


def write_eval(
    path: Path, about: Mapping[str, Any], samples: Sequence[Any], method: int = zipfile.ZIP_DEFLATED, **more: Any
) -> Path:
    """A log as an archive; `more` are other members."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("_journal/start.json", json.dumps({k: about[k] for k in ("version", "eval", "plan") if k in about}))
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
        for name, value in more.items():
            archive.writestr(name, json.dumps(value))
        if "status" in about:
            archive.writestr("header.json", json.dumps(about))
    return path


def write_zstd(path: Path, about: Mapping[str, Any], samples: Sequence[Any]) -> Path:
    """A log as an archive whose members are compressed by zstd, in two frames each, as newer versions write it."""
    members = {"header.json": about, **{f"samples/{s['id']}_epoch_{s['epoch']}.json": s for s in samples}}
    body, directory = b"", b""
    for name, value in members.items():
        data, encoded = json.dumps(value).encode(), name.encode()
        packed = b"".join(pa.compress(part, "zstd", asbytes=True) for part in (data[:20], data[20:]))
        shared = struct.pack("<HHHHHIIIHH", 63, 0, 93, 0, 33, zlib.crc32(data), len(packed), len(data), len(encoded), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 63) + shared + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + encoded
        body += b"PK\x03\x04" + shared + encoded + packed
    count = len(members)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path
