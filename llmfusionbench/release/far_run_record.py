"""The record of a run that writes to a store: it lies in the unfinished release, so that any machine can read it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from llmfusionbench.errors import InputError
from llmfusionbench.release.run_record import RunRecord
from llmfusionbench.release.targets import RUN, STATE
from llmfusionbench.remote.object_writer import ObjectWriter


class FarRunRecord(RunRecord):
    """As `RunRecord`; what it writes comes to the store, too.

    Args:
        store: The place of the release.
    """

    def __init__(self, work: Path, command: str, options: Mapping[str, Any], store: ObjectWriter) -> None:
        self._store = store
        super().__init__(work, command, options)

    def end(self, error: BaseException) -> None:
        """See `RunRecord.end`. A store that is down, or where another run has completed a release, takes no record."""
        self._store = ObjectWriter(self._store.url, waits=())  # asked once
        with suppress(InputError):
            if self._store.about(RUN) is not None:
                super().end(error)

    def _keep(self, file: Path) -> None:
        self._store.put(f"{STATE}/{file.name}", file)
