"""Runs judges over a release, and writes another release with what they said. A run that was killed goes on where it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.collect import Batches, Settings, check_ready
from llmfusionbench.builders.collecting.failure import NO_KEY
from llmfusionbench.builders.judging.asking import Asked, ask
from llmfusionbench.builders.judging.costs import cost_figures
from llmfusionbench.builders.judging.jobs import KEY, Job, Judge
from llmfusionbench.builders.judging.judging import ROWS, Added, Judging, write_rows
from llmfusionbench.builders.judging.outcome import Judged, JudgeRun, candidates_of, compared_by, means_of
from llmfusionbench.builders.judging.plan import Plan, Task, digest_of, plan
from llmfusionbench.builders.judging.replies import Replies, Reply, Spent
from llmfusionbench.builders.judging.run_folder import check_run, default_run, open_run, retried_with
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
    folder = default_run(place) if run is None else Path(run)
    check_inputs(place, opened.inputs)  # before anything is paid for
    check_place(place, RELEASE, overwrite=overwrite)
    check_run(folder, place, opened.directory)
    settings = Settings(max_cost=max_cost, halt_on_drift=halt_on_drift, batches=batches, say=say or (lambda _: None))
    check_ready(task.judges, settings)
    planned = plan(opened, task, retried_with(folder))
    if task.retry is not None and not planned.existing.unscored and not (folder / JOURNAL).is_file():
        raise InputError(
            f"{folder}: has no journal, and {opened.path} no judgement without a score, so that nothing can be asked again. "
            "Remedy: name the run with --run, or judge without --retry first"
        )
    open_run(folder, planned)
    asked = ask(planned, folder, settings, results)
    replies = planned.replies_in(folder / JOURNAL)
    found = [_new(planned, job, replies.best(keys)) for job, keys in zip(planned.jobs, planned.keys, strict=True)]
    result = asked.result
    ended_early = result.stopped is not None or bool(result.closed or results) or result.not_started + result.in_batches > 0
    retry = task.retry is not None
    left, total = (asked.left, asked.total) if retry else (found.count(None), len(found))
    if task.retry is not None and not asked.total and not planned.existing.unscored and found and not any(found):
        kinds = ",".join(task.retry.kinds)
        raise InputError(
            f"{folder}: has no judgement that --retry {kinds} could ask again. "
            "Remedy: run the same command without --retry, which asks what is missing"
        )
    is_vain = bool(found) and not any(found) and bool(asked.total or not planned.existing.unscored)
    if (left and ended_early and not allow_partial) or is_vain:
        raise _unfinished(asked, left, total, folder, is_vain=is_vain, handed_in=bool(results), retry=retry)
    if say is not None:
        for line in asked.failures:
            say(f"Warning: {line}")
    return _written(opened, place, planned, found, replies, folder, asked, workers, overwrite)


def _new(planned: Plan, job: Job, reply: Reply | None) -> Reply | None:
    """The reply to a question, unless the release has it."""
    row = planned.row_of(job)
    return None if reply is not None and row is not None and row.created_at == reply.created_at else reply


def _unfinished(
    asked: Asked, left: int, total: int, folder: Path, *, is_vain: bool, handed_in: bool, retry: bool
) -> InputError:
    """The error of a run that writes no release."""
    result = asked.result
    reasons = [result.stopped] if result.stopped else []
    reasons += [f"{name}: {reason.rstrip('.')}" for name, reason in result.closed.items()]
    reasons += asked.places.reasons()
    otherwise = "every call failed" if asked.total and not handed_in else "the others were not asked"
    why = "; ".join([*reasons, *asked.failures]) or otherwise
    same = "raise --max-cost and run the command again" if result.is_spent else "run the same command again"
    if asked.places.in_files:
        same = f"run vllm run-batch on {asked.places.these_files}, then {same}"
    if any(NO_KEY in reason for reason in [*result.closed.values(), *asked.failures]):
        same = f"set an API key that the server accepts in the variable that key_variable names, then {same}"
    remedy = f"{same}, which asks only what is missing"
    if not is_vain:
        remedy += ", or allow a partial result with --allow-partial"
    have, done = "has" if total == 1 else "have", 0 if is_vain else total - left
    what = f"{have} a new reply" if retry else f"{have} a reply"
    return InputError(f"{folder}: {done:,} of {counted(total, 'question')} {what} ({why}). Remedy: {remedy}")


def _written(
    release: Release,
    out: Path,
    planned: Plan,
    found: Sequence[Reply | None],
    replies: Replies,
    folder: Path,
    asked: Asked,
    workers: int | None,
    overwrite: bool,
) -> JudgeRun:
    """Write the new release, and sum up. `found` has the new reply to each question."""
    rows_file, digests = folder / ROWS, []
    jobs = list(zip(planned.jobs, found, strict=True))

    def rows() -> Iterator[dict[str, Any]]:
        for job, reply in jobs:
            for row in job.rows(reply.verdict, reply.served_model, reply.created_at) if reply is not None else ():
                row_key = tuple(row[name] for name in KEY)
                if row_key not in planned.existing.keys:
                    digests.append(row["prompt_sha256"])
                    yield row

    write_rows(rows(), rows_file)
    told = [(job, reply) for job, reply in jobs if reply is not None or planned.row_of(job) is None]
    judged = [_judged(told, judge, replies) for judge in planned.existing.judges]
    count, scored = sum(j.replies for j in judged), sum(j.scored for j in judged)
    unfinished = len(told) - count
    figures = {
        "asked": len(told), "replies": count, "scored": scored, "without_score": count - scored,
        "parse_rate": round(scored / count, 6) if count else None, "unfinished": unfinished, "there": planned.there,
        "prompts_sha256": digest_of(digests),
    } | cost_figures(judged, _answers(planned, told))  # fmt: skip
    facts = planned.facts() | {"rows_sha256": sha256(rows_file)}
    revision = Judging(rows_file.absolute(), facts, figures, replaces=bool(planned.existing.unscored))
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
        again=asked.total if planned.task.retry is not None else None,
        enough=asked.questions.enough,
        unknown=asked.questions.unknown,
        release=new,
    )


def _answers(planned: Plan, told: Iterable[tuple[Job, Reply | None]]) -> dict[str, int]:
    """Name of a judge -> number of answers, or pairs, that it has replied to, and not in an earlier step."""
    done = {
        (job.judge.name, frozenset(answer.key for answer in job.item.answers))
        for job, reply in told
        if reply is not None and not planned.has_judged(job)
    }
    return dict(Counter(name for name, _ in done))


def _judged(told: Iterable[tuple[Job, Reply | None]], judge: Judge, replies: Replies) -> Judged:
    mine = [reply for job, reply in told if job.judge.name == judge.name]
    verdicts = [reply.verdict for reply in mine if reply is not None]
    replied, total = replies.spent.get(judge.endpoint.name, Spent()), Spent()
    for part in (replied, replies.unanswered.get(judge.endpoint.name, Spent())):
        total.take(part)
    faults = Counter(str(verdict.fault) for verdict in verdicts if verdict.fault is not None)
    return Judged(
        judge.name, len(mine), len(verdicts), len(verdicts) - faults.total(), dict(faults.most_common()),
        total, replied,
    )  # fmt: skip
