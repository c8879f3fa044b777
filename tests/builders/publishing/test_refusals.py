"""What is not published without being allowed by name: each with its number, a place and the remedy, all at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.auditing import audit
from llmfusionbench.builders import append, build, rescore
from llmfusionbench.builders.publishing import checks, texts
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from tests.helpers.hub import LocalHub
from tests.helpers.publishing import check_out, commands, fails, files, succeeds
from tests.helpers.tiny_release import LOG, change_manifest, change_rows, write_tiny_release
from tests.helpers.two_releases import answer, release_of

ADDRESS = "marta.kowalczyk@poczta-lodz.pl"
PERSONAL = LOG.replace("tiny_think,two,", f"tiny_think,write to {ADDRESS},")


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


def refusals(release: Path) -> dict[str, str]:
    opened = Release(release)
    return {refusal.name: str(refusal) for refusal in checks.refusals_of(opened, audit(opened), texts.look(opened))}


def test_a_clean_release(tmp_path: Path) -> None:
    assert refusals(write_tiny_release(tmp_path / "tiny")) == {}


def test_all_at_once_and_each_by_name(hub: LocalHub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    tiny = write_tiny_release(tmp_path / "tiny", PERSONAL)
    change_manifest(tiny, lambda manifest: manifest.update(provenance=["imported", "simulated"]))
    hub.put("org/logs", {".gitattributes": b"", "model.bin": b"weights", "readme.txt": b"mine"})
    calls = [["publish", str(tiny), "--repo", "org/logs", *options] for options in (
        [], ["--dry-run"], ["--allow", "existing"], ["--allow", "existing", "--allow", "personal_data"],
    )]  # fmt: skip
    first, dry, second, third = commands(hub, home, *calls)
    head, *lines = first.err.splitlines()
    assert head == f"llmfusionbench: error: {tiny}: not published, for 3 reasons:"
    assert [line.split(":")[0] for line in lines] == ["  personal_data", "  simulated", "  existing"]
    assert all(f", or add --allow {line.split(':')[0].strip()}" in line for line in lines)
    assert re.search(
        r"answers: 1; e-mail address in responses\.response: 1\), such as logs \(query_id \w+, tiny think\)", lines[0]
    )
    assert "org/logs has 2 files and is not a release of this package, such as model.bin" in lines[2]
    assert dry == first
    assert [line.split(":")[0] for line in second.err.splitlines()[1:]] == ["  personal_data", "  simulated"]
    assert third.err == f"llmfusionbench: error: {tiny}: not published, {lines[1].strip()}\n"
    assert {printed.status for printed in (first, dry, second, third)} == {1}
    assert ADDRESS not in str([first, second, third])
    assert "kowalczyk" not in str([first, second, third])
    assert hub.log("PUT") == []

    every = [word for name in ("existing", "personal_data", "simulated") for word in ("--allow", name)]
    succeeds(hub, home, tiny, *every)
    assert {"model.bin", "readme.txt", "manifest.json"} <= set(files(hub))


def test_rows_that_are_marked_though_the_manifest_does_not_say(tmp_path: Path) -> None:
    tiny = write_tiny_release(tmp_path / "tiny")
    for table in ("responses", "logs"):
        change_rows(tiny, f"{table}/test-00000-of-00001.parquet", lambda rows: rows[0].update(provenance="simulated"))
    [(name, line)] = refusals(tiny).items()
    assert name == "simulated"
    assert "1 row of " in line
    assert re.search(r"such as (responses|logs) \(query_id \w+, llm \w+, mode direct, replicate 0\)", line)


def test_personal_data_where_no_audit_looks(tmp_path: Path) -> None:
    tiny = write_tiny_release(tmp_path / "tiny")
    change_rows(tiny, "judge_scores/train-00000-of-00001.parquet", lambda rows: rows[0].update(reason=f"as {ADDRESS} said"))
    change_rows(tiny, "queries/train-00000-of-00001.parquet", lambda rows: rows[0].update(choices=["a", f"mail {ADDRESS}"]))
    line = refusals(tiny)["personal_data"]
    assert "2 other texts" in line
    assert "e-mail address in judge_scores.reason: 1; e-mail address in queries.choices: 1" in line
    assert "kowalczyk" not in line


def test_large_rows_and_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = write_tiny_release(tmp_path / "tiny", LOG.replace("tiny_think,two,", f"tiny_think,{'two ' * 550_000},"))
    line = refusals(tiny)["large_rows"]
    assert line.startswith("large_rows: 2 rows of more than 2 MB, the largest 2,2")
    assert "bytes, in logs (query_id" in line
    monkeypatch.setattr(checks, "MAX_SHARD_BYTES", 4_000)
    line = refusals(tiny)["large_shards"]
    assert "--allow" not in line
    refused = [checks.Refusal("large_shards", line, "", allowance=False)]
    with pytest.raises(InputError, match="not published, large_shards: "):
        checks.check_refusals(tiny, refused, ["large_shards"])


def test_names_of_allowances() -> None:
    checks.check_allowances(list(checks.ALLOWANCES))
    with pytest.raises(UnknownNameError, match=r'No allowance "personal"\. Did you mean "personal_data"\?'):
        checks.check_allowances(["personal"])


def test_a_release_that_does_not_validate(hub: LocalHub, tmp_path: Path) -> None:
    tiny = write_tiny_release(tmp_path / "tiny")
    change_rows(tiny, "responses/train-00000-of-00001.parquet", lambda rows: [row.update(cost_usd=-1.0) for row in rows])
    printed, *others = commands(
        hub,
        tmp_path / "home",
        ["publish", str(tiny), "--repo", "org/logs"],
        ["publish", str(tiny), "--repo", "logs"],
        ["publish", str(tiny), "--repo", "org/logs", "--revision", "a..b"],
        ["publish", str(tiny), "--repo", "org/logs", "--revision", "0" * 40],
        ["publish", str(tiny), "--repo", "org/logs", "--allow", "all"],
        ["publish", str(tmp_path / "nowhere"), "--repo", "org/logs"],
    )
    assert (
        "not published, because it does not validate. Remedy: repair the release; `llmfusionbench validate` lists"
        in printed.err
    )
    assert "Found 4 issues, such as:\n  responses/train-00000-of-00001.parquet row 0: cost_usd is -1.0, expected" in printed.err
    lines = [other.err.removeprefix("llmfusionbench: error: ").strip() for other in others]
    assert lines[:3] == [
        "logs: not the name of a repository. Remedy: name it org/name, such as my-name/my-logs",
        "a..b: not the name of a branch. Remedy: name one, such as main or v2",
        f"{'0' * 40}: not the name of a branch. Remedy: name one, such as main or v2",
    ]
    assert lines[3] == 'No allowance "all". Known: existing, large_rows, personal_data, simulated.'
    assert "nowhere: no such directory" in lines[4]
    assert hub.repos == {}


def test_files_of_others_that_readers_would_take_for_shards(hub: LocalHub, tmp_path: Path) -> None:
    """`datasets` reads all files of a table's folder whose names begin with a split."""
    tiny = write_tiny_release(tmp_path / "tiny")
    hub.put("org/logs", {"queries/train-mine.parquet": b"x", "queries/more.parquet": b"x", "notes/train-1.parquet": b"x"})
    line = fails(hub, tmp_path / "home", tiny, "--allow", "existing")
    assert "not published, files of others: org/logs has 1 file that readers would take for shards of the release, " in line
    assert "such as queries/train-mine.parquet. Remedy: delete them there, or choose another --repo" in line
    assert hub.repos["org/logs"].commits[hub.repos["org/logs"].refs["main"]].keys() == {
        "queries/train-mine.parquet", "queries/more.parquet", "notes/train-1.parquet",
    }  # fmt: skip


