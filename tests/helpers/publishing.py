"""Running `llmfusionbench publish` against the local Hub, in a process that has not imported huggingface_hub before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from tests.helpers.hub import LocalHub, run_client
from tests.helpers.hub_store import Blob

_CODE = """
import contextlib, io, json, time
time.sleep = lambda _: None
from llmfusionbench.cli.main import run
answers = []
for arguments in {calls!r}:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(arguments)
    answers.append([status, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""

TOKEN = "hf_local"
WRITES = ("POST", "PUT", "DELETE", "PATCH")


class Printed(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


def commands(hub: LocalHub, home: Path, *calls: list[str], **env: str) -> list[Printed]:
    """Run command lines one after the other in a process whose Hub is `hub`; it does not wait between its attempts."""
    home.mkdir(exist_ok=True)
    done = run_client(_CODE.format(calls=list(calls)), hub.env(home, **env), home)
    assert done.returncode == 0, done.stderr
    return [Printed(*answer) for answer in json.loads(done.stdout)]


def publish(hub: LocalHub, home: Path, release: Path | str, *options: str, repo: str = "org/logs", **env: str) -> Printed:
    """Run one `publish`."""
    [printed] = commands(hub, home, ["publish", str(release), "--repo", repo, *options], **env)
    return printed


def succeeds(*arguments: object, **options: str) -> str:
    """The output of a `publish` that has no error."""
    printed = publish(*arguments, **options)  # type: ignore[arg-type]
    assert printed.status == 0, printed.err
    assert printed.err == ""
    return printed.out


def fails(*arguments: object, **options: str) -> str:
    """The only line that a `publish` prints that fails, without the name of the command."""
    printed = publish(*arguments, **options)  # type: ignore[arg-type]
    assert (printed.status, printed.out) == (1, ""), printed
    assert printed.err.startswith("llmfusionbench: error: ")
    assert TOKEN not in printed.err
    return printed.err.removeprefix("llmfusionbench: error: ").removesuffix("\n")


def files(hub: LocalHub, revision: str = "main", repo: str = "org/logs") -> dict[str, Blob]:
    """The files of a repository."""
    stored = hub.repos[repo]
    return stored.commits[stored.refs[revision]]


def written(hub: LocalHub) -> list[tuple[str, str]]:
    """Method and path of the requests that write, without those that only ask."""
    asking = ("/api/validate-yaml",)
    return [(r.method, r.path) for r in hub.log() if r.method in WRITES and r.path not in asking]


def check_out(hub: LocalHub, folder: Path, revision: str = "main", repo: str = "org/logs") -> Path:
    """Write the files of a repository into a folder."""
    for path, blob in files(hub, revision, repo).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(blob.data)
    return folder
