"""What a build leaves when it is interrupted, and how the next run of the same build finds it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from llmfusionbench.engines.ray_tasks import versions
from llmfusionbench.errors import EngineError, InputError
from llmfusionbench.release import ReleaseWriter
from llmfusionbench.release.run_record import RunFacts, works_of
from llmfusionbench.release.shard_store import STATE, receipts_in
from llmfusionbench.release.writer import locked
from llmfusionbench.schema import SCHEMA_VERSION
from llmfusionbench.storage.beside import beside
from llmfusionbench.storage.directories import remove

COMMAND: Final = "build"
RESUMED: Final = "shards resumed"
"""The stage of the progress that counts shards which an interrupted earlier run has written."""
_RECORDS: Final = "records"


def digest_of(*settings: Any) -> str:
    """Digest of settings, and of the versions that the bytes of a shard depend on."""
    parts = [versions(), SCHEMA_VERSION, *settings]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@contextmanager
def resumable(writer: ReleaseWriter) -> Iterator[Path]:
    """A block that writes the shards of a build; yields a directory for its sorted records, which is gone afterwards.

    After an error from outside, such as a full disk, a lost worker or Ctrl-C, the shards that are done stay in `writer.work`.
    After an InputError about what was read nothing stays.
    """
    records = writer.work / _RECORDS
    shutil.rmtree(records, ignore_errors=True)  # of a run that was killed
    records.mkdir()
    try:
        yield records
        _drop_others(writer)
    except BaseException as error:
        is_about_input = isinstance(error, InputError) and not isinstance(error, EngineError)
        writer.keep = writer.keep and not is_about_input and any(receipts_in(writer.work / STATE))
        raise
    finally:
        shutil.rmtree(records, ignore_errors=True)


def _drop_others(writer: ReleaseWriter) -> None:
    """Remove what builds of the same release with other options have left."""
    for work in works_of(writer.out):
        facts = RunFacts.read(work)
        if work == writer.work or facts is None or facts.command != COMMAND or (lock := locked(work)) is None:
            continue
        aside = beside(writer.out, "tmp")
        work.rename(aside)
        remove(aside)
        lock.release()