def test_a_repository_of_another_kind(hub: LocalHub, tmp_path: Path) -> None:
    tiny = write_tiny_release(tmp_path / "tiny")
    hub.put("org/logs", {"manifest.json": b'{"files": {"model.bin": {}}, "tables": {}}', "model.bin": b"weights"})
    assert "existing: org/logs has 2 files" in fails(hub, tmp_path / "home", tiny)
    succeeds(hub, tmp_path / "home", tiny, "--allow", "existing")
    assert files(hub)["model.bin"].data == b"weights"


def test_a_text_of_the_responses_that_the_logs_do_not_have(tmp_path: Path) -> None:
    tiny = write_tiny_release(tmp_path / "tiny")
    change_rows(tiny, "responses/train-00000-of-00001.parquet", lambda rows: rows[0].update(response=f"mail {ADDRESS}"))
    line = refusals(tiny)["personal_data"]
    assert "0 rows of the logs and 1 other text " in line
    assert "e-mail address in responses.response: 1" in line


def test_names_are_looked_at_and_masked(tmp_path: Path) -> None:
    row = answer("one?", "ant", judge=f"{ADDRESS}/rule", judge_score=0.5)
    prices = [{"llm": f"tuned:{ADDRESS}", "input_price": 1.0, "output_price": 1.0}]
    line = refusals(release_of(tmp_path / "release", [row], prices=prices).directory)["personal_data"]
    assert "e-mail address in judge_scores.judge: 1" in line
    assert "e-mail address in llms.llm: 1" in line
    assert "such as llms (llm tuned:m…[e-mail address, " in line
    assert "kowalczyk" not in line


