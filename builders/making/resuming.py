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
from llmfusionbench.release.shard_store import receipts_in
from llmfusionbench.schema import SCHEMA_VERSION

STATE: Final = "state"
"""The directory of the receipts, in `work` of the writer."""
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
    except BaseException as error:
        is_about_input = isinstance(error, InputError) and not isinstance(error, EngineError)
        writer.keep = not is_about_input and any(receipts_in(writer.work / STATE))
        raise
    finally:
        shutil.rmtree(records, ignore_errors=True)
