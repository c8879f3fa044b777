"""The Ray cluster that the engine `ray` uses: the one it is given, or one of its own for the time of a run."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from llmfusionbench.errors import EngineError
from llmfusionbench.processes import standard_first

ADDRESS: Final = "RAY_ADDRESS"
_OWN: Final = ("", "local")
"""Addresses that stand for no cluster."""
_STORE_BYTES: Final = 2**28
"""Ray's own store of objects: a shard passes through files, and only its description through the store."""
_KNOCK_S: Final = 30.0
_LONGEST_PLACE: Final = 40
"""Ray's sockets lie below its directory, and the name of a socket has at most 107 bytes."""


@contextmanager
def cluster(workers: int | None) -> Iterator[Any]:
    """A connection to a cluster: the one that this process is connected to, that of RAY_ADDRESS, or a new one here.

    Only a new one is shut down at the end.

    Raises:
        EngineError: no cluster answers at RAY_ADDRESS, or none can be started.
    """
    import ray

    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get(ADDRESS, "")
    with _joined(ray, address) if address not in _OWN else _started(ray, workers or os.cpu_count() or 1):
        ray._private.worker._worker_logs_enabled = False  # else the news of lost nodes are printed on standard output
        try:
            yield ray
        finally:
            ray.shutdown()
            ray._private.worker._worker_logs_enabled = True


@contextmanager
def _joined(ray: Any, address: str) -> Iterator[None]:
    if address.startswith("ray://"):
        raise EngineError(
            f"{ADDRESS} {address} is for Ray Client, which sees no files of the cluster. "
            f"Remedy: run the command on a node of the cluster, with {ADDRESS}=auto"
        )
    try:
        _knock(address)
        _init(ray, address=address)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise EngineError(
            f"{ADDRESS} {address}: cannot join a Ray cluster there ({_first_line(error)}). "
            f"Remedy: run the command on a node of the cluster, or unset {ADDRESS} to start one here"
        ) from error
    yield


def _knock(address: str) -> None:
    """Raise OSError if nothing answers at `host:port`, for which Ray would wait for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_S).close()


@contextmanager
def _started(ray: Any, cpus: int) -> Iterator[None]:
    """A cluster of this machine, without a dashboard; it reports nothing to anyone, and its logs go with it."""
    parent = tempfile.gettempdir()
    place = tempfile.mkdtemp(prefix="ray-", dir=parent if len(parent) < _LONGEST_PLACE else "/tmp")  # noqa: S108 is private
    path = os.pathsep.join(os.path.abspath(entry) for entry in standard_first(sys.path))
    variables = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    try:
        with _environment(variables):
            _init(
                ray, address="local", num_cpus=cpus, include_dashboard=False, object_store_memory=_STORE_BYTES, _temp_dir=place
            )  # fmt: skip
    except (RuntimeError, ValueError, ray.exceptions.RayError) as error:
        shutil.rmtree(place, ignore_errors=True)
        raise EngineError(
            f"Ray cannot start on this machine ({_first_line(error)}). "
            "Remedy: see whether `ray start --head` works, or use --engine local"
        ) from error
    try:
        yield
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _init(ray: Any, **options: Any) -> None:
    """`ray.init`, which prints nothing. It takes over SIGTERM, which is given back."""
    config = ray.job_config.JobConfig()
    config._py_driver_sys_path = _NoPath()
    before = signal.getsignal(signal.SIGTERM)
    ray.init(job_config=config, log_to_driver=False, logging_level=logging.ERROR, **options)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


class _NoPath(list[str]):
    """Directories for the import path of workers: none.

    Ray puts the current directory there, before the standard library: files in it would replace modules.
    """

    def extend(self, names: Iterable[str]) -> None:
        """Take none of them."""


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started in this block. What Ray adds to them goes, too."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