def test_texts_that_were_replaced_are_not_in_the_manifest(hub: LocalHub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    old = release_of(tmp_path / "old", [answer("one?", "ant", f"write to {ADDRESS}", latency_s=2.0), answer("two?", "ant")])
    new = release_of(
        tmp_path / "new", [answer("one?", "ant", "[removed]", latency_s=2.0), answer("two?", "ant", latency_s=3.0)]
    )
    made = append(old, new, tmp_path / "out", prefer="new", workers=1).release
    [example] = [e for e in made.manifest["history"][-1]["examples"] if e.get("column") == "response"]
    assert "before" not in example
    assert "after" not in example
    assert ADDRESS not in (tmp_path / "out" / "manifest.json").read_text(encoding="utf-8")

    def as_before(manifest: dict[str, Any]) -> None:
        number = {"what": "changed", "table": "responses", "column": "latency_s", "key": {}, "before": "2.0", "after": "3.0"}
        text = {"what": "changed", "table": "responses", "column": "response", "key": {}, "before": f'"to {ADDRESS}"'}
        manifest["history"][-1]["examples"] = [text, number]

    change_manifest(tmp_path / "out", as_before)
    succeeds(hub, home, tmp_path / "out")
    there = files(hub)
    assert not [name for name, blob in there.items() if ADDRESS.encode() in blob.data]
    shown = json.loads(there["manifest.json"].data)["history"][-1]["examples"]
    assert [(e["column"], e.get("before"), e.get("after")) for e in shown] == [
        ("response", None, None),
        ("latency_s", "2.0", "3.0"),
    ]


def test_personal_data_in_the_files_that_describe_a_release(hub: LocalHub, tmp_path: Path) -> None:
    home, tiny, card = tmp_path / "home", write_tiny_release(tmp_path / "tiny"), tmp_path / "card.md"
    key = "sk-" + "ant-q7Lw2ZpX9vRt4KmB8sYd3Hf"
    change_manifest(tiny, lambda manifest: manifest.update(warnings=[f"first\n{key} of {ADDRESS}"]))
    line = fails(hub, home, tiny)
    assert "personal_data: 0 rows of the logs and 2 other texts" in line
    assert (
        "e-mail address in README.md: 1; e-mail address in manifest.json: 1; key in README.md: 1; key in manifest.json: 1"
        in line
    )
    assert "such as README.md: " in line
    assert "kowalczyk" not in line + str(hub.log())
    assert key not in line

    tiny = write_tiny_release(tmp_path / "tiny")
    card.write_text(f"---\npretty_name: Ours\n---\n# Ours\n\nWrite to {ADDRESS}.\n", encoding="utf-8")
    succeeds(hub, home, tiny, "--card", str(card))
    assert ADDRESS.encode() in files(hub)["README.md"].data, "their contact"
    card.write_text(f"# Ours\n\nWrite to {ADDRESS}, with {key}.\n", encoding="utf-8")
    line = fails(hub, home, tiny, "--card", str(card))
    assert "(key in README.md: 1)" in line
    assert "Remedy: replace it where it comes from (the logs or the card)" in line
    succeeds(hub, home, tiny, "--card", str(card), "--allow", "personal_data")


def test_folders_of_inputs_stay_here(hub: LocalHub, tmp_path: Path) -> None:
    logs = [tmp_path / name / "log.csv" for name in ("marta", "piotr")]
    for log, split in zip(logs, ("train", "test"), strict=True):
        log.parent.mkdir()
        log.write_text("".join(r for r in LOG.splitlines(keepends=True) if f",{split}," in r or r.startswith("prompt")))
    made = build("table", logs, tmp_path / "release", workers=1)
    assert [entry["name"] for entry in made.manifest["source"]["inputs"]] == ["marta/log.csv", "piotr/log.csv"]
    succeeds(hub, tmp_path / "home", made.directory)
    there = files(hub)
    assert [entry["name"] for entry in json.loads(there["manifest.json"].data)["source"]["inputs"]] == ["log.csv", "log.csv"]
    assert not [name for name, blob in there.items() if b"piotr" in blob.data]


def test_another_release_is_not_replaced(hub: LocalHub, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = release_of(tmp_path / "first", [answer("one?", "ant"), answer("two?", "ant", split="test")])
    other = release_of(tmp_path / "other", [answer("three?", "ant"), answer("four?", "ant")])
    succeeds(hub, home, first.directory)
    before = hub.repos["org/logs"].refs["main"]
    line = fails(hub, home, other.directory)
    assert line == (
        f"{other.path}: not published, existing: org/logs at {before[:12]} holds another release, without a query of this one, "
        "and would lose it. Remedy: choose another --repo, or add --allow existing"
    )
    assert fails(hub, home, other.directory, "--dry-run") == line
    assert hub.repos["org/logs"].refs["main"] == before

    rescore(first, tmp_path / "rescored", workers=1)
    versions = [
        tmp_path / "rescored",
        append(first, other, tmp_path / "appended", workers=1).release.path,
        release_of(tmp_path / "more", [answer(f"{word}?", "ant") for word in ("none", "one", "two", "six")]).path,
        first.path,
    ]
    assert ["All" in succeeds(hub, home, version) for version in versions] == [True] * 4
    succeeds(hub, home, other.directory, "--allow", "existing")
    assert "two?" not in Release(check_out(hub, tmp_path / "out")).rows("queries")["prompt"].to_pylist()

    hub.vanish("queries/train-00000-of-00001.parquet")
    line = fails(hub, home, first.directory)
    assert "holds a release that cannot be read (" in line
    assert line.count("Remedy:") == 1
