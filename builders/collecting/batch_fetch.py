"""Files of results, brought here from the provider."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from llmfusionbench.builders.collecting.batch_asking import Asking, LaneError, LaterError
from llmfusionbench.builders.collecting.batch_files import BatchFiles, lines_in
from llmfusionbench.builders.collecting.batch_provider import Provider
from llmfusionbench.builders.collecting.batch_results import LONGEST
from llmfusionbench.builders.collecting.batch_states import Batch

TRIES: Final = 3
"""Downloads of a file that has fewer lines than the provider states."""


class Fetch:
    """The files of results of one provider.

    Args:
        provider: The provider.
        asking: Its failures.
    """

    def __init__(self, provider: Provider, asking: Asking) -> None:
        self._provider, self._asking = provider, asking
        self._tries: Counter[str] = Counter()

    def is_short(self, batch: Batch) -> bool:
        """Whether a file of results lacked lines, and is to be tried again."""
        return 0 < self._tries[batch.batch] < TRIES

    async def files(self, batch: Batch, files: BatchFiles) -> tuple[list[Path], bool]:
        """(the files of results of a batch that has ended, whether they lack answers that the provider states to have).

        A file that the provider no longer has is taken from the disk, where the user may have put it.

        Raises:
            LaterError: A download failed, or is to be tried again because lines are lacking.
            LaneError: The provider refuses, or no longer has a file.
        """
        if batch.offline:
            return [files.output], False
        if batch.output_file_id is None and batch.error_file_id is None and files.output.is_file():
            return [files.output], False
        paths = []
        for file_id, path in ((batch.output_file_id, files.output), (batch.error_file_id, files.errors)):
            if file_id is None:
                continue
            here = await self._asking.ask(self._provider.download(file_id, path, LONGEST * batch.requests))
            if not here and not path.is_file():
                raise LaneError(
                    f"the provider no longer has the file {file_id} of batch {batch.batch}. "
                    f"Remedy: save it as {path}; an empty file there gives its results up"
                )
            paths.append(path)
        short = (lines_in(files.output) if files.output in paths else 0) < (batch.completed or 0)
        self._tries[batch.batch] += 1
        if short and self._tries[batch.batch] < TRIES:
            raise LaterError(unsure=False)
        return paths, short


def check_saved(batch: Batch, output: Path) -> None:
    """Refuse to go on without a batch that the provider no longer has, unless the user has saved its results.

    Raises:
        LaneError: The file of results does not exist.
    """
    if not output.is_file():
        raise LaneError(
            f"the provider has no batch {batch.batch_id}, which is {batch.batch} of this run. Remedy: use the URL and the "
            f"key that it was submitted with, or save its results as {output}; an empty file there gives them up"
        )
