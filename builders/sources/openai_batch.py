"""OpenAI's Batch API: requests and results in files of their own, matched by `custom_id`; and `vllm run-batch`.

Azure, Groq, Together, Fireworks and Mistral share the layout. The batches of Anthropic are read as well. A file of results does
not hold the prompts: without the file of requests, a query is known by its `custom_id` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.batch_lines import REQUEST, id_of, kind_of, other_kind, request_of, result_of
from llmfusionbench.builders.reading.batch_pairs import BatchFile, Pairs, requests_for
from llmfusionbench.builders.reading.client_logs import COMMON, LeftOut, candidate_of, check_by, read_log
from llmfusionbench.builders.reading.fields import BadRecordError, identifier, identity_of
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import each_record, record_parts
from llmfusionbench.builders.reading.replicates import Repeats
from llmfusionbench.builders.records import Note, Part, Rejected

_NAMES: Final = {"source_id": "custom_id"}
_NO_MODEL: Final = (
    "no model is stated, and the other results are not all of one. Remedy: add the file of requests, or set --option llm=NAME"
)
_ROWS: Final = 4096
Asked = dict[str, Any]
"""What a request asks, with the number of its line as `row`."""


@dataclass(frozen=True, kw_only=True)
class OpenAIBatch:
    """Reads the files of batches: requests, results and errors, in any order.

    Args:
        task: Name of the task of all queries.
        split: The split of every query.
        by: Which model names the LLM: `asked`, that of the request where its file is given, or `served`.
        llm: Name of the LLM of all answers, instead of either.
    """

    FILES: ClassVar[tuple[str, ...]] = (
        "*batch*.jsonl", "*input*.jsonl", "*output*.jsonl", "*error*.jsonl", "*result*.jsonl", "*request*.jsonl",
    )  # fmt: skip

    task: str = "openai_batch"
    split: str = "train"
    by: str = "asked"
    llm: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, batch by batch; in each, the requests that no result answers come last, as missing."""
        check_by(self.by)
        files = []
        for path, file in labelled(paths):
            if len(paths) > 1 and path.is_file() and not path.stat().st_size:
                yield Note(file, "the file is empty: a batch without errors may have such a file of errors")
            else:
                files.append(BatchFile.of(path, file))
        requests = [one for one in files if one.kind == REQUEST]
        pairs = _pairs(requests, [one for one in files if one.kind != REQUEST])
        repeats = Repeats()
        for batch in _batches(requests, pairs):
            yield from _Batch(self, repeats, batch, pairs).read()


def _pairs(requests: Sequence[BatchFile], results: Sequence[BatchFile]) -> Pairs:
    """The requests of all results, matched from those that state models to those that do not, in the order of the files."""
    found: dict[BatchFile, tuple[BatchFile, ...]] = {}
    for one in sorted(results, key=lambda one: not one.contents[1]) if len(requests) > 1 else results:
        found[one] = requests_for(one, requests, found)
    return {one: found[one] for one in results}


def _batches(requests: Sequence[BatchFile], pairs: Pairs) -> list[list[BatchFile]]:
    """The files of each batch. Results without requests are batches by folder; those of several requests join these."""
    groups: list[set[BatchFile]] = [{one} for one in requests]
    folders: dict[Path, set[BatchFile]] = {}
    for results, asking in pairs.items():
        if not asking:
            folders.setdefault(results.folder, set()).add(results)
            continue
        touched = [group for group in groups if group & set(asking)]
        groups = [group for group in groups if group not in touched] + [set().union(*touched, {results})]
    order = {one: i for i, one in enumerate([*requests, *pairs])}
    return sorted((sorted(group, key=order.__getitem__) for group in [*groups, *folders.values()]), key=lambda g: order[g[0]])


