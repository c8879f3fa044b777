"""`--retry` of judges: only judgements without a score are asked again, and both attempts stay in the journal."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.collect import Batches
from llmfusionbench.builders.judging import Retry, Task, judge, preferences, read_rubric
from llmfusionbench.builders.judging.costs import costs_of
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.validation import validate
from tests.helpers.batch_server import serving_batches
from tests.helpers.chat_server import ChatServer, completion, serving
from tests.helpers.judges import asked, endpoint, sums_release

PAPER = read_rubric("paper")
COST = 10e-6
"""USD of a call: 7 and 3 tokens at one USD per million."""


def of_bee(body: dict[str, Any]) -> bool:
    return "by bee" in body["messages"][-1]["content"]


def cut_off(text: str) -> tuple[int, bytes]:
    return 200, completion(text, "owl").replace(b'"stop"', b'"length"')


def first_without_a_score(body: dict[str, Any], tries: int) -> Any:
    """Each answer of bee gets a reply without a score at first, for another reason per query."""
    text = body["messages"][-1]["content"]
    if tries > 1 or not of_bee(body):
        return f"<score>{0.25 if of_bee(body) else 1}</score>"
    if "0+0?" in text:
        return "I would say 0.9."
    if "1+1?" in text:
        return ""
    return (400, b"{}") if "2+2?" in text else cut_off("I think that")


def run(source: Path, out: Path, server: ChatServer, *kinds: str, **options: Any) -> tuple[Any, Release]:
    retry = Retry(kinds=kinds, max_tokens=options.pop("max_tokens", None)) if kinds else None
    task = Task(judges=[endpoint(server)], rubric=PAPER, retry=retry, **options.pop("task", {}))
    found = judge(source, out, task, workers=1, overwrite=True, **options)
    assert found.release is not None
    assert list(validate(out)) == []
    return found, found.release


def scores(release: Release, llm: str = "bee") -> list[float | None]:
    """By query."""
    prompts = {row["query_id"]: row["prompt"] for row in release.rows("queries").to_pylist()}
    rows = [row for row in release.rows("judge_scores").to_pylist() if row["llm"] == llm]
    return [row["score"] for row in sorted(rows, key=lambda row: prompts[row["query_id"]])]


def finals(folder: Path) -> list[int]:
    """Number of final attempts of each slot, by that number."""
    records = map(json.loads, (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines())
    counts = Counter(tuple(r["slot"]) for r in records if r["kind"] == "attempt" and r["final"])
    return sorted(counts.values())


@pytest.mark.parametrize(
    ("kind", "query", "left"),
    [
        ("unparsed", "0+0?", [0.25, None, None]),
        ("empty", "1+1?", [None, 0.25, None]),
        ("error", "2+2?", [None, None, 0.25, None]),
    ],
)
def test_only_this_kind_is_asked_again(kind: str, query: str, left: list[float | None], tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=4)
    with serving(first_without_a_score) as server:
        found, release = run(source, tmp_path / "o", server)
        assert (scores(release), found.again) == ([None] * 3, None)  # the failure has no row
        found, release = run(source, tmp_path / "o", server, kind)
        (text,) = asked(server)[8:]
        assert query in text
        assert (scores(release), scores(release, "ant"), found.again) == (left, [1.0] * 4, 1)
        assert finals(tmp_path / "o.run") == [1] * 7 + [2]
        found, release = run(source, tmp_path / "o", server, kind)
        assert (len(asked(server)), found.again, scores(release)) == (9, 0, left)  # it has a score now
        assert release.manifest["history"][-1]["options"]["retry"] == {"kinds": [kind], "max_tokens": None}


def test_replies_that_a_filter_ended_are_asked_again_as_such_alone(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=3, llms=("bee",))

    def reply(body: dict[str, Any], tries: int) -> Any:
        text = body["messages"][-1]["content"]
        if tries > 1:
            return "<score>0.5</score>"
        said = "" if "0+0?" in text else "I am sorry" if "1+1?" in text else None
        filtered = completion(said or "", "owl").replace(b'"stop"', b'"content_filter"')
        return "" if said is None else (200, filtered)

    with serving(reply) as server:
        found, release = run(source, tmp_path / "o", server)
        assert found.judges[0].faults == {"refused": 2, "empty": 1}
        found, release = run(source, tmp_path / "o", server, "empty", "unparsed")
        assert (found.again, scores(release)) == (1, [None, None, 0.5])
        assert "2+2?" in asked(server)[-1]
        found, release = run(source, tmp_path / "o", server, "refusal")
    assert (found.again, scores(release)) == (2, [0.5] * 3)


def test_cut_off_replies_get_more_tokens_and_stay_in_later_runs(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=4)
    with serving(first_without_a_score) as server:
        run(source, tmp_path / "o", server)
        found, release = run(source, tmp_path / "o", server, "length", max_tokens=4096)
        (body,) = [body for _, body, _ in server.requests[8:]]
        assert body["max_tokens"] == 4096
        assert "3+3?" in body["messages"][-1]["content"]
        assert (found.again, found.enough, scores(release)) == (1, 0, [None, None, 0.25])
        assert costs_of(release) == {"owl": pytest.approx(COST * 8 / 7)}  # of seven answers with a reply, one had two
        found, release = run(source, tmp_path / "o", server)  # asks the failure once more, and nothing else
        assert "2+2?" in "".join(asked(server)[9:])
        assert (len(asked(server)), scores(release)) == (10, [None, None, 0.25, 0.25])


def test_a_reply_that_had_as_many_tokens_is_left_alone(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=2, llms=("bee",))
    with serving(lambda *_: cut_off("I think that")) as server:
        run(source, tmp_path / "o", server)
        for most, again, enough in ((500, 0, 2), (4096, 2, 0), (4096, 0, 2), (8192, 2, 0)):
            found, _ = run(source, tmp_path / "o", server, "length", max_tokens=most)
            assert (found.again, found.enough) == (again, enough), most
    assert finals(tmp_path / "o.run") == [3, 3]


def test_a_retry_without_a_score_is_the_reply_that_counts(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=1, llms=("bee",))
    with serving(lambda _, tries: f"Try {tries}.") as server:
        run(source, tmp_path / "o", server)
        _, release = run(source, tmp_path / "o", server, "unparsed", max_tokens=99)
        assert release.rows("judge_scores")["reason"].to_pylist() == ["Try 2."]
        _, release = run(source, tmp_path / "o", server, "unparsed")
        assert [body["max_tokens"] for _, body, _ in server.requests] == [1024, 99, 99]  # as it was sent last
    assert release.rows("judge_scores")["reason"].to_pylist() == ["Try 3."]


@pytest.mark.parametrize("same_run", [True, False])
def test_rows_without_a_score_of_a_release_are_replaced(same_run: bool, tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=4)
    with serving(first_without_a_score) as server:
        run(source, tmp_path / "o", server)
        more = {"run": tmp_path / "o.run"} if same_run else {}
        found, release = run(tmp_path / "o", tmp_path / "p", server, "unparsed", **more)
        texts = asked(server)[8:]
        # Of the row alone it is not known that the reply was cut off.
        assert len(texts) == found.again == (1 if same_run else 2)
        assert all("0+0?" in text or ("3+3?" in text and not same_run) for text in texts)
        assert scores(release) == [0.25, None, None if same_run else 0.25]
        assert (found.judges[0].asked, found.judges[0].replies) == (len(texts) + 1, len(texts))  # one was never answered
        assert release.rows("judge_scores").num_rows == 7
        assert costs_of(release) == {"owl": pytest.approx(COST * (7 + len(texts)) / 7)}
        found, release = run(tmp_path / "p", tmp_path / "q", server, "empty", "length", max_tokens=99, **more)
        assert (scores(release)[1], found.unknown) == (0.25, 0 if same_run else 1)


def test_both_orders_of_pairs(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=2)

    def reply(body: dict[str, Any], tries: int) -> str:
        text = body["messages"][-1]["content"]
        first = "by ant" in text[: text.index("Answer B")]
        return "I cannot tell." if first and tries == 1 else f"<better>{'A' if first else 'B'}</better>"

    with serving(reply) as server:
        _, release = run(source, tmp_path / "o", server, task={"pairwise": True})
        assert [p.winner for p in preferences(release)] == [None, None]
        found, release = run(tmp_path / "o", tmp_path / "p", server, "unparsed", task={"pairwise": True})
        assert (found.again, len(asked(server))) == (2, 6)
    assert [p.winner for p in preferences(release)] == ["a", "a"]
    assert release.rows("judge_scores").num_rows == 8


def test_a_retry_that_fails_leaves_the_row(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=2, llms=("bee",))

    def reply(body: dict[str, Any], tries: int) -> Any:
        return "None." if tries == 1 else (400, b"{}") if "0+0?" in str(body) else "<score>1</score>"

    with serving(reply) as server:
        run(source, tmp_path / "o", server)
        found, release = run(tmp_path / "o", tmp_path / "p", server, "unparsed", run=tmp_path / "o.run")
        assert (found.again, found.unfinished) == (2, 0)
        assert scores(release) == [None, 1.0]
        assert release.rows("judge_scores")["reason"].to_pylist().count("None.") == 1
        with pytest.raises(InputError, match=r"0 of 1 question has a new reply \(owl: 1 failed"):
            run(tmp_path / "p", tmp_path / "q", server, "unparsed", run=tmp_path / "o.run")
    assert not (tmp_path / "q").exists()


def test_a_retry_that_the_budget_ends_writes_nothing_and_goes_on(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=6, llms=("bee",))

    def reply(_: Any, tries: int) -> Any:
        text = "None." if tries == 1 else "<score>1</score>"
        return 200, completion(text, "owl", prompt_tokens=400, completion_tokens=20)

    with serving(reply) as server:
        task = Task(judges=[endpoint(server, concurrency=1)], rubric=PAPER)
        judge(source, tmp_path / "o", task, workers=1)
        worst = json.loads((tmp_path / "o.run" / "journal.jsonl").read_text(encoding="utf-8").partition("\n")[0])["worst_usd"]
        again = Task(judges=task.judges, rubric=PAPER, retry=Retry(kinds=["unparsed"]))
        with pytest.raises(
            InputError, match=r"3 of 6 questions have a new reply \(owl: its next call does not fit into --max-c"
        ):
            judge(source, tmp_path / "o", again, workers=1, overwrite=True, max_cost=8.5 * 420e-6 + worst)
        assert len(server.requests) == 9
        found = judge(source, tmp_path / "o", again, workers=1, overwrite=True)
        assert (found.again, len(server.requests)) == (3, 12)  # what has a score is not asked
        assert found.release is not None
        assert scores(found.release) == [1.0] * 6


def test_in_batches(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=3)
    seen: Counter[str] = Counter()

    def reply(body: dict[str, Any], _: int) -> str:
        seen[text := body["messages"][-1]["content"]] += 1
        return "None." if of_bee(body) and seen[text] == 1 else "<score>0.5</score>"

    with serving_batches(reply) as server:
        judged_by = endpoint(server)  # type: ignore[arg-type]  # it has the same URL
        judge(source, tmp_path / "o", Task(judges=[judged_by], rubric=PAPER), workers=1)
        again = Task(judges=[judged_by], rubric=PAPER, retry=Retry(kinds=["unparsed"]))
        found = judge(source, tmp_path / "o", again, workers=1, overwrite=True, batches=Batches())
        assert (found.again, server.charged, len(server.batches)) == (3, 9, 1)
    assert found.release is not None
    assert scores(found.release) == [0.5] * 3


def test_rows_of_an_older_schema(tmp_path: Path) -> None:
    old = Release(Path(__file__).parents[2] / "release" / "release_1_0")
    with serving(lambda *_: "<score>0.5</score>") as server:
        task = Task(judges=[endpoint(server)], rubric=PAPER, reference=False, retry=Retry(kinds=["unparsed"]))
        with pytest.raises(InputError, match="no judgement without a score"):
            judge(old.directory, tmp_path / "o", task, workers=1)
        assert server.requests == []


def test_what_cannot_be_asked_again(tmp_path: Path) -> None:
    source = sums_release(tmp_path / "r", queries=1)
    with serving(first_without_a_score) as server:
        with pytest.raises(UnknownNameError, match=r'No kind of answer to retry "unparsd"\. Did you mean "unparsed"\?'):
            run(source, tmp_path / "o", server, "unparsd")
        with pytest.raises(InputError, match="--retry length: the same maximum would cut the answers off again"):
            run(source, tmp_path / "o", server, "length")
        with pytest.raises(InputError, match=r"o\.run: has no journal, and .*r no judgement without a score"):
            run(source, tmp_path / "o", server, "unparsed")
        assert (asked(server), [path.name for path in tmp_path.iterdir()]) == ([], ["r"])
        run(source, tmp_path / "o", server, run=tmp_path / "run", task={"replicates": 1})
        with pytest.raises(
            InputError, match=r"run: has no judgement that --retry unparsed could ask again\. Remedy: .* without --retry"
        ):
            run(source, tmp_path / "p", server, "unparsed", run=tmp_path / "run", task={"reference": None, "pairwise": True})
    assert not (tmp_path / "p").exists()
