"""The engine of this machine, and what all engines promise: results by place, and the first error with the name of its unit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from llmfusionbench.engines import ENGINES, Local, engine_of
from llmfusionbench.engines.engine import in_order
from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from tests.helpers.command import Command
from tests.helpers.engine_units import Piece, broken, died, refused, squared


def pieces(folder: Path, count: int) -> list[Piece]:
    return [Piece(number, folder) for number in range(count)]


@pytest.mark.parametrize(("workers", "threads"), [(1, False), (2, True), (2, False)])
def test_results_are_the_same_with_any_workers(tmp_path: Path, workers: int, threads: bool) -> None:
    engine = Local(workers)
    assert sorted(engine.run(squared, pieces(tmp_path, 9), threads=threads)) == [(n, n * n) for n in range(9)]
    assert list(in_order(engine.run(squared, iter(pieces(tmp_path, 9)), threads=threads))) == [n * n for n in range(9)]
    assert list(engine.run(squared, [])) == []


@pytest.mark.parametrize(("workers", "threads"), [(1, False), (2, True), (2, False)])
def test_the_first_error_is_raised_with_its_unit(tmp_path: Path, workers: int, threads: bool) -> None:
    """Others are begun only as long as no error is known."""
    units = pieces(tmp_path, 200)
    fails = partial(refused, numbers=frozenset(range(3, 200)))
    with pytest.raises(InputError, match=r"^piece 3: cannot be squared\. Remedy: choose another") as raised:
        list(Local(workers).run(fails, units, threads=threads))
    assert raised.value.__notes__ == ["In shard piece-3."]
    assert {"0", "1", "2", "3"} <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "100").exists()


def test_a_unit_without_a_name_is_known_by_its_place() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        list(Local(1).run(partial(divmod, 1), [1, 0]))
    assert raised.value.__notes__ == ["In shard 2."]


def test_only_some_units_are_taken_ahead(tmp_path: Path) -> None:
    taken: list[int] = []

    def units() -> Iterator[Piece]:
        for piece in pieces(tmp_path, 100):
            taken.append(piece.number)
            yield piece

    results = Local(2).run(squared, units(), threads=True)
    next(results)
    assert len(taken) < 10


def test_a_bug_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        list(Local(2).run(broken, pieces(tmp_path, 3)))
    assert raised.value.__notes__ == ["In shard piece-0."]


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a worker process was killed, .* Remedy: .*--workers"):
        list(Local(2).run(died, pieces(tmp_path, 2)))


def test_workers_are_divided_among_units() -> None:
    assert [Local(8).spare(units) for units in (0, 1, 3, 8, 50)] == [8, 8, 2, 1, 1]
    assert Local(1).spare(4) == 1
    assert Local(3).here == 3
    assert Local().here >= 1


def test_engines_have_names(lfb: Command, place: Path) -> None:
    assert engine_of("local", 3) == Local(3)
    assert engine_of(Local(2), 5) == Local(2)
    with pytest.raises(UnknownNameError, match=r'No engine "locl"\. Did you mean "local"\?'):
        engine_of("locl")
    assert sorted(ENGINES) == ["local", "ray"]
    status, _, err = lfb("rescore", "sample", "--engine", "dask", "--out", "out")
    assert (status, err) == (1, 'llmfusionbench: error: No engine "dask". Known: local, ray.\n')
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("command", ["rescore sample --out out", "tokens sample --out out", "audit sample --out out"])
def test_ray_is_not_installed(command: str, lfb: Command, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError):
        engine_of("ray")
    status, _, err = lfb(*command.split(), "--engine", "ray")
    assert (status, err) == (1, "llmfusionbench: error: ray is not installed. Remedy: pip install 'llmfusionbench[ray]'\n")
    assert list(place.iterdir()) == []
