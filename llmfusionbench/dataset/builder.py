"""The dataset that `load_dataset("llmfusionbench")` loads: one builder whose configurations are the tables of a release.

`registration` makes `datasets` find this builder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import datasets
import pyarrow as pa
import pyarrow.compute as pc
from datasets.builder import Key
from datasets.fingerprint import Hasher
from datasets.load import DatasetModule
from datasets.table import table_cast

from llmfusionbench._version import NAME, __version__
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.release.card_parts import CITATION
from llmfusionbench.release.opening import find_place
from llmfusionbench.release.place import ReleasePlace
from llmfusionbench.schema import SCHEMA_VERSION, TABLES, table_schema
from llmfusionbench.types import sorted_splits

DEFAULT_TABLE: Final = "logs"
HOMEPAGE: Final = "https://arxiv.org/abs/2507.10540"

_patched_for_streaming: Final = True
"""Read by `datasets`, which would otherwise import scipy and more to replace functions such as `open` in this module, so that
they read URLs. Here, a `Release` reads them.
"""


def dataset_module(
    revision: str | None = None,
    download_config: datasets.DownloadConfig | None = None,
    download_mode: object = None,
    data_dir: str | None = None,
    data_files: object = None,
    cache_dir: str | None = None,
    **_more: object,
) -> DatasetModule:
    """What `datasets` loads under our name. The parameters are those of its own `dataset_module_factory`."""
    given = data_files if data_files is not None else data_dir
    if given is not None:
        raise InputError(f'load_dataset("{NAME}") takes no data_files or data_dir ({given!r}). Remedy: release="path/to/it"')
    code = hashlib.sha256(f"{__version__} {SCHEMA_VERSION}".encode()).hexdigest()[:16]
    return DatasetModule(__name__, code, {"dataset_name": NAME, "revision": revision})


@dataclass
class TableConfig(datasets.BuilderConfig):  # type: ignore[misc]  # datasets has no types
    """Which table of which release."""

    release: str | os.PathLike[str] | None = None
    """`sample`, `full`, a directory, a Hub id or a URL. None is the full release if it is available, else the sample."""
    revision: str | None = None
    """Branch, tag or commit of a release on the Hub."""
    columns: Sequence[str] | None = None
    """The columns to read; None is all."""
    hub_token: str | bool | None = field(default=None, repr=False)
    place: ReleasePlace | None = None
    """Where the release is, once it is found."""

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None) -> str:
        """The name of the cache, from the contents of the release: a rebuilt one is never served from an old cache."""
        if self.columns is not None:
            if isinstance(self.columns, str) or not self.columns:
                raise InputError(f'columns is {self.columns!r}, expected a list of at least one name, such as columns=["llm"]')
            known = table_schema(self.name).arrow.names
            for column in self.columns:
                if column not in known:
                    raise UnknownNameError("column", column, known)
        self.place = find_place(self.release, self.revision, token=self.hub_token).absolute()
        identity = f"{self.name}-{self.place.manifest_sha256[:16]}"
        choice = (None if self.columns is None else list(self.columns), custom_features)
        return identity if choice == (None, None) else f"{identity}-{Hasher.hash(choice)}"


class LLMFusionBench(datasets.ArrowBasedBuilder):  # type: ignore[misc]
    """Reads one table of a release, by row group."""

    BUILDER_CONFIG_CLASS = TableConfig
    BUILDER_CONFIGS = [  # noqa: RUF012  (the base class reads it as a plain class attribute)
        TableConfig(name=name, version=datasets.Version(f"{SCHEMA_VERSION}.0"), description=table_schema(name).description)
        for name in TABLES
    ]
    DEFAULT_CONFIG_NAME = DEFAULT_TABLE

    config: TableConfig

    def __init__(self, *args: Any, token: str | bool | None = None, **kwargs: Any) -> None:
        # Ours holds the place of its release, and the base class would share an unchanged configuration among builders:
        # the empty place makes it copy.
        super().__init__(*args, token=token, hub_token=token, place=None, **kwargs)

    def _info(self) -> datasets.DatasetInfo:
        release = self._release()
        tables = release.manifest["tables"]
        schema = table_schema(self.config.name)
        features = schema.features
        if self.config.columns is not None:
            features = datasets.Features({name: features[name] for name in self.config.columns})
        if self.config.name not in tables:
            raise UnknownNameError(f"table in {release.path}", self.config.name, tables)
        counts = tables[self.config.name]["splits"]
        splits = datasets.SplitDict(dataset_name=NAME)
        for split in sorted_splits(counts):
            splits.add(datasets.SplitInfo(name=split, num_examples=counts[split]["rows"], dataset_name=NAME))
        return datasets.DatasetInfo(
            description=f"{schema.description} {_provenance(release.provenance)}",
            features=features,
            homepage=HOMEPAGE,
            citation=CITATION,
            license=_licences(release),
            splits=splits,
        )

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        release = self._release()
        check = release.present if dl_manager.is_streaming else release.good  # a stream reads a file when it gets there
        generators = []
        for split in self.info.splits:
            # One entry per row group, which `num_proc` and the workers of a DataLoader divide among themselves.
            names = check(release.names(self.config.name, split))
            counts = release.place.row_groups(names)
            groups = [(name, number) for name, count in zip(names, counts, strict=True) for number in range(count)]
            generators.append(datasets.SplitGenerator(name=split, gen_kwargs={"groups": groups}))
        return generators

    def _generate_tables(self, groups: list[tuple[str, int]]) -> Iterator[tuple[Key, pa.Table]]:
        features = self.info.features
        schema = table_schema(self.config.name).arrow
        release = self._release()
        for shard, (name, group) in enumerate(groups):
            release.good([name])
            with release.place.reading(self.config.name):
                fragment = release.place.fragment(name, self.config.name).subset(row_group_ids=[group])
            batches = fragment.to_batches(schema=schema, columns=list(features), batch_readahead=0, fragment_readahead=0)
            for number, batch in enumerate(release.place.read_batches(self.config.name, batches)):
                if batch.num_rows:
                    table = pa.Table.from_batches([batch])
                    yield Key(shard, number), table_cast(table, features.arrow_schema)

    def _release(self) -> Release:
        assert self.config.place is not None
        return Release(self.config.place)

    def _as_dataset(self, split: Any = datasets.Split.TRAIN, in_memory: bool = False) -> datasets.Dataset:
        # A split may have no rows, for instance of judge scores, and the base class refuses those.
        instruction = split if isinstance(split, datasets.ReadInstruction) else datasets.ReadInstruction.from_spec(str(split))
        lengths = {name: info.num_examples for name, info in self.info.splits.items()}
        if any(part.to > part.from_ for part in instruction.to_absolute(lengths)):
            return super()._as_dataset(split, in_memory)
        empty = self.info.features.arrow_schema.empty_table()
        return datasets.Dataset(datasets.table.InMemoryTable(empty), info=self.info, split=datasets.Split(str(split)))


def _provenance(kinds: list[str]) -> str:
    if kinds == ["simulated"]:
        return "All answers and scores in this release are simulated."
    return f"Provenance of the answers: {', '.join(kinds) or 'not stated'}."


def _licences(release: Release) -> str:
    """The licences that its queries state."""
    stated = pc.unique(release.rows("queries", columns=["license"])["license"]).drop_null().to_pylist()
    return ", ".join(sorted(stated)) or "not stated by the source"
