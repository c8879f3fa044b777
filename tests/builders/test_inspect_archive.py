"""Archives of Inspect's logs: members read in memory, damaged and hostile ones refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.builders.reading.limits import limit_records
from llmfusionbench.builders.sources.inspect_logs import InspectLogs
from llmfusionbench.errors import InputError
from tests.helpers.inspect_log import header, sample, write_eval, write_json, write_zstd
from tests.helpers.reading import read


def test_an_archive_has_the_samples_of_its_members(tmp_path: Path) -> None:
    found = read(InspectLogs(), write_eval(tmp_path / "log.eval", header(), [sample(1), sample(2, "I")]))
    assert [(r["file"], r["row"], r["source_id"], r["performance"]) for r in found.rows] == [
        ("log.eval", 0, "1", 1.0), ("log.eval", 1, "2", 0.0),
    ]  # fmt: skip


def test_zstd_members_of_newer_versions(tmp_path: Path) -> None:
    path = write_zstd(tmp_path / "log.eval", header(), [sample(1), sample(2)])
    assert read(InspectLogs(), path).column("response") == ["2", "3"]
    data = path.read_bytes()
    place = data.index(b"samples/1_epoch_1.json") + 22
    path.write_bytes(data[: place + 30] + b"\x00\x00" + data[place + 32 :])
    found = read(InspectLogs(), path)
    assert found.column("response") == ["3"]
    assert "samples/1_epoch_1.json" in found.rejected[0].reason


def test_a_run_that_has_not_ended(tmp_path: Path) -> None:
    about = {key: value for key, value in header().items() if key != "status"}
    path = write_eval(tmp_path / "log.eval", about, [sample(1)], **{"_journal/summaries/1.json": [{"id": 1}, {"id": 2}]})
    found = read(InspectLogs(), path)
    assert found.column("response") == ["2"]
    assert any("1 of the 2 samples" in note for note in found.notes)
    assert any("status unknown" in note for note in found.notes)


def test_a_sample_in_chunks(tmp_path: Path) -> None:
    shell = {key: value for key, value in sample(1, id="a").items() if key != "messages"} | {"input": "attachment://1"}
    messages = [{"role": "user", "content": "attachment://1"}], [{"role": "assistant", "content": "2", "source": "generate"}]
    members = {
        "samples/a_epoch_1/sample.json": shell,
        "samples/a_epoch_1/messages/1.json": messages[1],
        "samples/a_epoch_1/messages/0.json": messages[0],
        "samples/a_epoch_1/attachments/0.json": ["first", "What is 1+1?"],
        "samples/a_epoch_1/events/0.json": [{"event": "model"}],
    }
    found = read(InspectLogs(), write_eval(tmp_path / "log.eval", header(), [], **members))
    assert [(r["source_id"], r["prompt"], r["response"]) for r in found.rows] == [("a", "What is 1+1?", "2")]


def test_a_member_that_was_written_again_counts_once(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write_eval(tmp_path / "log.eval", header(), [sample(1, "I"), sample(1, "C")])
    assert read(InspectLogs(), path).column("performance") == [1.0]


def test_names_of_members_lead_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "in" / "log.eval"
    path.parent.mkdir()
    names = ("samples/../../../out_epoch_1.json", "samples//tmp/out_epoch_1.json", "samples/a\nb_epoch_1.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps(header()))
        for i, name in enumerate(names):
            archive.writestr(name, json.dumps(sample(i)))
    assert read(InspectLogs(), path).column("source_id") == ["0", "1", "2"]
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "log.eval"]


def test_sizes_are_limited_whatever_is_declared(tmp_path: Path) -> None:
    bomb = sample(2, "I", store={"x": " " * (3 << 20)})
    with limit_records(1):
        found = read(InspectLogs(), write_eval(tmp_path / "log.eval", header(), [sample(1), bomb, sample(3)]))
        assert found.column("source_id") == ["1", "3"]
        assert "samples/2_epoch_1.json is longer than 1 MiB" in found.rejected[0].reason
        assert "--max-record-mib" in found.rejected[0].reason
        packed = read(InspectLogs(), write_zstd(tmp_path / "zstd.eval", header(), [bomb, sample(3)]))
        assert packed.column("source_id") == ["3"]
        with pytest.raises(InputError, match=r"header.json is longer than 1 MiB"):
            read(InspectLogs(), write_eval(tmp_path / "h.eval", header(task_args={"x": "y" * (2 << 20)}), []))


@pytest.mark.parametrize("kept", [3, 40, 600, -10])
def test_a_truncated_archive_is_one_clear_error(tmp_path: Path, kept: int) -> None:
    path = write_eval(tmp_path / "log.eval", header(), [sample(1), sample(2)])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"log.eval: not a whole zip archive .*copy the log again") as raised:
        read(InspectLogs(), path)
    assert "\n" not in str(raised.value)


def test_other_methods_of_compression_are_refused(tmp_path: Path) -> None:
    path = write_eval(tmp_path / "log.eval", header(), [sample(1)], method=zipfile.ZIP_BZIP2)
    with pytest.raises(InputError, match=r"header\.json is compressed by method 12, expected deflate or zstd"):
        read(InspectLogs(), path)


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(InputError, match=r"it has no header.json"):
        read(InspectLogs(), path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", '{"eval": {"task": "sums"}}')
    with pytest.raises(InputError, match=r"not a log of Inspect .eval has no model"):
        read(InspectLogs(), path)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=12), st.booleans())
@settings(max_examples=150, deadline=None)
def test_damage_anywhere_costs_samples_or_is_one_error(place: int, damage: bytes, zstd: bool) -> None:
    with TemporaryDirectory() as folder:
        path = (write_zstd if zstd else write_eval)(Path(folder) / "log.eval", header(), [sample(1), sample(2)])
        data = path.read_bytes()
        at = place % len(data)
        path.write_bytes(data[:at] + damage + data[at + len(damage) :])
        message, parts = "log.eval", 0
        try:
            found = read(InspectLogs(), path)
            parts = len(found.rows) + len(found.rejected)
        except InputError as error:
            message = str(error)
        assert "log.eval" in message
        assert parts <= 2


def test_tasks_of_one_run_without_ids_of_their_own_keep_their_samples(tmp_path: Path) -> None:
    paths = [
        write_json(tmp_path / f"{task}.json", header(task=task, task_id=None, run_id="run-1"), [sample(1)])
        for task in ("sums", "products")
    ]
    assert read(InspectLogs(), *paths).column("task") == ["sums", "products"]
