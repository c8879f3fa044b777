"""What a log of Inspect holds that no column of ours has, and what is missing in it, as notes for the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from llmfusionbench.builders.reading.counted import counted
from llmfusionbench.builders.reading.inspect_log import Log
from llmfusionbench.builders.reading.inspect_sample import SampleReader
from llmfusionbench.builders.records import Note

_SHOWN: Final = 10


def notes_of(log: Log, reader: SampleReader, found: int, repeated: Mapping[str, int]) -> Iterator[Note]:
    """The notes of one log.

    Args:
        log: The log.
        reader: What has read its samples.
        found: Number of samples that were read, or rejected.
        repeated: Other log -> number of samples left out because it has them, too.
    """
    header, seen = log.header, reader.seen
    if header.status != "success":
        why = f" ({' '.join(header.error.split())[:120]})" if header.error else ""
        yield Note(log.file, f"the run has the status {header.status}{why}; the samples that it has come in", warning=True)
    for other, count in repeated.items():
        yield Note(log.file, f"{_samples(count)} left out, because {other}, a later log of the same run, has them")
    total = found + sum(repeated.values())
    expected = max(header.expected, log.summarised() if total < header.expected or not log.ended else 0)
    if total < expected and header.status != "started":
        yield Note(log.file, f"the log has {total:,} of the {expected:,} samples that its header states", warning=True)
    if len(seen.scorers) > 1 and reader.scorer is None:
        chosen = ", ".join(seen.chosen) or "none"
        names = ", ".join(list(seen.scorers)[:_SHOWN])
        yield Note(
            log.file, f"the performance is that of the scorer {chosen}, of {names}. For another, set --option scorer=NAME"
        )
    if seen.words:
        words = ", ".join(list(seen.words)[:_SHOWN])
        yield Note(
            log.file,
            f"{_samples(seen.words.total())} without a score, whose value is not a number: {words}. "
            "Remedy: state the numbers of words with --option words=WORD:NUMBER",
            warning=True,
        )
    for scorer, (samples, low, high) in seen.outside.items():
        told = f"{_samples(samples)} without a score, because {scorer} gives them {low:g} to {high:g}, outside 0 to 1"
        judged = " --scale judge_score=LOW:HIGH" if header.grader(scorer) else ""
        remedy = f"--option scorer={scorer} --scale performance=LOW:HIGH{judged}"
        yield Note(log.file, f"{told}. To read it: {remedy}", warning=True)
    if seen.unscored:
        yield Note(log.file, f"{_samples(seen.unscored)} without a score in the log")
    if seen.kinds:
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in seen.kinds.most_common(_SHOWN))
        yield Note(log.file, f"parts of messages that are not text do not come in; a prompt has their kind instead: {kinds}")
    if seen.lost_texts:
        texts = counted(seen.lost_texts, "text stands", "texts stand")
        text = f"{texts} in attachments that the log lacks, so references come in instead"
        yield Note(log.file, text, warning=True)
    if seen.limits:
        limits = ", ".join(f"{kind} ({count:,})" for kind, count in seen.limits.most_common(_SHOWN))
        yield Note(log.file, f"samples ended by a limit, which were scored as they were: {limits}")
    if seen.more_choices:
        yield Note(log.file, f"{_samples(seen.more_choices)} with several choices of one call; the first one is the answer")
    if seen.lost_answers:
        yield Note(log.file, f"{_samples(seen.lost_answers)} with an answer before an error; they count as failed, without it")


def _samples(count: int) -> str:
    return counted(count, "sample", "samples")
