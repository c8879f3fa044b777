"""The library of templates, the queries that look for them, and who may have which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from llmfusionbench.baselines.retrievers import BM25, Queries, TemplateLibrary
from llmfusionbench.baselines.retrievers import library as library_module
from llmfusionbench.baselines.retrievers.eligible import eligible
from llmfusionbench.errors import InputError, LLMFusionBenchError, UnknownNameError
from llmfusionbench.release import open_release
from llmfusionbench.types import query_id
from tests.helpers.planted_library import SUMS, planted, shuffled
from tests.helpers.tiny_release import write_tiny_release


def test_the_sample() -> None:
    release = open_release("sample")
    library = TemplateLibrary.of(release)
    assert repr(library) == "TemplateLibrary(392 templates of 14 tasks)"
    assert library.template_ids == sorted(library.template_ids)
    rows = {row["template_id"]: row for row in release.table("thought_templates").to_table().to_pylist()}
    queries = {row["query_id"]: row for row in release.table("queries", "train").to_table().to_pylist()}
    for i in (0, 9, 391):
        row = rows[library.template_ids[i]]
        query = queries[row["query_id"]]
        assert (row["criterion"], row["pool"]) == ("performance", "all")
        assert (library.templates[i], library.sources[i]) == (row["template"], row["sources"])
        assert (library.query_ids[i], library.prompts[i]) == (query["query_id"], query["prompt"])
        assert (library.tasks[i], library.domains[i]) == (query["task"], query["domain"])
    other = TemplateLibrary.of(release, criterion="judge", pool="small", summarizer="simulated")
    assert len(other) == 392
    assert not set(other.template_ids) & set(library.template_ids)


def test_three_templates_for_a_query() -> None:
    """What quickstart shows."""
    library = TemplateLibrary.of(open_release("sample"))
    ids, _ = BM25().fit(library).topk(["A shop sells 12 boxes of 8 pens each; how many pens is that?"], 3)
    assert len(set(ids[0])) == 3
    assert set(ids[0]) <= set(library.template_ids)


def test_what_is_not_there(tmp_path: Path) -> None:
    release = open_release("sample")
    with pytest.raises(UnknownNameError, match=r'No criterion "perfomance"\. Did you mean "performance"'):
        TemplateLibrary.of(release, criterion="perfomance")
    with pytest.raises(UnknownNameError, match='No pool "big"'):
        TemplateLibrary.of(release, pool="big")
    with pytest.raises(
        InputError, match=r"summarizer gpt, it has hybrid/all by simulated \(392\), .*Remedy: change --criterion"
    ):
        TemplateLibrary.of(release, summarizer="gpt")
    tiny = open_release(write_tiny_release(tmp_path / "tiny"))
    with pytest.raises(LLMFusionBenchError, match=r"thought templates.*templates build"):
        TemplateLibrary.of(tiny)


def test_libraries_that_are_none() -> None:
    library = planted()
    with pytest.raises(InputError, match="8 prompts for 9 template_ids"):
        TemplateLibrary(
            library.query_ids, library.template_ids, library.prompts[1:], library.tasks, library.domains, library.templates
        )
    with pytest.raises(InputError, match=f"template {library.template_ids[0]} occurs twice"):
        shuffled(library, [0, 1, 0])
    with pytest.raises(InputError, match="a prompt is missing"):
        TemplateLibrary(["q"], ["t"], [None], ["a"], ["a"], ["x"])  # type: ignore[list-item]
    assert library.ordered().template_ids == sorted(library.template_ids)


def test_queries() -> None:
    release = open_release("sample")
    queries = Queries.of(release, "test")
    assert len(queries) == 112
    assert queries.query_ids == sorted(queries.query_ids)
    few = queries.limited(14)
    assert sorted(few.tasks) == sorted(set(queries.tasks))
    assert few == queries.limited(14)
    assert few != queries.limited(14, seed=1)
    assert queries.limited(None) is queries.limited(112) is queries
    assert len(queries.limited(20)) == 20
    with pytest.raises(InputError, match="limit is 0"):
        queries.limited(0)
    one = Queries.one("1 + 1?", "sums")
    assert one.query_ids == [query_id("sums", "1 + 1?")]
    for bad in ("", " \n", "\udc80"):
        with pytest.raises(InputError, match="prompt: is"):
            Queries.one(bad, "sums")
    with pytest.raises(InputError, match="1 tasks for 2 ids"):
        Queries(["a", "b"], ["x", "y"], ["t"], ["t", "t"])


def test_near_duplicates_are_found_in_every_part_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    library = TemplateLibrary.of(open_release("sample"))
    prompts = [library.prompts[i] for i in (0, 200, 391)]
    whole = eligible(library, prompts)
    monkeypatch.setattr(library_module, "_PART", 50)
    apart = TemplateLibrary.of(open_release("sample"))
    parts = eligible(apart, prompts)
    assert [start for start, _ in apart.near_duplicates] == list(range(0, len(library), 50))
    assert set(zip([0, 1, 2], [0, 200, 391], strict=True)) <= set(
        zip(whole.shut_rows.tolist(), whole.shut_columns.tolist(), strict=True)
    )
    assert parts.shut_rows.tolist() == whole.shut_rows.tolist()
    assert parts.shut_columns.tolist() == whole.shut_columns.tolist()


def test_eligible_counts_and_blocks() -> None:
    library = planted().ordered()
    prompts = [SUMS[0], "nothing of the kind", None, SUMS[1]]
    allowed = eligible(library, prompts, tasks=["sums", "code", "sums", "none"], within="task")
    assert allowed.counts().tolist() == [3, 3, 0, 0]
    assert allowed.pairs() == 1  # SUMS[1] is of no group, so that nothing is shut out there
    free = eligible(library, prompts, query_ids=["", library.query_ids[2], "", ""])
    assert free.counts().tolist() == [8, 8, 0, 8]
    groups = list(free.groups())
    assert len(groups) == 1
    rows, columns = groups[0]
    assert rows.tolist() == [0, 1, 3]
    at_row, at_column = free.shut(rows, columns)
    shut = {(int(rows[r]), library.prompts[columns[c]]) for r, c in zip(at_row, at_column, strict=True)}
    assert shut == {(0, SUMS[0]), (1, library.prompts[2]), (3, SUMS[1])}
    part = free.shut(np.array([3]), np.array([library.prompts.index(SUMS[1])]))
    assert [part[0].tolist(), part[1].tolist()] == [[0], [0]]
