"""What a publish sends and what it leaves, over HTTP against the local Hub, with the real huggingface_hub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.release import Release
from tests.helpers.hub import LocalHub, run_client
from tests.helpers.hub_store import Blob
from tests.helpers.publishing import check_out, fails, files, succeeds, written
from tests.helpers.tiny_release import LOG, change_manifest, restate, write_tiny_release

OTHER_TEST = LOG.replace("1+3?,test,sums,tiny,4,1", "1+3?,test,sums,tiny,5,0")
NO_TEST = "".join(line for line in LOG.splitlines(keepends=True) if ",test," not in line)


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_release(tmp_path / "tiny")


def test_a_new_repository(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    (tiny / "rescore_changes.parquet").write_bytes(b"as it came")
    restate(tiny, "rescore_changes.parquet")
    printed = succeeds(hub, tmp_path / "home", tiny, "--private")
    assert "Not published, because no audit has looked at it: rescore_changes.parquet." in printed
    assert "org/logs (private): 25 new, 0 changed, 0 unchanged, 0 deleted" in printed
    assert printed.endswith(f"Published: {hub.url}/datasets/org/logs/commit/{hub.repos['org/logs'].refs['main']}\n")
    assert hub.repos["org/logs"].private
    assert len(hub.repos["org/logs"].commits) == 2, "the empty repository and one commit"

    there = files(hub)
    shards = {path.relative_to(tiny).as_posix() for path in tiny.glob("*/*.parquet")}
    schemas = {f"schemas/{path.name}" for path in Path(lfb.__file__).parents[1].glob("schemas/*.json")}
    assert set(there) == shards | schemas | {"manifest.json", "README.md", "croissant.json", "eval.yaml"}
    assert all(there[name].data == (tiny / name).read_bytes() and there[name].lfs for name in shards)
    puts = [r.path for r in hub.log("PUT")]
    assert len(puts) == len(set(puts)) == len({there[name].sha256 for name in shards}), "the same content is sent once"

    opened = Release(check_out(hub, tmp_path / "out"))
    assert not opened.differences(), "every digest of the published manifest holds"
    assert set(opened.manifest["files"]) == shards | {"README.md", "eval.yaml"}
    assert opened.rows("logs").equals(Release(tiny).rows("logs"))
    assert lfb.validate(tmp_path / "out") == []
    assert "0 changed, 25 unchanged" in succeeds(hub, tmp_path / "home", tmp_path / "out"), "a copy can be published too"


def test_again_and_after_changes(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    succeeds(hub, home, tiny)
    first = hub.repos["org/logs"].refs["main"]
    hub.clear_log()
    printed = succeeds(hub, home, tiny)
    assert "0 new, 0 changed, 25 unchanged, 0 deleted, 0 renamed; the new and changed files have 0 bytes" in printed
    assert f"Published before: all of it is there, at commit {first}." in printed
    assert written(hub) == []

    hub.clear_log()
    changed = write_tiny_release(tmp_path / "changed", OTHER_TEST)
    succeeds(hub, home, changed)
    now = files(hub)
    new = [name for name, blob in now.items() if blob != hub.repos["org/logs"].commits[first].get(name)]
    assert {name for name in new if name.endswith(".parquet")} == {
        f"{table}/test-00000-of-00001.parquet" for table in ("logs", "responses", "routing")
    }
    assert len(hub.log("PUT")) == 3

    hub.clear_log()
    mine = {"notes.txt": Blob(b"mine", lfs=False), "logs/mine.parquet": Blob(b"mine too", lfs=True)}
    hub.repos["org/logs"].commit({**files(hub), **mine})
    printed = succeeds(hub, home, write_tiny_release(tmp_path / "smaller", NO_TEST))
    left = files(hub)
    assert {name: left[name] for name in mine} == mine
    assert re.search(r"logs/test-00000-of-00001.parquet +deleted +-\n", printed)
    assert not [name for name in left if "/test-" in name]
    smaller = Release(tmp_path / "smaller")
    described = ("README.md", "eval.yaml")
    assert all(left[n].sha256 == e["sha256"] for n, e in smaller.manifest["files"].items() if n not in described)


def test_a_shard_of_another_name_is_not_sent(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    """One more shard of a split changes the names of all of them, for each has their number."""
    home = tmp_path / "home"
    succeeds(hub, home, tiny)
    folder = write_tiny_release(tmp_path / "renamed") / "responses"
    (folder / "train-00000-of-00001.parquet").rename(folder / "train-00000-of-00002.parquet")
    rows = pq.read_table(folder / "train-00000-of-00002.parquet")
    pq.write_table(rows.slice(0, 0), folder / "train-00001-of-00002.parquet")

    def rename(manifest: dict[str, Any]) -> None:
        manifest["files"]["responses/train-00000-of-00002.parquet"] = manifest["files"].pop(
            "responses/train-00000-of-00001.parquet"
        )

    change_manifest(folder.parent, rename)
    restate(folder.parent, "responses/train-00001-of-00002.parquet", 0)
    hub.clear_log()
    dry = succeeds(hub, home, folder.parent, "--dry-run")
    printed = succeeds(hub, home, folder.parent)
    counts = re.search(
        r"1 new, \d changed, \d+ unchanged, 1 deleted, 1 renamed; the new and changed files have [\d,]+ bytes", dry
    )
    assert counts is not None
    assert counts[0] in printed
    assert re.search(r"responses/train-00000-of-00002.parquet +renamed +[\d,]+\n", printed)
    [put] = hub.log("PUT")
    added = files(hub)["responses/train-00001-of-00002.parquet"]
    assert put.path == f"/store/{added.sha256}"
    described = [name for name in ("README.md", "croissant.json", "manifest.json") if name in printed]
    size = sum(len(files(hub)[name].data) for name in described) + len(added.data)
    assert counts[0].endswith(f"have {size:,} bytes")


def test_a_dry_run_writes_nothing(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    printed = succeeds(hub, home, tiny, "--dry-run")
    assert "Note: org/logs does not exist yet." in printed
    assert "25 new, 0 changed, 0 unchanged, 0 deleted" in printed
    assert printed.endswith("Dry run: nothing was written.\n")
    assert hub.repos == {}

    succeeds(hub, home, tiny)
    before, hub_files = hub.repos["org/logs"].refs["main"], files(hub)
    hub.clear_log()
    changed = write_tiny_release(tmp_path / "changed", OTHER_TEST)
    printed = succeeds(hub, home, changed, "--dry-run", "--revision", "v2")
    assert "Note: org/logs has no branch v2 yet." in printed
    assert "0 new, 6 changed, 19 unchanged, 0 deleted" in printed
    sizes = {name: (changed / name).stat().st_size for name in hub_files if (changed / name).is_file()}
    assert f"{sizes['logs/test-00000-of-00001.parquet']:,}" in printed
    assert [r.method for r in hub.log() if r.method not in ("GET", "HEAD")] == []
    assert hub.repos["org/logs"].refs == {"main": before}


def test_a_dry_run_without_a_token_or_a_hub(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    succeeds(hub, home, tiny, "--private")
    succeeds(hub, home, tiny, repo="org/open")
    compared = "25 unchanged"
    assert compared in succeeds(hub, home, tiny, "--dry-run", repo="org/open", HF_TOKEN="")
    hidden = succeeds(hub, home, tiny, "--dry-run", HF_TOKEN="")
    assert "Note: Not compared with the repository, every file counts as new: there is no token, and org/logs at main" in hidden
    offline = succeeds(hub, home, tiny, "--dry-run", HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE switches the Hub off" in offline
    with hub.down():
        away = succeeds(hub, home, tiny, "--dry-run")
    assert "Not compared with the repository" in away
    assert "no answer from" in away


def test_a_pull_request(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    hub.put("theirs/logs", {".gitattributes": b""})
    hub.read_only.add("theirs")
    before = hub.repos["theirs/logs"].refs["main"]
    printed = succeeds(hub, tmp_path / "home", tiny, "--pr", repo="theirs/logs")
    assert printed.endswith(f"Published: {hub.url}/datasets/theirs/logs/discussions/1\n")
    assert hub.repos["theirs/logs"].refs["main"] == before
    assert "logs/train-00000-of-00001.parquet" in files(hub, "refs/pr/1", "theirs/logs")


def test_a_branch(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    succeeds(hub, home, tiny)
    before = hub.repos["org/logs"].refs["main"]
    changed = write_tiny_release(tmp_path / "changed", OTHER_TEST)
    succeeds(hub, home, changed, "--revision", "v2")
    assert hub.repos["org/logs"].refs["main"] == before
    assert files(hub, "v2")["manifest.json"] != files(hub)["manifest.json"]
    hub.clear_log()
    succeeds(hub, home, tiny, "--revision", "v2")
    assert files(hub, "v2") == files(hub)
    assert hub.log("POST", "/branch/") == [], "the branch exists"
    assert hub.log("PUT") == [], "the store has all of it"


def test_the_users_own_card(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    card = tiny / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nCollected by the night shift.\n", encoding="utf-8")
    succeeds(hub, home, tiny)
    assert b"Collected by the night shift." in files(hub)["README.md"].data
    other = tmp_path / "other.md"
    other.write_text("---\npretty_name: Ours\n---\nCollected by the day shift.\n", encoding="utf-8")
    succeeds(hub, home, tiny, "--card", str(other))
    assert b"day shift" in files(hub)["README.md"].data
    entry = json.loads(files(hub)["manifest.json"].data)["files"]["README.md"]
    assert entry["sha256"] == files(hub)["README.md"].sha256

    edited = {**files(hub), "README.md": Blob(b"---\npretty_name: Edited\n---\n", lfs=False)}
    hub.repos["org/logs"].commit(edited)
    printed = succeeds(hub, home, tiny, "--card", str(other))
    assert "Note: README.md was edited on the Hub since it was published. It is replaced" in printed

    licences = {"license: cc-by-nc-4.0": "https://spdx.org/licenses/CC-BY-NC-4.0.html"}
    licences["license: other\nlicense_name: ours\nlicense_details: Ask us"] = "Ask us"
    licences["license: [mit, llama2]"] = "mit, llama2"
    for stated, expected in licences.items():
        other.write_text(f"---\n{stated}\n---\n", encoding="utf-8")
        succeeds(hub, home, tiny, "--card", str(other))
        assert json.loads(files(hub)["croissant.json"].data)["license"] == expected

    other.write_bytes(b"\xff\xfe")
    assert "cannot be read as a card (it is not UTF-8)" in fails(hub, home, tiny, "--card", str(other))
    assert "nowhere.md: cannot be read as a card" in fails(hub, home, tiny, "--card", str(tmp_path / "nowhere.md"))


def test_from_python(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    code = f"""
from llmfusionbench.builders.publishing.publish import publish
stages = []
done = publish({str(tiny)!r}, "org/logs", token="hf_local", licence="cc-by-4.0", progress=lambda *step: stages.append(step))
assert {{"rows checked", "shards audited", "files looked through", "files sent"}} <= {{stage for stage, _, _ in stages}}
print(done.repo_id, done.commit, done.url, done.private, done.counts, done.bytes_new, done.left_out, done.dry_run)
print(done.files["manifest.json"].status, done.files["manifest.json"].size)
import llmfusionbench as lfb
print(lfb.open_release("org/logs").table("logs").count_rows())
"""
    (tmp_path / "home").mkdir()
    done = run_client(code, hub.env(tmp_path / "home", HF_TOKEN=""), tmp_path)
    assert done.returncode == 0, done.stderr
    there, sha = files(hub), hub.repos["org/logs"].refs["main"]
    size = sum(len(blob.data) for blob in there.values())
    about, manifest, rows = done.stdout.splitlines()
    assert about == f"org/logs {sha} {hub.url}/datasets/org/logs/commit/{sha} False {{'new': 25}} {size} [] False"
    assert manifest == f"new {len(there['manifest.json'].data)}"
    assert rows == "6"
    assert json.loads(there["croissant.json"].data)["license"] == "https://spdx.org/licenses/CC-BY-4.0.html"


def test_a_mirror_of_the_hub(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    hub.is_mirror, hub.page_size = True, 10
    succeeds(hub, tmp_path / "home", tiny)
    assert "25 unchanged" in succeeds(hub, tmp_path / "home", tiny)
    hub.tamper("manifest.json")
    changed = write_tiny_release(tmp_path / "changed", OTHER_TEST)
    assert fails(hub, tmp_path / "home", changed).startswith("manifest.json of org/logs")
