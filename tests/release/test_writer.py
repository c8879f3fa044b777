"""Writing a release: whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import signal
import socket
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.errors import InputError
from llmfusionbench.release import ReleaseWriter, write_shard, writer
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import TABLES, table_schema
from llmfusionbench.storage import directories
from tests.helpers.small_release import rows
from tests.helpers.tiny_release import LOG, write_tiny_release


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def write_empty(out: Path, **options: bool) -> Path:
    """A release of no rows."""
    with ReleaseWriter(out, **options) as release:
        names = [shard_name(t, "train", 0, 1) for t in TABLES]
        return release.finish({n: write_shard(release.path, n, rows(n.split("/")[0], range(0))) for n in names}, {})


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = write_tiny_release(tmp_path / "a" / "x"), write_tiny_release(tmp_path / "b" / "yy")
    assert snapshot(first) == snapshot(second)


def test_nothing_of_this_machine_is_written(tmp_path: Path) -> None:
    import getpass

    written = b"".join(snapshot(write_tiny_release(tmp_path / "release")).values())
    for word in (str(tmp_path), socket.gethostname(), str(Path.home())):
        assert word.encode() not in written or len(word) < 6
    assert f"/{getpass.getuser()}/".encode() not in written


def test_the_manifest(tmp_path: Path) -> None:
    release = write_tiny_release(tmp_path / "release")
    text = (release / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert text == json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert manifest["schema_version"] == "2.1"
    assert manifest["tool"] == {"name": "llmfusionbench", "version": lfb.__version__}
    assert manifest["tables"].keys() == set(TABLES)
    assert manifest["tables"]["responses"] == {"splits": {"train": {"rows": 4}, "test": {"rows": 2}}}
    on_disk = {p.relative_to(release).as_posix() for p in release.rglob("*") if p.is_file()}
    assert on_disk == manifest["files"].keys() | {"manifest.json"}
    (source,) = manifest["source"]["inputs"]
    assert source["name"] == "tiny.csv"
    assert source["bytes"] == len(LOG)


def test_row_groups_are_sized_for_streaming(tmp_path: Path) -> None:
    table = rows("responses", range(3_000))
    texts = table.set_column(table.schema.get_field_index("response"), "response", [["x" * 10_000] * 3_000])
    entry = write_shard(tmp_path, "responses/train-00000-of-00001.parquet", texts)
    file = pq.ParquetFile(tmp_path / "responses" / "train-00000-of-00001.parquet")
    sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert sum(sizes) == entry["rows"] == 3_000
    assert 2 <= len(sizes) <= 10
    assert min(sizes[:-1]) >= 256
    first = file.metadata.row_group(0)
    columns = {first.column(i).path_in_schema: first.column(i) for i in range(first.num_columns)}
    assert {c.compression for c in columns.values()} == {"ZSTD"}
    assert "RLE_DICTIONARY" in columns["llm"].encodings
    assert file.schema_arrow.equals(table_schema("responses").arrow)


def test_shards_of_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mode"):
        write_shard(tmp_path, "responses/train-00000-of-00001.parquet", rows("responses", range(3)).drop_columns(["mode"]))


# --- what is there already


def test_an_existing_release_stays_unless_asked(tmp_path: Path) -> None:
    before = snapshot(write_tiny_release(tmp_path / "release"))
    with pytest.raises(
        InputError, match=r"release: a release is there already\. Remedy: add --overwrite, or choose another --out"
    ):
        write_empty(tmp_path / "release")
    assert snapshot(tmp_path) == {f"release/{k}": v for k, v in before.items()}
    write_empty(tmp_path / "release", overwrite=True)
    assert lfb.open_release(tmp_path / "release").table("responses").count_rows() == 0
    assert [p.name for p in tmp_path.iterdir()] == ["release"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_release_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"thesis: exists and is not a release.*Remedy: choose another --out"):
        write_empty(tmp_path / "thesis", overwrite=overwrite)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file: exists and is not a release"):
        write_empty(tmp_path / "file", overwrite=overwrite)
    with pytest.raises(InputError, match="cannot write there"):
        write_empty(tmp_path / "file" / "below", overwrite=overwrite)
    assert snapshot(tmp_path) == {"thesis/chapter.tex": b"years of work", "file": b"x"}


def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with ReleaseWriter(tmp_path / "release") as release:
        (tmp_path / "release").mkdir()
        (tmp_path / "release" / "mine").write_text("x")
        with pytest.raises(InputError, match="exists and is not a release"):
            release.finish({}, {})
    assert snapshot(tmp_path) == {"release/mine": b"x"}


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    write_empty(tmp_path / "release")
    assert lfb.validate(tmp_path / "release") == []
    assert [p.name for p in tmp_path.iterdir()] == ["release"]


def test_a_link_leads_to_the_new_release(tmp_path: Path) -> None:
    write_tiny_release(tmp_path / "v1")
    (tmp_path / "latest").symlink_to("v1")
    write_empty(tmp_path / "latest", overwrite=True)
    assert (tmp_path / "latest").is_symlink()
    assert lfb.open_release(tmp_path / "v1").table("responses").count_rows() == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "v1"]


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to("v2")
    write_empty(tmp_path / "latest")
    assert lfb.validate(tmp_path / "v2") == []


@pytest.mark.parametrize("name", ["a[1]*?", "é ü", "-out", "a\nb", ".hidden", "x" * 150, "a.tmp"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    write_empty(tmp_path / name)
    dead = tmp_path / f".{name}.{socket.gethostname()}.99999999.tmp"
    dead.mkdir()
    write_empty(tmp_path / name, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert lfb.validate(tmp_path / name) == []


def test_a_name_too_long(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write there"):
        write_empty(tmp_path / ("x" * 250))


# --- what goes wrong


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:

    def fail() -> None:
        with ReleaseWriter(tmp_path / "deep" / "er" / "release") as release:
            write_shard(release.path, shard_name("llms", "train", 0, 1), rows("llms", range(3)))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_folders_that_others_use_stay(tmp_path: Path) -> None:

    def fail() -> None:
        with ReleaseWriter(tmp_path / "deep" / "release"):
            (tmp_path / "deep" / "note").write_text("x")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert snapshot(tmp_path) == {"deep/note": b"x"}


def test_a_build_that_fails_leaves_the_old_release(tmp_path: Path) -> None:
    before = snapshot(write_tiny_release(tmp_path / "release"))
    (tmp_path / "bad.csv").write_text("prompt,llm\n")
    with pytest.raises(InputError):
        build("table", [tmp_path / "bad.csv"], tmp_path / "release", overwrite=True)
    assert snapshot(tmp_path / "release") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.csv", "release"]


def test_a_full_disk_leaves_the_old_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot(write_tiny_release(tmp_path / "release"))

    def full(path: Path) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(writer, "sha256", full)
    with pytest.raises(OSError, match="No space left"):
        write_empty(tmp_path / "release", overwrite=True)
    assert snapshot(tmp_path) == {f"release/{k}": v for k, v in before.items()}


@pytest.mark.parametrize("atomic", [True, False])
def test_with_and_without_a_system_that_can_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, atomic: bool) -> None:
    if not atomic:
        monkeypatch.setattr(directories, "_exchange", lambda a, b: False)
    write_tiny_release(tmp_path / "release")
    write_empty(tmp_path / "release", overwrite=True)
    assert lfb.open_release(tmp_path / "release").table("responses").count_rows() == 0
    assert [p.name for p in tmp_path.iterdir()] == ["release"]


def test_a_release_put_away_by_a_killed_run_is_put_back(tmp_path: Path) -> None:
    """Where directories cannot be exchanged, a run may be killed between the two renames."""
    before = snapshot(write_tiny_release(tmp_path / "release"))
    away = tmp_path / f".release.{socket.gethostname()}.99999999.old"
    (tmp_path / "release").rename(away)
    with pytest.raises(InputError, match="a release is there already"):
        write_empty(tmp_path / "release")
    assert snapshot(tmp_path) == {f"release/{k}": v for k, v in before.items()}


def test_leftovers_of_others_stay(tmp_path: Path) -> None:
    """What belongs to living processes, other hosts and other releases stays, and so do files that merely look alike."""
    host = socket.gethostname()
    kept = [f".release.{host}.{os.getppid()}.tmp", ".release.elsewhere.99999999.tmp", f".releases.{host}.99999999.tmp",
            f".release.{host}.99999999.log", f".release.{host}.²²²²²²²²²².tmp"]  # fmt: skip
    for name in [*kept, f".release.{host}.99999999.tmp", f".release.{host}.99999999.old"]:
        (tmp_path / name).mkdir()
    write_empty(tmp_path / "release")
    assert {p.name for p in tmp_path.iterdir()} == {*kept, "release"}


# --- kill -9


_STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "ctypes.dlsym", "os.listdir", "os.scandir"}


def _build(source: str, out: str, atomic: bool = True, kill_at: int = 0, count_to: str = "", every_call: bool = False) -> None:
    """Build; and kill this process before its step `kill_at`, or write all its steps to the file `count_to`.

    A step is an operation on files, or with `every_call` any call and return of a function.
    """
    steps: list[str] = []

    def step(event: str) -> None:
        steps.append(event)
        if len(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    if not atomic:
        directories._exchange = lambda a, b: False
    if every_call:
        sys.setprofile(lambda frame, event, argument: step(event))
    elif kill_at or count_to:
        sys.addaudithook(lambda event, arguments: step(event) if event in _STEPS else None)
    build("table", [source], out, overwrite=True, workers=1)
    sys.setprofile(None)
    if count_to:
        Path(count_to).write_text("\n".join(steps))


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Processes that have everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["llmfusionbench.builders.build", "llmfusionbench.builders.sources.table", "llmfusionbench.release.writer"]
    )
    return context


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, dict[str, bytes]]]:
    """Two logs, and the releases that are made of them."""
    folder = tmp_path_factory.mktemp("sources")
    made = []
    for name in ("a", "b"):
        path = folder / f"{name}.csv"
        path.write_text(LOG.replace("1+1?", f"{name}: 1+1?"), encoding="utf-8")
        _build(str(path), str(folder / "release"))
        assert lfb.validate(folder / "release") == []
        made.append((str(path), snapshot(folder / "release")))
    return made


def run_killed(forks: ForkServerContext, *arguments: object, **options: object) -> int | None:
    """Run `_build` in a process that may kill itself; its exit code."""
    process = forks.Process(target=_build, args=arguments, kwargs=options)
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.parametrize("atomic", [True, False])
def test_kill_at_every_step(
    tmp_path: Path, forks: ForkServerContext, sources: list[tuple[str, dict[str, bytes]]], atomic: bool
) -> None:
    """The old release is there whole, or the new one; where directories cannot be exchanged, at least after the next run."""
    (old, old_bytes), (new, new_bytes) = sources
    out = tmp_path / "out" / "release"
    _build(old, str(out))
    assert run_killed(forks, new, str(out), atomic, 0, str(tmp_path / "steps")) == 0
    assert snapshot(out) == new_bytes
    _build(old, str(out))
    steps = (tmp_path / "steps").read_text().splitlines()
    swaps = [i for i, event in enumerate(steps, start=1) if event in ("os.rename", "ctypes.dlsym")]
    at_swaps = {step for swap in swaps for step in (swap - 1, swap, swap + 1)}
    ends = set()
    for step in sorted({*range(1, len(steps), len(steps) // 8), *at_swaps, len(steps) - 1, len(steps)}):
        code = run_killed(forks, new, str(out), atomic, step)
        now = snapshot(out) if out.exists() else {}
        assert now in [old_bytes, new_bytes] or (now == {} and not atomic), f"step {step}"
        ends.add((code, now == new_bytes, out.exists()))
        _build(old, str(out))
        assert [p.name for p in out.parent.iterdir()] == ["release"], f"step {step}: leftovers"
        assert snapshot(out) == old_bytes
    assert {(-signal.SIGKILL, False, True), (-signal.SIGKILL, True, True)} <= ends
    assert ((-signal.SIGKILL, False, False) in ends) == (not atomic)


def test_kill_at_any_moment(tmp_path: Path, forks: ForkServerContext, sources: list[tuple[str, dict[str, bytes]]]) -> None:
    """After each kill the old release is there whole or the new one is, at first none; the next run leaves only its own."""
    out, count_to = tmp_path / "out" / "release", tmp_path / "steps"
    assert run_killed(forks, sources[0][0], str(tmp_path / "whole"), count_to=str(count_to), every_call=True) == 0
    steps = len(count_to.read_text().splitlines())
    assert steps > 10_000
    rng = random.Random(0)
    allowed: list[dict[str, bytes]] = [{}]
    killed = 0
    for trial in range(30):
        source, made = sources[trial % 2]
        moment = rng.randrange(steps // 4, steps)
        killed += run_killed(forks, source, str(out), kill_at=moment, every_call=True) == -signal.SIGKILL
        now = snapshot(out) if out.exists() else {}
        assert now in [*allowed, made], f"trial {trial}: neither the old release nor the new one"
        allowed = [now]
        if trial % 10 == 9:
            _build(source, str(out))
            assert [p.name for p in out.parent.iterdir()] == ["release"]
            assert snapshot(out) == made
            allowed = [made]
    assert killed >= 20


def test_many_runs_at_once(tmp_path: Path, forks: ForkServerContext, sources: list[tuple[str, dict[str, bytes]]]) -> None:
    """Each leaves the other's work alone; the last to finish is there, whole."""
    processes = [forks.Process(target=_build, args=(source, str(tmp_path / "out" / "release"))) for source, _ in sources * 3]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0] * 6
    assert snapshot(tmp_path / "out" / "release") in [made for _, made in sources]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["release"]
