"""A Hub that fails, refuses or breaks off, and a publish that is killed: one clear line, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.hub import LocalHub
from tests.helpers.hub_store import Blob
from tests.helpers.publishing import fails, files, succeeds
from tests.helpers.tiny_release import write_tiny_release

AGAIN = "What arrived is kept. Remedy: run the same command again"
_PATIENCE_S = 300.0
Fault = Callable[[LocalHub], object]


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_release(tmp_path / "tiny")


def commit_of_another(hub: LocalHub) -> None:
    hub.repos["org/logs"].commit({**files(hub), "notes.txt": Blob(b"mine", lfs=False)})


UNTIL_HEALED: dict[str, tuple[Fault, str]] = {
    "a card that is refused": (
        lambda hub: hub.card_errors.extend(['"license" must be one of these', "and more"]),
        'README.md: the Hub refuses this card ("license" must be one of these; and more). Remedy: correct the metadata',
    ),
    "an upload that fails": (
        lambda hub: hub.fail("/store/", 500, 0),
        f".parquet to org/logs: the Hub keeps failing (HTTP status 500). {AGAIN}",
    ),
    "a connection that breaks": (
        lambda hub: hub.drop("/store/", 100, times=1000),
        f"broke off (Server disconnected without sending a response.). {AGAIN}",
    ),
    "a commit that fails": (
        lambda hub: hub.fail("/commit/", 503, 0),
        f"org/logs: the Hub keeps failing (HTTP status 503). {AGAIN}",
    ),
    "a commit that breaks off": (
        lambda hub: hub.drop("/commit/", 10, times=1),
        f"org/logs: the connection to {{url}} broke off (Server disconnected without sending a response.). {AGAIN}",
    ),
    "a commit that is too large": (
        lambda hub: hub.fail("/commit/", 413, 0),
        "org/logs: the Hub refuses this (HTTP status 413: injected 413). Remedy: correct",
    ),
    "no room": (
        lambda hub: hub.fail("/commit/", 507, 0),
        "org/logs: the Hub has no room for it (HTTP status 507: injected 507). Remedy: free or buy",
    ),
    "a .gitignore": (
        lambda hub: hub.put("org/logs", {".gitignore": b"*.txt\ncroissant.json\n"}),
        "croissant.json: the .gitignore of org/logs has the Hub leave this file out. Nothing was changed. Remedy: delete",
    ),
    "a .gitignore with a folder": (
        lambda hub: hub.put("org/logs", {".gitignore": b"logs/\n"}),
        "logs/t",
    ),
    "no rights to commit": (
        lambda hub: hub.read_only.add("org"),
        "org/logs: the token has no right to write here (HTTP status 403). Remedy: use a token that may write",
    ),
    "a commit of another": (
        lambda hub: hub.before("/commit/", lambda: commit_of_another(hub)),
        "org/logs: the repository has changed since it was looked at. Remedy: run the same command again",
    ),
    "no list of files": (
        lambda hub: hub.fail("/api/datasets/org/logs/revision", 500, 0),
        "org/logs at main: the Hub answered with HTTP status 500. Remedy: try again later",
    ),
}


@pytest.mark.parametrize("name", UNTIL_HEALED)
def test_one_line_and_the_next_run_goes_on(name: str, hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    hub.put("org/logs", {})
    before = hub.repos["org/logs"].refs["main"]
    fault, message = UNTIL_HEALED[name]
    fault(hub)
    line = fails(hub, home, tiny, *(["--allow", "existing"] if "gitignore" in name else []))
    assert message.replace("{url}", hub.url) in line
    assert "\n" not in line
    assert set(files(hub)) <= {"notes.txt", ".gitignore"}, "never a part of a release"
    if name == "a card that is refused":
        assert hub.log("PUT") == []
        assert hub.log("POST", "preupload") == []
        assert hub.repos["org/logs"].refs["main"] == before
    hub.heal()
    hub.read_only.clear()
    if "gitignore" in name:
        assert "the .gitignore of org/logs" in line
        hub.put("org/logs", {})
    stored = set(hub.lfs)
    hub.clear_log()
    succeeds(hub, home, tiny, "--allow", "existing")
    assert not {r.path.rpartition("/")[2] for r in hub.log("PUT")} & stored, "what arrived is not sent again"
    assert "manifest.json" in files(hub)


def test_a_hub_that_stumbles(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    hub.fail("/store/", 500, 503)
    hub.fail("/commit/", 502, 500)
    hub.fail("whoami", 429)
    hub.drop("/store/", 10, times=2)
    hub.card_warnings.append("the licence is unusual")
    printed = succeeds(hub, tmp_path / "home", tiny)
    assert "Note: The Hub about README.md: the licence is unusual." in printed
    assert len(hub.log("POST", "/commit/")) == 3
    assert len(hub.repos["org/logs"].commits) == 2


def test_a_hub_without_xet(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    """Users do not set HF_HUB_DISABLE_XET: then hf_xet sends the large files, and asks for its store first."""
    line = fails(hub, tmp_path / "home", tiny, HF_HUB_DISABLE_XET="")
    assert line == (
        f"org/logs: {hub.url} has no Xet store, through which hf_xet sends files. "
        "Remedy: set HF_HUB_DISABLE_XET=1, and run the same command again"
    )
    hub.fail("/xet-write-token/", 400, 0)
    line = fails(hub, tmp_path / "home", tiny, HF_HUB_DISABLE_XET="")
    assert line.startswith("org/logs: the upload failed (")
    assert line.endswith(AGAIN)
    assert files(hub) == {}


def test_names_tokens_and_rights(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    hub.read_only.add("theirs")
    assert fails(hub, home, tiny, HF_TOKEN="") == (
        "org/logs: there is no token to write with. Remedy: set HF_TOKEN, or run `hf auth login`"
    )
    wrong = "hf_wrongwrongwrong"
    refused = fails(hub, home, tiny, HF_TOKEN=wrong)
    assert refused.startswith("org/logs: the Hub does not accept the token (HTTP status 401). Remedy: set HF_TOKEN")
    assert wrong not in refused
    assert fails(hub, home, tiny, "--dry-run", HF_TOKEN=wrong) == refused
    assert fails(hub, home, tiny, repo="theirs/logs").startswith(
        "new repository theirs/logs: the token has no right to write here (HTTP status 403). Remedy:"
    )
    hub.before("/repos/create", lambda: hub.put("org/logs", {}))
    assert fails(hub, home, tiny).startswith("org/logs: exists, but was not there when it was looked at, or this token may not")
    del hub.repos["org/logs"]
    assert "no answer from" in fails(hub, home, tiny, HF_ENDPOINT="http://127.0.0.1:9")
    assert hub.repos == {}
    assert hub.lfs == {}


def test_a_public_repository_does_not_become_private(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    hub.put("org/logs", {})
    line = fails(hub, tmp_path / "home", tiny, "--private")
    assert line == "org/logs: is public, and --private was given. Remedy: make it private on the Hub, or drop --private"
    assert files(hub) == {}


@pytest.mark.parametrize("name", ["logs/train-00000-of-00001.parquet", "croissant.json"])
def test_a_file_that_arrives_changed(name: str, hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    hub.tamper(name)
    line = fails(hub, tmp_path / "home", tiny)
    assert line.startswith(f"{name} of org/logs at {hub.repos['org/logs'].refs['main'][:12]}: is not the file that was sent (")
    hub.heal()
    succeeds(hub, tmp_path / "home", tiny)
    assert name in files(hub)


def test_kill_and_again(hub: LocalHub, tiny: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    stalled, over = threading.Event(), threading.Event()

    def stall() -> None:
        stalled.set()
        over.wait(_PATIENCE_S)

    hub.before("/store/", stall, skip=10)  # in the second group of files
    killed = subprocess.Popen(
        [sys.executable, "-m", "llmfusionbench", "publish", str(tiny), "--repo", "org/logs"],
        env=hub.env(home), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    reached = stalled.wait(_PATIENCE_S)
    killed.send_signal(signal.SIGKILL)
    printed = killed.communicate(timeout=_PATIENCE_S)
    over.set()
    assert reached, f"no second group of files: {printed}"
    assert killed.returncode == -signal.SIGKILL
    assert printed == (b"", b"")
    assert files(hub) == {}, "no half release"
    stored = {r.path.rpartition("/")[2] for r in hub.log("PUT") if r.status == 200}
    assert stored
    hub.clear_log()
    succeeds(hub, home, tiny)
    sent = {r.path.rpartition("/")[2] for r in hub.log("PUT")}
    assert sent
    assert not sent & stored, "what arrived is not sent again"
    assert {blob.sha256 for blob in files(hub).values() if blob.lfs} == sent | stored
