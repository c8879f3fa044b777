"""Inspect AI: logs of evaluations, `.eval` archives and `.json` files of versions 1 to 3, a record per sample and epoch.

The reader is ours by default, because Inspect's own one holds a whole log in memory, sets no limit on what an archive unpacks
to, and refuses a log for one bad sample. `reader=inspect_ai` reads with it; a test compares both, sample by sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.fields import identity_of
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.inspect_log import READERS, Log, open_logs
from llmfusionbench.builders.reading.inspect_notes import notes_of
from llmfusionbench.builders.reading.inspect_sample import PROMPTS, SampleReader
from llmfusionbench.builders.reading.inspect_score import parsed_words
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.reading.model_names import RoutedName
from llmfusionbench.builders.reading.replicates import Replicates
from llmfusionbench.builders.records import Llms, Note, Part, Records, Rejected
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate

_NAMES: Final = {"source_id": "id"}


@dataclass(frozen=True, kw_only=True)
class InspectLogs:
    """Reads the logs of Inspect AI.

    Args:
        prompt: What a query is: `sent`, the messages before the first one that the LLM generated, or `input`, the text of the
            dataset without the template around it, under which logs of other harnesses have the same query.
        scorer: The scorer whose value is the performance, `NAME`, or `NAME.KEY` where its value is an object; by default the
            first scorer, and its first key.
        words: Numbers of values that Inspect does not know, as `GOOD:1,BAD:0`.
        task: Name of the task; by default the one that the log states, without its package.
        llm: Name of the LLM; by default the log's model without the provider that only serves it.
        split: The split of every query; by default the argument `split` of the task, else `train`.
        reader: `own`, or `inspect_ai` for its own reader, which must be installed.
    """

    FILES: ClassVar[tuple[str, ...]] = ("*.eval", "*.json")

    prompt: str = "sent"
    scorer: str | None = None
    words: Sequence[str] = ()
    task: str | None = None
    llm: str | None = None
    split: str | None = None
    reader: str = "own"

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the logs; of a log and its retry, the retry counts for the samples that both have."""
        for name, value, known in (("prompt", self.prompt, PROMPTS), ("reader", self.reader, READERS)):
            if value not in known:
                raise UnknownNameError(f"choice of --option {name}", value, known)
        try:
            words = parsed_words(self.words)
        except ValueError as error:
            raise InputError(f"words is {','.join(self.words)[:80]!r}, expected WORD:NUMBER pairs, such as GOOD:1") from error
        logs, others = open_logs(labelled(paths), self.reader)
        if paths and not logs:
            raise InputError(others[0].text)
        yield from (Note(note.file, f"{note.text}; the file is left out", warning=True) for note in others)
        run = _Run(self, words)
        for log in logs:
            yield from run.log(log)
        if paths and not run.samples:
            stated = sum(log.header.expected for log in logs)
            where = "it" if len(paths) == 1 else f"the {len(paths):,} files"
            raise InputError(
                f"{paths[0]}: no sample in {where}, of {stated:,} that the header states. "
                "Remedy: give logs with their samples; headers alone and logs of --no-log-samples have none"
            )
        if self.scorer is not None and self.scorer not in run.scorers:
            known_scorers = ", ".join(sorted(run.scorers)[:20]) or "none"
            raise InputError(f"{paths[0]}: no sample has the scorer {self.scorer!r}; the logs have {known_scorers}")


@dataclass
class _Run:
    """What the logs of one reading share."""

    options: InspectLogs
    words: dict[str, float]
    replicates: Replicates = field(default_factory=Replicates)
    taken: dict[tuple[str, str, str], dict[tuple[str, str], str]] = field(default_factory=dict)
    """Task id, task and model -> id and epoch of each sample -> the log that has it. Older logs of one run share the id."""
    samples: int = 0
    scorers: set[str] = field(default_factory=set)

    def log(self, log: Log) -> Iterator[Part]:
        """The samples of one log."""
        header, options = log.header, self.options
        names = (RoutedName(options.llm) if options.llm else header.llm).columns(Candidate.parse)
        llm, mode = names["llm"], names["mode"]
        task = options.task or header.task
        reader = SampleReader(header, options.prompt, options.scorer, self.words)
        taken = self.taken.setdefault((header.task_id or log.file, header.task, header.requested_model), {})
        repeated: dict[str, int] = {}
        found = 0

        def read(sample: dict[str, Any]) -> list[dict[str, Any]]:
            nonlocal found
            key = str(sample.get("id"))[:400], str(sample.get("epoch"))[:40]
            other = taken.get(key)
            if other is not None and other != log.file:
                repeated[other] = repeated.get(other, 0) + 1
                return []
            record = reader.read(sample)
            found += 1
            taken[key] = log.file
            return [self.replicates.numbered(record, task, *names.values())]

        shared = {
            "task": task, **names, "split": options.split or header.split,
            "requested_model": header.requested_model, "endpoint": header.endpoint, "sampling": header.sampling,
        }  # fmt: skip
        identity = partial(identity_of, names=_NAMES, task=task, llm=Candidate(llm, mode).name)
        for part in read_records(log.path, log.file, read, shared, identity=identity, items=log.samples()):
            yield replace(part, named={"performance": "the score"}) if isinstance(part, Records) else part
            found += isinstance(part, Rejected)
        self.samples += found + sum(repeated.values())
        self.scorers |= reader.seen.scorers.keys()
        yield from notes_of(log, reader, found, repeated)
        if found:
            yield Llms([{"llm": names.get("llm_path", llm), "endpoint": header.requested_model}])
