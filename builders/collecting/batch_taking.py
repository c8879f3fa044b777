"""Taking the results of a batch into the journal: each request once, whatever the order, and whatever is lacking or foreign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from llmfusionbench.builders.collecting.batch_files import Placed
from llmfusionbench.builders.collecting.batch_ledger import Ledger
from llmfusionbench.builders.collecting.batch_results import Result
from llmfusionbench.builders.collecting.batch_states import Batch
from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.records import attempt_record

LACKING: Final = Attempt("error", error="the results of the batch lack this request", passing=True, charged=True)
"""A request without a result of a batch that was completed: the provider may have charged it."""
NOT_MADE: Final = Attempt("error", error="the batch ended before this request was made", passing=True)
NOT_SENT: Final = Attempt("error", error="the batch was not submitted", passing=True)


@dataclass
class Counts:
    """Number of results by what came of them."""

    answered: int = 0
    failed: int = 0
    """Errors for good."""
    again: int = 0
    """Errors that may pass, and requests that the provider did not come to: they are asked again."""
    lacking: int = 0
    """Requests without a result although the batch was completed; they are among `failed` or `again` too."""
    repeated: int = 0
    """Further answers to a request; the first one counts."""
    foreign: int = 0
    """Results with the id of no request of the batch."""
    damaged: int = 0
    """Lines that are not results."""

    def as_record(self) -> Mapping[str, int]:
        """The numbers that are not 0."""
        return {name: n for name, n in asdict(self).items() if n}

    def odd(self) -> str | None:
        """What is odd about the results, for the user; None if all is well."""
        texts = {
            "repeated": ("repeats an earlier one", "repeat an earlier one"),
            "foreign": ("has an unknown id", "have an unknown id"),
            "damaged": ("cannot be read", "cannot be read"),
            "lacking": ("is lacking and may have been charged", "are lacking and may have been charged"),
        }  # fmt: skip
        told = [f"{n:,} {one if n == 1 else more}" for name, (one, more) in texts.items() if (n := getattr(self, name))]
        return f"of the results, {', '.join(told)}" if told else None


@dataclass
class Taking:
    """The results of one batch. Interrupted at any moment, they may be taken again: what is in the journal stays as it is.

    Args:
        batch: The batch.
        ledger: Journal, budget and progress of the run.
        last: Whether the attempt at a request with this key is its last one.
    """

    batch: Batch
    ledger: Ledger
    last: Callable[[str], bool]
    counts: Counts = field(default_factory=Counts)
    again: list[Call] = field(default_factory=list)
    """Calls that are asked again."""
    not_made: list[str] = field(default_factory=list)
    """Keys of those of them that the provider did not come to."""
    refused: str | None = None
    """The reason why all requests to the LLM are refused."""

    def __post_init__(self) -> None:
        self._files = self.ledger.files(self.batch)
        self.placed = self._files.placed()
        """Key -> where the request is in the batch."""
        self._due = self.ledger.due(self.batch, self.placed)
        self._failures: dict[str, Result] = {}
        self._seen: set[str] = set()

    def offer(self, result: Result | None) -> None:
        """Take one line of the results. An error waits until the end: an answer to the same request counts more."""
        if result is None:
            self.counts.damaged += 1
        elif result.key not in self.placed:
            self.counts.foreign += 1
        elif result.attempt.status == "error":
            self._failures.setdefault(result.key, result)
        elif result.key in self._seen:
            self.counts.repeated += 1
        else:
            self._seen.add(result.key)
            self.counts.answered += 1
            if result.key in self._due:
                self._record(self.placed[result.key], result.attempt, final=True)

    def finish(self, otherwise: Attempt) -> Counts:
        """Record the requests without an answer.

        Args:
            otherwise: What came of a request that no line is about.
        """
        for key, one in self.placed.items():
            if key in self._due and key not in self._seen:
                self._fail(one, self._failures.get(key), otherwise)
        return self.counts

    def _fail(self, one: Placed, result: Result | None, otherwise: Attempt) -> None:
        attempt = otherwise if result is None else result.attempt
        made = attempt is LACKING if result is None else result.made
        self.counts.lacking += attempt is LACKING
        if attempt.refused and self.refused is None:
            self.refused = attempt.error
        final = not attempt.refused and (not attempt.passing or (made and self.last(one.key)))
        self.counts.failed += final
        self.counts.again += not final
        call = self._record(one, attempt, final=final)
        if not final:
            self.again.append(call)
            if not made or attempt.refused:
                self.not_made.append(call.key)

    def _record(self, one: Placed, attempt: Attempt, *, final: bool) -> Call:
        ledger = self.ledger
        call = Call(one.slot, self.batch.llm, one.key, self._files.payload(one.start), one.replicate)
        if self.batch.offline:
            ledger.board.started(call.llm)
        cost = ledger.settle(call, one.attempt, attempt)
        ledger.journal.add(
            attempt_record(
                call, attempt, number=one.attempt, final=final, cost_usd=cost, at=ledger.now(), batch=self.batch.batch
            )
        )
        ledger.finished(call, attempt, cost, final, again=one.tries > 1)
        return call
