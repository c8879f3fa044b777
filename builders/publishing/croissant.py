"""Croissant 1.1 metadata of a published release (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html).

The repository is one file object, and each shard another within it, with its SHA-256. A record set per table reads the files of
the table. Keys of more than one column are stated; references of more than one column are not: Croissant has none.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench.builders.known.hub_licences import HUB_LICENCES
from llmfusionbench.builders.publishing.card import is_reference
from llmfusionbench.builders.publishing.card_metadata import licence_keys
from llmfusionbench.builders.publishing.croissant_fields import files_of, record_set, splits_record_set
from llmfusionbench.builders.publishing.staging import shards_of
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.release.card_parts import CITATION, counted_about, tables_of, version_of
from llmfusionbench.release.opening import is_repository
from llmfusionbench.types import sorted_splits

CONFORMS_TO: Final = "http://mlcommons.org/croissant/1.1"
PARQUET: Final = "application/x-parquet"
REPOSITORY: Final = "repo"
"""The id of the repository; a reader that has the files on disk maps it to their directory."""

PAPER_DATE: Final = "2025-07-14"
"""When the paper in `CITATION` was published, which describes the reference logs."""
_DATE: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T")

CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{name: f"cr:{name}" for name in (
        "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject", "fileProperty",
        "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path",
        "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField",
        "transform",
    )},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}  # fmt: skip
"""The context of the specification, appendix 1."""


def croissant(release: Release, repo_id: str, *, licence: str | None = None) -> dict[str, Any]:
    """Croissant metadata, as plain data for JSON. The same release gives the same.

    `datePublished` is the date of the newest answer, or of the paper for the reference logs. If neither is known, it is left
    out, which readers warn of.

    Args:
        release: The release.
        repo_id: `org/name` on the Hub.
        licence: The licence of the release as a whole, as its card states it; None takes that of the queries.

    Raises:
        InputError: `repo_id` is not of the form `org/name`.
        ReleaseError: a file differs from the manifest.
    """
    if not is_repository(repo_id):
        raise InputError(f'{repo_id!r}: not a repository on the Hub. Remedy: name it as "org/name"')
    owner, _, name = repo_id.partition("/")
    manifest, tables = release.manifest, [table for table in tables_of(release.manifest) if release.files(table)]
    link = f"https://huggingface.co/datasets/{repo_id}"
    date = _date_of(release)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": name,
        "description": counted_about(manifest),
        "url": link,
        "license": _licence(release, licence),
        "creator": {"@type": "sc:Organization", "name": owner, "url": f"https://huggingface.co/{owner}"},
        **({} if date is None else {"datePublished": date}),
        "version": f"{version_of(manifest)}.0.0",
        "keywords": ["LLM routing", "LLM fusion", "LLM evaluation", *release.provenance],
        "citeAs": CITATION if is_reference(manifest) else link,
        "distribution": [_repository(release, link), *_shards(release), *map(_file_set, tables)],
        "recordSet": [
            splits_record_set(_splits(release, tables)),
            *(record_set(table, pq.read_schema(release.files(table)[0]), set(tables)) for table in tables),
        ],
    }


def dump(data: dict[str, Any]) -> str:
    """Croissant metadata as the text of croissant.json."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _splits(release: Release, tables: list[str]) -> list[str]:
    return sorted_splits({split for table in tables for split in release.manifest["tables"][table]["splits"]})


def _repository(release: Release, link: str) -> dict[str, Any]:
    """The repository; its digest is that of the digests of its shards, since a repository has none of its own."""
    digests = "".join(f"{name} {release.manifest['files'][name]['sha256']}\n" for name in shards_of(release))
    return {
        "@type": "cr:FileObject",
        "@id": REPOSITORY,
        "name": REPOSITORY,
        "description": "The repository on the Hub. Its SHA-256 is that of the names and digests of its shards.",
        "contentUrl": link,
        "encodingFormat": "git+https",
        "sha256": hashlib.sha256(digests.encode()).hexdigest(),
    }


def _shards(release: Release) -> list[dict[str, Any]]:
    entries = release.manifest["files"]
    return [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "containedIn": {"@id": REPOSITORY},
            "contentSize": f"{entries[name]['bytes']} B",
            "encodingFormat": PARQUET,
            "sha256": entries[name]["sha256"],
        }
        for name in shards_of(release)
    ]


def _file_set(table: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": files_of(table),
        "name": files_of(table),
        "description": f"The shards of the table {table}.",
        "containedIn": {"@id": REPOSITORY},
        "encodingFormat": PARQUET,
        "includes": f"{table}/*.parquet",
    }


def _licence(release: Release, licence: str | None) -> str:
    """A page of the SPDX list, or the words for another licence."""
    found = licence_keys(licence, release.rows("queries", columns=["license"])["license"])
    if (name := HUB_LICENCES[found["license"]]) is not None:
        return f"https://spdx.org/licenses/{name}.html"
    return found.get("license_details", found["license"])


def _date_of(release: Release) -> str | None:
    """The date of the newest answer, else that of the paper for the reference logs."""
    responses = release.table("responses")
    times = responses.to_table(columns=["created_at"])["created_at"] if "created_at" in responses.schema.names else None
    newest = None if times is None else pc.max(times).as_py()
    if newest is not None and _DATE.match(newest):
        return str(newest)[:10]
    return PAPER_DATE if is_reference(release.manifest) else None
