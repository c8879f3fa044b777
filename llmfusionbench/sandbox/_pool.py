"""A pool of workers that runs many programs, in order."""

from __future__ import annotations

import itertools
import queue
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from llmfusionbench.errors import InputError
from llmfusionbench.sandbox._kinds import choose_kind
from llmfusionbench.sandbox._types import CodeTask, Verdict
from llmfusionbench.sandbox._worker import Worker, WorkerLostError

_AHEAD = 8  # tasks per worker that are taken from the caller in advance
_ATTEMPTS = 2
"""A program that got no verdict because of the machine is run again."""
_LOST = Verdict(passed=False, reason="the sandbox was lost twice", seconds=0.0, output_tail="", status="undecided")


class Sandbox:
    """A pool of workers; use it as a context manager.

    Args:
        sandbox: `auto`, or a kind by name; see `choose_kind`, also for what is raised.
        workers: Number of programs that run at the same time.
        timeout_s: Processor time for one program with all its tests, seconds; for one that sleeps, also time on the clock.
        memory_mb: Address space of the program, and of its checker.
        patience: Limit on the clock, as a multiple of `timeout_s`, for a program that a busy machine keeps waiting.
    """

    def __init__(
        self, *, sandbox: str = "auto", workers: int = 2, timeout_s: float = 10.0, memory_mb: int = 1024, patience: float = 20.0
    ) -> None:
        if not 0 < timeout_s <= 3600:
            raise InputError(f"timeout_s is {timeout_s}, expected more than 0 and at most 3600 seconds")
        for name, value, least in (("workers", workers, 1), ("memory_mb", memory_mb, 128), ("patience", patience, 1)):
            if value < least:
                raise InputError(f"{name} is {value}, expected {least} or more")
        self.sandbox, self.workers = sandbox, workers
        self.timeout_s, self.memory_mb, self.patience = timeout_s, memory_mb, patience

    def __enter__(self) -> Sandbox:
        self.kind_ = choose_kind(self.sandbox)
        self._idle: queue.SimpleQueue[Worker | None] = queue.SimpleQueue()
        for _ in range(self.workers):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="sandbox")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._threads.shutdown(cancel_futures=True)
        for _ in range(self.workers):
            worker = self._idle.get()
            if worker is not None:
                worker.close()

    def run(self, tasks: Iterable[CodeTask]) -> Iterator[Verdict]:
        """The verdict of each task, in order; tasks are taken as they are needed."""
        source = iter(tasks)
        due: deque[Future[Verdict]] = deque()
        try:
            while True:
                room = self.workers * _AHEAD - len(due)
                due.extend(self._threads.submit(self._run, task) for task in itertools.islice(source, room))
                if not due:
                    return
                yield due.popleft().result()
        finally:
            for future in due:
                future.cancel()

    def run_one(self, task: CodeTask) -> Verdict:
        """The verdict of one task."""
        return self._threads.submit(self._run, task).result()

    def _run(self, task: CodeTask) -> Verdict:
        task.statements()
        worker = self._idle.get()
        try:
            for _ in range(_ATTEMPTS):
                if worker is None:
                    worker = Worker(self.kind_, timeout_s=self.timeout_s, memory_mb=self.memory_mb, patience=self.patience)
                try:
                    verdict = worker.run(task)
                except WorkerLostError:
                    verdict = _LOST
                if verdict is _LOST or worker.lost:
                    verdict = _LOST
                    worker.close()
                    worker = None
                elif verdict.status != "undecided":
                    break
            return verdict
        finally:
            self._idle.put(worker)


def run_tests(
    code: str,
    tests: str | Iterable[str],
    *,
    entry_point: str | None = None,
    setup: str = "",
    sandbox: str = "auto",
    timeout_s: float = 10.0,
    memory_mb: int = 1024,
) -> Verdict:
    """Run one program against its tests in a new sandbox; for many programs, use `Sandbox.run`.

    For the arguments see `CodeTask` and `Sandbox`, for errors `choose_kind`.
    """
    task = CodeTask(code=code, tests=tests if isinstance(tests, str) else tuple(tests), entry_point=entry_point, setup=setup)
    with Sandbox(sandbox=sandbox, workers=1, timeout_s=timeout_s, memory_mb=memory_mb) as pool:
        return pool.run_one(task)
