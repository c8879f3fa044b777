"""Templates written by an LLM behind any OpenAI-compatible endpoint: concurrent, within a budget, and never paid for twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.templates.jobs import Failure, Job
from llmfusionbench.builders.templates.replies import asked_again, messages_for, problem_of, tidied
from llmfusionbench.errors import InputError
from llmfusionbench.llm.chat import ChatClient, Reply
from llmfusionbench.llm.journal import Journal, request_id
from llmfusionbench.llm.spending import Spending, Usage

_ASKED: Final = 2
"""Maximum number of requests per template."""
_FINAL: Final = (400, 413, 422)
"""HTTP status of a request that would fail again."""
_SPENT: Final = Failure("the budget was spent", passing=True)
_TAKEN: Final = ("extractive",)
"""Names of rules; an LLM may not have one, because the name in a row says what made it."""


class EndpointSummarizer:
    """Asks an LLM for every template, and once more if its reply is not one.

    Args:
        client: The LLM; its model name is the name in the rows.
        spending: The limits of each run; none by default.
        journal: File of replies; those in it are not requested again. `build_templates` adds its own.
    """

    def __init__(self, client: ChatClient, spending: Spending | None = None, *, journal: str | Path | None = None) -> None:
        self.client = client
        self.spending = spending
        self.journal = journal

    @property
    def name(self) -> str:
        """The model's name."""
        return self.client.model

    def options(self) -> dict[str, Any]:
        """The settings that replies depend on; they are in the manifest and identify a run."""
        client = self.client
        return {
            "model": client.model, "max_tokens": client.max_tokens, "temperature": client.temperature, "seed": client.seed,
        }  # fmt: skip

    def journalled(self, path: Path) -> EndpointSummarizer:
        """The same with a file of replies, unless it has one."""
        return self if self.journal is not None else EndpointSummarizer(self.client, self.spending, journal=path)

    def check(self) -> None:
        """Refuse settings that no run could work with, before any request.

        Raises:
            InputError: The URL is not one, the model has the name of a rule, or a number is out of range.
        """
        if self.name in _TAKEN or not self.name.strip():
            raise InputError(f'model: "{self.name}" cannot be the name of an LLM here. Remedy: use the name the server knows')
        self.client.check()

    def summarize(self, jobs: Iterable[Job]) -> Iterator[tuple[int, str | Failure]]:
        """(place of a job, its template), as they come; `usage_` has the sums.

        Raises:
            InputError: As for `check`; or the server refuses all requests (status 401, 403, 404).
            MissingExtraError: The client is not installed.
        """
        self.check()
        self.usage_ = Usage()
        under_way: dict[Future[str | Failure], int] = {}
        waiting = iter(jobs)
        spending = Spending() if self.spending is None else self.spending.renewed()
        path = None if self.journal is None else Path(self.journal)
        with Journal(path, key=("request",), needs=("text",)) as journal:
            run = _Run(self.client, self.options(), spending, journal)
            with ThreadPoolExecutor(self.client.concurrency) as pool:
                try:
                    while True:
                        while len(under_way) < self.client.concurrency and (job := next(waiting, None)) is not None:
                            under_way[pool.submit(run.template, job)] = job.place
                        if not under_way:
                            return
                        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                            place, result = under_way.pop(future), future.result()
                            self.usage_ = spending.usage
                            yield place, result
                finally:
                    spending.close()
                    self.usage_ = spending.usage


class _Run:
    """State that the threads of a run share."""

    def __init__(self, client: ChatClient, settings: dict[str, Any], spending: Spending, journal: Journal) -> None:
        self.client, self.settings, self.spending, self.journal = client, settings, spending, journal

    def template(self, job: Job) -> str | Failure:
        """The template of a job, or the reason for its failure."""
        messages = messages_for(job)
        problem = ""
        for _ in range(_ASKED):
            text = self._text(messages)
            if isinstance(text, Failure):
                return text
            template = tidied(text)
            found = problem_of(template, job)
            if found is None:
                return template
            problem, messages = found, asked_again(messages, text, found)
        return Failure(f"the reply cannot be used: {problem}")

    def _text(self, messages: list[dict[str, str]]) -> str | Failure:
        """The text of a reply, from the journal or the server."""
        request = request_id(messages, self.settings)
        known = self.journal.records.get((request,))
        if known is not None:
            self.spending.resume()
            return str(known["text"])
        held = self.spending.reserve(messages, self.client.max_tokens)
        if held is None:
            return _SPENT
        reply = Reply()
        try:
            reply = self.client.attempt(messages)
        finally:
            self.spending.settle(held, messages, reply)
        if reply.refused:
            raise self.client.refusal(reply)
        if reply.text is None:
            return Failure(f"no reply: {reply.error}", passing=reply.status not in _FINAL)
        counts = {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}
        self.journal.add({"request": request, "text": reply.text, **counts})
        return reply.text
