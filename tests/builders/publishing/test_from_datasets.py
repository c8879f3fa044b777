"""A published release, read by a process that has imported `datasets` and nothing of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.schema import TABLES
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.publishing import files, succeeds
from tests.helpers.sample_part import write_part

_CODE = """
import json, sys
from datasets import get_dataset_config_names, get_dataset_default_config_name, get_dataset_split_names, load_dataset
found = {}
for config in get_dataset_config_names("org/logs"):
    for split in get_dataset_split_names("org/logs", config):
        found[f"{config} {split}"] = list(load_dataset("org/logs", config, split=split, streaming=True))
whole = load_dataset("org/logs", split="test").to_list()
assert not [name for name in sys.modules if name.startswith("llmfusionbench")]
print(json.dumps([get_dataset_default_config_name("org/logs"), found, whole], default=str))
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


def plain(rows: list[dict[str, Any]]) -> Any:
    return json.loads(json.dumps(rows, default=str))


def test_every_config_and_split(hub: LocalHub, tmp_path: Path) -> None:
    release = write_part(tmp_path / "part", tasks=["gsm8k", "mmlu"], queries=2, llms=4)
    succeeds(hub, tmp_path / "home", release.path, "--allow", "simulated")
    env = {name: value for name, value in hub.env(tmp_path / "reader").items() if name != "PYTHONPATH"}
    (tmp_path / "reader").mkdir()
    done = run_client(_CODE, env, tmp_path / "reader")
    assert done.returncode == 0, done.stderr
    default, found, whole = json.loads(done.stdout)
    assert default == "logs"
    splits = {t: release.manifest["tables"][t]["splits"] for t in TABLES if t in release.tables}
    assert set(found) == {f"{t} {s}" for t, counts in splits.items() for s, count in counts.items() if count["rows"]}
    for place, rows in found.items():
        table, split = place.split()
        assert rows == plain(release.table(table, split).to_table().to_pylist()), place
    assert whole == found["logs test"]
    assert any(row["judges"] for row in whole)
    assert any(value is None for value in whole[0].values())
    assert "logs/test-00000-of-00002.parquet" in files(hub)
