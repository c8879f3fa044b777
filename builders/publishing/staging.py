"""The files of a published release: its shards, and the manifest, card, Croissant file and schemas that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from llmfusionbench.builders.publishing.public_manifest import public_manifest
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST, dump_manifest
from llmfusionbench.release import Release
from llmfusionbench.schema import SCHEMA_FILES
from llmfusionbench.storage.content import Content
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import CARD, EVAL_YAML


def staged_files(release: Release, texts: Mapping[str, str]) -> dict[str, Content]:
    """Path in the repository -> content of everything that is published, sorted. What lies beside the tables is left out.

    Args:
        release: The release.
        texts: Path -> content of the files that describe it: the card, croissant.json, and eval.yaml where there are tasks.
    """
    entries = release.manifest["files"]
    shards = shards_of(release)
    staged = {n: Content(release.directory / n, entries[n]["bytes"], entries[n]["sha256"]) for n in shards}
    staged |= {path: Content.of(text.encode("utf-8")) for path, text in texts.items()}
    schemas = resources.files("llmfusionbench.schemas")
    staged |= {path: Content.of(schemas.joinpath(f"{name}.json").read_bytes()) for name, path in SCHEMA_FILES.items()}
    listed = {name: entries[name] for name in shards}
    # The next version may have no tasks: a file that the manifest lists is deleted with it.
    listed |= {name: {"bytes": staged[name].size, "sha256": staged[name].sha256} for name in (CARD, EVAL_YAML) if name in texts}
    staged[MANIFEST] = Content.of(dump_manifest({**public_manifest(release.manifest), "files": listed}).encode("utf-8"))
    return dict(sorted(staged.items()))


def left_out(release: Release) -> list[str]:
    """The files of a release that are not published: records as they came, which no audit has looked at."""
    return sorted(release.manifest["files"].keys() - {CARD, EVAL_YAML, *shards_of(release)})


def shards_of(release: Release) -> list[str]:
    """The paths of the shards of all tables, sorted: the files that the tables are read from, and no others beside them."""
    return sorted(name for table in release.tables for name in release.names(table))


def own_text(release: Release, card: Path | None) -> str | None:
    """The text of the card that the user wrote: the file `card`, or the README.md of the release if it was edited; or None.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    place = release.directory / CARD if card is None else card
    entry = release.manifest["files"].get(CARD)
    if card is None and (not place.is_file() or (entry is not None and sha256(place) == entry["sha256"])):
        return None
    try:
        return place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"{place}: cannot be read as a card ({why}). Remedy: name a Markdown file in UTF-8") from error
