"""Two places are never taken for one: neither what the cache has of them, nor the copy of one that does not answer."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from llmfusionbench.release import Release
from llmfusionbench.release.writer import write_shard
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.hub_store import Blob
from tests.remote.conftest import TRAIN

SCORES = """
from llmfusionbench import open_release
table = open_release({name!r}).table("responses", "train").to_table(columns=["performance"])
print(sum(table["performance"].to_pylist()))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Lie(Blob):
    """A blob of which the Hub states the digest of another."""

    stated = ""

    @property
    def sha256(self) -> str:
        return self.stated


def false_rows(whole: Path, scratch: Path) -> bytes:
    """A shard of the same size with other scores."""
    table = Release(whole).place.dataset([TRAIN], "responses").to_table()
    at = table.schema.get_field_index("performance")
    write_shard(scratch, TRAIN, table.set_column(at, table.schema.field(at), pa.array([0.125] * table.num_rows)))
    data, size = (scratch / TRAIN).read_bytes(), (whole / TRAIN).stat().st_size
    tail = int.from_bytes(data[-8:-4], "little") + 8
    assert len(data) <= size
    return data[:-tail] + bytes(size - len(data)) + data[-tail:]


def test_a_hub_that_lies_does_not_harm_the_release_of_another(whole: Path, tmp_path: Path) -> None:
    files = contents(whole)
    truth = sum(Release(whole).table("responses", "train").to_table(columns=["performance"])["performance"].to_pylist())
    with LocalHub() as liar, LocalHub() as honest:
        liar.put("org/other", files)
        honest.put("org/name", files)
        repo = liar.repos["org/other"]
        lie = Lie(false_rows(whole, tmp_path / "false"), True)
        Lie.stated = Blob(files[TRAIN], True).sha256
        repo.commits[repo.refs["main"]][TRAIN] = lie
        found = [
            run_client(SCORES.format(name=name), hub.env(tmp_path), tmp_path)
            for hub, name in ((liar, "org/other"), (honest, "org/name"))
        ]
    assert [done.stderr for done in found] == ["", ""]
    assert float(found[0].stdout) != pytest.approx(truth)
    assert float(found[1].stdout) == pytest.approx(truth)
