"""The metadata of a published card: what the Hub shows and filters by, and what `load_dataset` verifies."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import datasets
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from huggingface_hub import DatasetCardData
from pyarrow.fs import LocalFileSystem

from llmfusionbench.auditing.signs.languages import language
from llmfusionbench.builders.known.hub_licences import HUB_LICENCES
from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.release import Release
from llmfusionbench.release.card import configs, filled_splits
from llmfusionbench.release.card_parts import row_total, tables_of

COMPUTED: Final = ("size_categories", "configs", "dataset_info")
"""Keys that a user's own card cannot set: they follow from the files."""

_SIZES: Final = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
_CODES: Final = {
    "English": "en", "German": "de", "French": "fr", "Spanish": "es", "Italian": "it", "Portuguese": "pt", "Dutch": "nl",
}  # fmt: skip
_PROMPTS: Final = 400
"""Prompts whose language is looked at."""
_SHARE: Final = 0.1
"""Share of the prompts with a clear language from which a language is named."""
_FEW: Final = 4
"""Frequent words that a prompt must have, for its language to be clear."""


def metadata(release: Release, name: str, licence: str | None) -> dict[str, Any]:
    """The front matter of the card of a release, keys in the order in which the Hub's own cards have them.

    Args:
        release: The release.
        name: What people call it.
        licence: Its licence as a whole, an identifier of the Hub or any other name; None takes that of the queries.

    Raises:
        ReleaseError: a file differs from the manifest.
    """
    queries = release.rows("queries", columns=["task", "license", "choices"])
    return {
        "pretty_name": name,
        "language": languages(release, pc.unique(queries["task"]).to_pylist()),
        **licence_keys(licence, queries["license"]),
        "task_categories": [
            "text-generation",
            "question-answering",
            *(["multiple-choice"] if queries["choices"].null_count < len(queries) else []),
        ],
        "size_categories": [size_category(row_total(release.manifest, "logs"))],
        "tags": ["llm-routing", "llm-fusion", "llm-evaluation", *release.provenance],
        "configs": configs(release.manifest, tables_of(release.manifest)),
        "dataset_info": dataset_info(release),
    }


def size_category(rows: int) -> str:
    """The Hub's bucket for a number of rows, such as `10K<n<100K`."""
    for place, size in enumerate(_SIZES):
        if rows < 1000 * 10**place:
            return f"n<{size}" if place == 0 else f"{_SIZES[place - 1]}<n<{size}"
    return f"n>{_SIZES[-1]}"


def licence_keys(licence: str | None, stated: pa.ChunkedArray) -> dict[str, str]:
    """`license`, and for one that the Hub does not know its name and details."""
    if licence is None:
        known = pc.unique(stated).to_pylist()
        if len(known) != 1:
            names = sorted(name for name in known if name is not None)
            return _other("mixed" if names else "not-stated", "Each query states its own licence: see the section Licences.")
        licence = known[0]
    if licence is None:
        return {"license": "unknown"}
    folded = licence.strip().lower().replace(" ", "-")
    if folded in HUB_LICENCES and folded != "other":
        return {"license": folded}
    return _other(re.sub(r"[^a-z0-9.+-]{1,200}", "-", folded[:200]).strip("-")[:96] or "other", licence[:500])


def _other(name: str, details: str) -> dict[str, str]:
    return {"license": "other", "license_name": name, "license_details": details}


def languages(release: Release, tasks: list[str]) -> list[str]:
    """ISO codes of the languages of the prompts, by their frequent words; `und` (undetermined) where these are not clear."""
    if tasks and set(tasks) <= DOMAINS.keys():
        return ["en"]
    prompts = release.table("queries").head(_PROMPTS, columns=["prompt"])["prompt"].drop_null().to_pylist()
    found = Counter(name for prompt in prompts if (name := language(prompt, _FEW)) is not None)
    return [_CODES[name] for name, count in found.most_common() if count >= _SHARE * found.total()] or ["und"]


def dataset_info(release: Release) -> list[dict[str, Any]]:
    """Features, splits and sizes of every configuration, as `datasets` writes them; those that `load_dataset` verifies."""
    infos = {}
    for table in tables_of(release.manifest):
        splits, size = datasets.SplitDict(), 0
        for split in filled_splits(release.manifest, table):
            files = [file for file in release.files(table, split) if pq.read_metadata(file).num_rows]
            size += sum(file.stat().st_size for file in release.files(table, split))
            rows = release.manifest["tables"][table]["splits"][split]["rows"]
            splits.add(datasets.SplitInfo(split, num_bytes=sum(map(_arrow_bytes, files)), num_examples=rows))
        if splits:
            infos[table] = datasets.DatasetInfo(
                features=datasets.Features.from_arrow_schema(pq.read_schema(release.files(table)[0])),
                splits=splits,
                download_size=size,
                dataset_size=sum(split.num_bytes for split in splits.values()),
            )
    data = DatasetCardData()
    datasets.info.DatasetInfosDict(infos).to_dataset_card_data(data)
    found = data.get("dataset_info", [])
    return [found] if isinstance(found, dict) else list(found)


def _arrow_bytes(file: Path) -> int:
    """Bytes of a shard as an Arrow table in memory, counted as `datasets` counts what it caches."""
    fragment = ds.ParquetFileFormat().make_fragment(str(file), LocalFileSystem())
    schema = datasets.Features.from_arrow_schema(pq.read_schema(file)).arrow_schema
    total = 0
    for group in fragment.split_by_row_group():
        for batch in group.to_batches(batch_size=group.row_groups[0].num_rows, batch_readahead=0, fragment_readahead=0):
            total += datasets.table.table_cast(pa.Table.from_batches([batch]), schema).nbytes
    return total
