"""Runs judges over a release, and writes another release with what they said. A run that was killed goes on where it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.batch_places import Places
from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.collect import Batches, Settings
from llmfusionbench.builders.collecting.result import Result
from llmfusionbench.builders.judging.asking import ask
from llmfusionbench.builders.judging.costs import cost_figures
from llmfusionbench.builders.judging.judging import ROWS, Added, Judging, write_rows
from llmfusionbench.builders.judging.outcome import Judged, JudgeRun, candidates_of, compared_by, means_of
from llmfusionbench.builders.judging.plan import Plan, Task, digest_of, plan
from llmfusionbench.builders.judging.replies import Replies, Spent, read_replies
from llmfusionbench.builders.judging.run_folder import check_run, open_run
from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.builders.revising.derive import derive
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release, open_release
from llmfusionbench.release.card_text import counted
from llmfusionbench.release.writer import RELEASE
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import check_inputs, check_place

Say = Callable[[str], None]


def judge(
    release: Release | str | Path,
    out: str | Path,
    task: Task,
    *,
    run: str | Path | None = None,
    max_cost: float | None = None,
    halt_on_drift: bool = False,
    batches: Batches | None = None,
    results: Sequence[Path] = (),
    allow_partial: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    say: Say | None = None,
) -> JudgeRun:
    """Judge the answers of a release, and write the result as another release.

    Rows of `judge_scores` that are there stay, and only what is missing is asked. Every reply is in the journal of the run
    before it is used; with the same run, a request that was answered is not sent again, whatever was killed in between.

    Args:
        release: A release, or its name: "sample", a directory, "org/name".
        out: Directory of the new release, written atomically.
        task: What is judged, by whom and how.
        run: Directory of the run, with its journal; by default `out` with `.run` after its name.
        max_cost: Most USD that all requests of the run may cost, earlier ones included.
        halt_on_drift: Stop when another model answers than was requested.
        batches: Calls are made in batches; None: online.
        results: Files of results of batches, which are taken in place of calls.
        allow_partial: Write the release even if the budget is spent, a server refuses calls, or batches are under way.
        overwrite: Replace an existing release, which may be `release` itself.
        workers: Number of processes that write.
        say: Called with each line for the user.

    Raises:
        InputError: A setting or an endpoint is wrong, there is nothing to judge, `out` or `run` cannot be written, or the run
            ended early without `allow_partial`.
        UnknownNameError: The choice names a split, task or candidate that the release lacks.
        ReleaseError: `release` is damaged.
    """
    opened = (release if isinstance(release, Release) else open_release(release)).local()
    place = Path(out)
    folder = place.with_name(f"{place.name}.run") if run is None else Path(run)
    check_inputs(place, opened.inputs)  # before anything is paid for
    check_place(place, RELEASE, overwrite=overwrite)
    check_run(folder, place, opened.directory)
    for endpoint in task.judges:
        Caller(endpoint).check()
    planned = plan(opened, task)
    open_run(folder, planned)
    settings = Settings(
        max_cost=max_cost, halt_on_drift=halt_on_drift, batches=batches, say=say or (lambda _: None)
    )  # fmt: skip
    result, failures, places = ask(planned, folder, settings, results)
    replies = read_replies(folder / JOURNAL, set(planned.keys), task.rubric, pairwise=task.pairwise)
    unfinished = sum(key not in replies.by_key for key in planned.keys)
    ended_early = result.stopped is not None or bool(result.closed or results) or result.not_started + result.in_batches > 0
    if unfinished and ((ended_early and not allow_partial) or unfinished == len(planned.jobs)):
        raise _unfinished(planned, result, failures, places, unfinished, folder, bool(results))
    if say is not None:
        for line in failures:
            say(f"Warning: {line}")
    return _written(opened, place, planned, replies, folder, result, workers, overwrite, unfinished)


def _unfinished(
    planned: Plan, result: Result, failures: list[str], places: Places, unfinished: int, folder: Path, handed_in: bool
) -> InputError:
    """The error of a run that writes no release."""
    reasons = [result.stopped] if result.stopped else []
    reasons += [f"{name}: {reason.rstrip('.')}" for name, reason in result.closed.items()]
    reasons += places.reasons()
    why = "; ".join([*reasons, *failures]) or ("the others were not asked" if handed_in else "every call failed")
    same = "raise --max-cost and run the command again" if result.is_spent else "run the same command again"
    if places.in_files:
        same = f"run vllm run-batch on {places.these_files}, then {same}"
    remedy = f"{same}, which asks only what is missing"
    if unfinished < len(planned.jobs):
        remedy += ", or allow a partial result with --allow-partial"
    done = len(planned.jobs) - unfinished
    have = "has" if len(planned.jobs) == 1 else "have"
    return InputError(
        f"{folder}: {done:,} of {counted(len(planned.jobs), 'question')} {have} a reply ({why}). Remedy: {remedy}"
    )


def _written(
    release: Release,
    out: Path,
    planned: Plan,
    replies: Replies,
    folder: Path,
    result: Result,
    workers: int | None,
    overwrite: bool,
    unfinished: int,
) -> JudgeRun:
    """Write the new release, and sum up."""
    rows_file, digests = folder / ROWS, []

    def rows() -> Iterator[dict[str, Any]]:
        for job, key in zip(planned.jobs, planned.keys, strict=True):
            reply = replies.by_key.get(key)
            for row in job.rows(reply.verdict, reply.served_model, reply.created_at) if reply is not None else ():
                row_key = tuple(row[name] for name in ("query_id", "llm", "mode", "replicate", "judge", "opponent", "order"))
                if row_key not in planned.existing.keys:
                    digests.append(row["prompt_sha256"])
                    yield row

    write_rows(rows(), rows_file)
    judged = [_judged(planned, replies, name) for name in (judge.name for judge in planned.existing.judges)]
    asked, scored = sum(j.replies for j in judged), sum(j.scored for j in judged)
    figures = {
        "asked": len(planned.jobs), "replies": asked, "scored": scored, "without_score": asked - scored,
        "parse_rate": round(scored / asked, 6) if asked else None, "unfinished": unfinished, "there": planned.there,
        "prompts_sha256": digest_of(digests),
    } | cost_figures(judged, _answers(planned, replies))  # fmt: skip
    revision = Judging(rows_file.absolute(), planned.facts() | {"rows_sha256": sha256(rows_file)}, figures)
    added: Added = derive(release, out, revision, workers=workers, overwrite=overwrite)
    new = added.release
    assert new is not None
    names = [judge.name for judge in planned.existing.judges]
    compared, wins = compared_by(new, names) if planned.task.pairwise else ([], [])
    return JudgeRun(
        judges=judged,
        means=[] if planned.task.pairwise else means_of(new, names),
        candidates=wins if planned.task.pairwise else candidates_of(new),
        compared=compared,
        items=len(planned.found.items) // (2 if planned.task.pairwise else 1),
        eligible=planned.found.eligible,
        there=planned.there,
        skipped={reason: count for reason, count in planned.found.skipped.items() if count},
        unfinished=unfinished,
        lost=result.in_flight_lost,
        release=new,
    )


def _answers(planned: Plan, replies: Replies) -> dict[str, int]:
    """Name of a judge -> number of answers, or pairs, that it has replied to."""
    jobs = zip(planned.jobs, planned.keys, strict=True)
    done = {
        (job.judge.name, frozenset(answer.key for answer in job.item.answers)) for job, key in jobs if key in replies.by_key
    }
    return dict(Counter(name for name, _ in done))


def _judged(planned: Plan, replies: Replies, name: str) -> Judged:
    mine = [(job, key) for job, key in zip(planned.jobs, planned.keys, strict=True) if job.judge.name == name]
    verdicts = [replies.by_key[key].verdict for _, key in mine if key in replies.by_key]
    faults = Counter(str(verdict.fault) for verdict in verdicts if verdict.fault is not None)
    llm = next(judge.endpoint.name for judge in planned.existing.judges if judge.name == name)
    return Judged(
        name, len(mine), len(verdicts), len(verdicts) - faults.total(), dict(faults.most_common()),
        replies.spent.get(llm, Spent()),
    )  # fmt: skip