@dataclass
class _Batch:
    """The files of one batch."""

    source: OpenAIBatch
    repeats: Repeats
    files: list[BatchFile]
    pairs: Pairs
    asked: dict[BatchFile, dict[str, Asked]] = field(default_factory=dict)
    """File of requests -> id -> what it asks."""

    @property
    def shared(self) -> dict[str, Any]:
        """Columns of all records."""
        return COMMON | {"task": self.source.task, "split": self.source.split}

    def read(self) -> Iterator[Part]:
        """The answers, then the requests that have none."""
        requests = [one for one in self.files if one.kind == REQUEST]
        results = [one for one in self.files if one.kind != REQUEST]
        for one in requests:
            yield from self._ask(one)
        open_ids = {one: set(asked) for one, asked in self.asked.items()}
        for one in results:
            left = LeftOut()
            asking = [(self.asked[requested], open_ids[requested]) for requested in self.pairs[one]]
            read = partial(self._answers, of=one, left=left, requests=asking)
            yield from read_log(
                one.path, one.file, read, self.shared, left, "result of a batch",
                items=read_items(one.path, one.file), identity=partial(identity_of, names=_NAMES),
            )  # fmt: skip
        for one in requests:
            yield from self._missing(one, open_ids[one])

    def _ask(self, one: BatchFile) -> Iterator[Part]:
        """Keep what a file of requests asks; what is wrong with them."""
        found = self.asked.setdefault(one, {})
        left = LeftOut()

        def read(record: dict[str, Any]) -> list[tuple[str, Asked]]:
            if kind_of(record) != REQUEST:
                raise BadRecordError("the line has no body, expected a request as those before it")
            other = other_kind(record)
            if other is not None:
                left.records[f"requests to {other}, which ask for no answer"] += 1
                return []
            return [(id_of(record), request_of(record))]

        for item in each_record(read_items(one.path, one.file), one.file, read, partial(identity_of, names=_NAMES)):
            if isinstance(item, Rejected):
                yield item
                continue
            row, (name, asked) = item
            if name in found:
                said = "custom_id is that of an earlier request, expected one of its own"
                yield Rejected(one.file, row, said, {"source_id": name[:200]})
            else:
                found[name] = asked | {"row": row}
        yield from left.notes(one.file)

    def _answers(
        self, record: dict[str, Any], *, of: BatchFile, left: LeftOut, requests: Sequence[tuple[dict[str, Asked], set[str]]]
    ) -> Iterator[dict[str, Any]]:
        """The answers in a result; `requests` holds what each file of requests asks, and the ids that are not answered yet."""
        if kind_of(record) is None:
            raise BadRecordError("the line has no custom_id with a response or an error, expected a result of a batch")
        name, other = id_of(record), other_kind(record)
        if other is not None:
            left.records[f"results of {other}, which are no answers"] += 1
            return
        request: Asked = {}
        for asking, waiting in requests:
            if name in asking:
                request = asking[name]
                waiting.discard(name)
                break
        if requests and not request:
            left.remarks["no request has this custom_id, so the query has no text"] += 1
        made = result_of(record)
        for i, answer in enumerate(made):
            asked, served = request.get("requested_model"), answer.get("served_model")
            names = candidate_of(asked, served or (None if asked else self._only_model(of)), self.source.by, self.source.llm)
            row: dict[str, Any] = {"source_id": name, **request, **answer, **names, "task": self.source.task}
            row.pop("row", None)  # that of the request
            call = identifier(record, "id")
            number = self.repeats.number(row, f"{call} {name} {i}" if call else None)
            if number > i and "prompt" not in row and "messages" not in row:
                left.remarks[
                    "an earlier result has the same custom_id and LLM, so it is a further answer to the same query. "
                    "Add the files of requests if the prompts differ"
                ] += 1
            row["replicate"] = number
            yield row

    def _only_model(self, of: BatchFile) -> str | None:
        """The one model of the batch, for a failed request that states none: of files of the same name, else of all."""
        if self.source.llm is not None:
            return None
        alike = [one for one in self.files if one.core == of.core]
        for files in (alike, self.files):
            models = {model for one in files for model in one.contents[1]}
            if len(models) == 1:
                return next(iter(models))
        raise BadRecordError(_NO_MODEL)

    def _missing(self, one: BatchFile, open_ids: set[str]) -> Iterator[Part]:
        """A record for each request of a file that no result answers."""
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        for name, asked in self.asked[one].items():
            if name not in open_ids:
                continue
            try:
                names = candidate_of(asked.get("requested_model"), None, name=self.source.llm)
            except BadRecordError as error:
                yield Rejected(one.file, asked["row"], str(error), {"source_id": name[:200]})
                continue
            row: dict[str, Any] = {"source_id": name, **asked, **names, "task": self.source.task, "status": "missing"}
            numbers.append(row.pop("row"))
            rows.append(row | {"replicate": self.repeats.number(row, None)})
        shared = self.shared | {"file": one.file}
        for start in range(0, len(rows), _ROWS):
            part = slice(start, start + _ROWS)
            yield from record_parts(rows[part], shared, numbers[part], one.file)
        if rows:
            yield Note(one.file, f"{len(rows):,} of {len(self.asked[one]):,} requests have no result, and are missing answers")
