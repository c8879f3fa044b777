"""Whether the files of a release are as its manifest says: sizes and Parquet footers, and contents by their digests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.errors import ReleaseError
from llmfusionbench.manifest.reading import shown
from llmfusionbench.schema import SCHEMA_VERSION, SIDECARS, TABLES, has_type, table_schema
from llmfusionbench.storage.address import Place
from llmfusionbench.storage.digests import Stamp, digests, stamp_of

_SHARD: Final = re.compile(r"([a-z_]+)/([A-Za-z0-9_]+)-[0-9]{5}-of-[0-9]{5}\.parquet")
_AGAIN: Final = "Remedy: build or download it again; `llmfusionbench validate` lists every difference"

Footer = tuple[int | str, pa.Schema | None]
"""Rows and schema of a Parquet file; or the reason why it cannot be read, and None."""

_footers: dict[str, tuple[Stamp, Footer]] = {}
"""Path -> stamp and footer of a file."""


class Difference(NamedTuple):
    """How a file of a release differs from what its manifest or the schema of its table says."""

    name: str
    """The file, relative to the release."""
    column: str | None
    found: str
    expected: str

    def error(self, root: Place) -> ReleaseError:
        """The error of a release at `root` that cannot be used."""
        where = "" if self.column is None else f"{shown(self.column)} is "
        what = f"differs from the release's manifest ({where}{self.found}, expected {self.expected})"
        return ReleaseError(f"{root / self.name}: {what}. {_AGAIN}")


def missing(root: Path, name: str) -> ReleaseError | None:
    """The error of a file that the manifest lists and that does not exist."""
    if (root / name).is_file():
        return None
    return ReleaseError(f"{root / name}: no such file, though the manifest lists it. Remedy: build or download it again")


def disagreements(manifest: dict[str, Any]) -> Iterator[Difference]:
    """The files of known tables whose names are not those of a shard of a split that the manifest lists."""
    tables = manifest["tables"]
    for name in sorted(manifest["files"]):
        table = name.partition("/")[0]
        if "/" in name and table in TABLES + SIDECARS and table in tables:
            match, splits = _SHARD.fullmatch(name), tables[table]["splits"]
            if match is None or match[2] not in splits:
                yield Difference(name, None, "not the name of a shard", f"a shard of one of the splits {', '.join(splits)}")


def opening_difference(root: Path, name: str, manifest: dict[str, Any]) -> Difference | None:
    """How the size or the footer of a file differs; None if neither does, or if the file does not exist."""
    entry = manifest["files"][name]
    path = root / name
    if not path.is_file():
        return None
    if (size := path.stat().st_size) != entry["bytes"]:
        return Difference(name, None, f"{size:,} bytes", f"{entry['bytes']:,} bytes")
    return None if table_of(name) is None else footer_difference(name, footer_of(path), manifest)


def footer_difference(name: str, footer: Footer, manifest: dict[str, Any]) -> Difference | None:
    """How the footer of a shard differs: it cannot be read as its table, or has another number of rows."""
    if (wrong := structure_difference(name, footer, manifest)) is not None:
        return wrong
    rows, expected = footer[0], manifest["files"][name].get("rows")
    return None if rows == expected else Difference(name, None, f"{rows:,} rows", f"{expected} rows")


def structure_difference(name: str, footer: Footer, manifest: dict[str, Any]) -> Difference | None:
    """Why a shard cannot be read as its table: it is not Parquet, or its columns are others."""
    found, columns = footer
    if columns is None:
        return Difference(name, None, str(found), "a readable Parquet file")
    table = table_schema(name.partition("/")[0])
    exact = manifest["schema_version"] == SCHEMA_VERSION  # a column may be newer, or not be there yet
    for column in table.columns:
        places = columns.get_all_field_indices(column.name)
        if len(places) > 1:
            return Difference(name, column.name, f"there {len(places)} times", "one column")
        if not places and (exact or not (column.nullable or column.default is not None)):
            return Difference(name, column.name, "missing", f"a column of type {column.arrow_type}")
        if places and not has_type(_plain(columns.field(places[0]).type), column.arrow_type, older=not exact):
            return Difference(name, column.name, f"of type {columns.field(places[0]).type}", str(column.arrow_type))
    extra = sorted(set(columns.names) - set(table.arrow.names))
    return Difference(name, extra[0], "unknown", f"only {', '.join(table.arrow.names)}") if extra and exact else None


def changed(root: Path, names: list[str], manifest: dict[str, Any]) -> Iterator[Difference]:
    """The files whose contents differ from the manifest: each is read once, and again only when it has changed."""
    for name, digest in digests(root, names).items():
        expected = manifest["files"][name]["sha256"]
        if digest != expected:
            yield Difference(name, None, f"sha256 {digest}", f"sha256 {expected}")


def table_of(name: str) -> str | None:
    """The table of a shard; None for a file beside the tables."""
    table, slash, _ = name.partition("/")
    return table if slash and table in TABLES + SIDECARS else None


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def footer_of(path: Path) -> Footer:
    """The footer of a Parquet file, read again only when the file has changed."""
    place, stamp = str(path.absolute()), stamp_of(path)
    if place not in _footers or _footers[place][0] != stamp:
        _footers[place] = stamp, read_footer(path)
    return _footers[place][1]


def read_footer(source: Path | pa.NativeFile) -> Footer:
    """The footer of a Parquet file, or of its end."""
    try:
        metadata = pq.read_metadata(source)
        return metadata.num_rows, metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a column whose name is not UTF-8
        return (str(error).splitlines() or [type(error).__name__])[0][:200], None
