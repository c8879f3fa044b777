"""Templates written by an LLM behind any OpenAI-compatible endpoint: concurrent, within a budget, and never paid for twice."""

from __future__ import annotations

import copy
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
"""How often an LLM is asked until its reply is a template."""
_FINAL: Final = (400, 413, 422)
"""Status of a request that the server will not take another time either."""
_SPENT: Final = Failure("the budget was spent", passing=True)
_TAKEN: Final = ("extractive",)
"""Names of rules, which no LLM may bear: a row tells by its name what made it."""


class EndpointSummarizer:
    """Asks an LLM for every template, and once more where its reply is none.

    Args:
        url: Of the server; `/v1` may be left out.
        model: What to ask for, and the name in the rows.
        concurrency: Requests under way at a time.
        retries: Further attempts after a failure that may pass.
        timeout: Seconds an attempt may take.
        key_variable: Environment variable with the API key; by default none is sent.
        max_tokens: Of a reply.
        temperature: Of the sampling; None leaves it to the server.
        seed: Of the sampling, where the server takes one.
        input_price: USD for a million tokens.
        output_price: USD for a million tokens.
        max_cost: USD that a run may cost; needs both prices.
        max_requests: How many a run may make.
        max_total_tokens: How many a run may take, of requests and replies together.
        journal: File of replies; those in it are not asked for again. `build_templates` brings its own.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        concurrency: int = 8,
        retries: int = 3,
        timeout: float = 60.0,
        key_variable: str | None = None,
        max_tokens: int = 400,
        temperature: float | None = 0.0,
        seed: int | None = None,
        input_price: float | None = None,
        output_price: float | None = None,
        max_cost: float | None = None,
        max_requests: int | None = None,
        max_total_tokens: int | None = None,
        journal: str | Path | None = None,
    ) -> None:
        self.url = url
        self.model = model
        self.concurrency = concurrency
        self.retries = retries
        self.timeout = timeout
        self.key_variable = key_variable
        self.max_tokens = max_tokens
        self.temperature = temperature
        self.seed = seed
        self.input_price = input_price
        self.output_price = output_price
        self.max_cost = max_cost
        self.max_requests = max_requests
        self.max_total_tokens = max_total_tokens
        self.journal = journal

    @property
    def name(self) -> str:
        """The model's."""
        return self.model

    def options(self) -> dict[str, Any]:
        """What the replies depend on; the manifest tells, and a run is known by it."""
        return {"model": self.model, "max_tokens": self.max_tokens, "temperature": self.temperature, "seed": self.seed}

    def journalled(self, path: Path) -> EndpointSummarizer:
        """The same with a file of replies, unless it has one."""
        other = copy.copy(self)
        other.journal = path if self.journal is None else self.journal
        return other

    def check(self) -> None:
        """Refuse settings that no run could work with, before anything is asked.

        Raises:
            InputError: the URL is none, the model's name is that of a rule, a number is out of range, or a highest cost lacks
                its prices.
        """
        if self.model in _TAKEN or not self.model.strip():
            raise InputError(f'model: "{self.model}" is no name for an LLM here. Remedy: the name that the server knows it by')
        self._client().check()
        self._spending()

    def summarize(self, jobs: Iterable[Job]) -> Iterator[tuple[int, str | Failure]]:
        """Place of each job and its template, as they come; jobs are taken as there is room. `usage_` has the sums.

        Raises:
            InputError: as for `check`; or the server refuses the requests as such (status 401, 403, 404).
            MissingExtraError: the client is not installed.
        """
        self.check()
        self.usage_ = Usage()
        under_way: dict[Future[str | Failure], int] = {}
        waiting = iter(jobs)
        with Journal(None if self.journal is None else Path(self.journal)) as journal:
            run = _Run(self._client(), self.options(), self._spending(), journal)
            with ThreadPoolExecutor(self.concurrency) as pool:
                try:
                    while True:
                        while len(under_way) < self.concurrency and (job := next(waiting, None)) is not None:
                            under_way[pool.submit(run.template, job)] = job.place
                        if not under_way:
                            return
                        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                            place, result = under_way.pop(future), future.result()
                            self.usage_ = run.spending.usage
                            yield place, result
                finally:
                    run.spending.close()
                    self.usage_ = run.spending.usage

    def _client(self) -> ChatClient:
        return ChatClient(
            self.url, model=self.model, concurrency=self.concurrency, retries=self.retries, timeout=self.timeout,
            key_variable=self.key_variable, max_tokens=self.max_tokens, temperature=self.temperature, seed=self.seed,
        )  # fmt: skip

    def _spending(self) -> Spending:
        return Spending(
            input_price=self.input_price,
            output_price=self.output_price,
            max_cost=self.max_cost,
            max_requests=self.max_requests,
            max_total_tokens=self.max_total_tokens,
        )


class _Run:
    """What the threads of a run share."""

    def __init__(self, client: ChatClient, settings: dict[str, Any], spending: Spending, journal: Journal) -> None:
        self.client, self.settings, self.spending, self.journal = client, settings, spending, journal

    def template(self, job: Job) -> str | Failure:
        """The template of a job, or why there is none."""
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
        """The text of a reply: the one in the journal, else a new one."""
        request = request_id(messages, self.settings)
        known = self.journal.get(request)
        if known is not None:
            self.spending.take_up()
            return known
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
        self.journal.add(request, reply.text, input_tokens=reply.input_tokens, output_tokens=reply.output_tokens)
        return reply.text
