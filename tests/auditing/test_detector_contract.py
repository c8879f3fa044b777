"""What every detector keeps to: bounded state that merges, nothing in a clean log, findings that can be acted on."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from llmfusionbench.auditing.detector import JUDGE_SCORES, KEY
from llmfusionbench.auditing.detectors import DETECTORS
from llmfusionbench.auditing.finding import EXAMPLES, SEVERITIES, Finding
from llmfusionbench.auditing.run import columns_of
from llmfusionbench.schema import table_schema
from tests.helpers.audit_rows import batch_of, clean_rows, shards_of

ROWS = clean_rows()
COLUMNS = columns_of({name: kind() for name, kind in DETECTORS.items()})


def faulty(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows with a fault of every kind that single rows can have, in some of them."""
    changes: list[dict[str, object]] = [
        {"served_model": "another"},
        {"response": "", "status": "empty"},
        {"status": "error", "error": "Error code: 500"},
        {"performance": 0.5},
        {"cost_usd": 7.0},
        {"output_tokens": 90_000},
    ]
    return [{**row, **(changes[i // 7 % len(changes)] if i % 7 == 0 else {})} for i, row in enumerate(rows)]


def of_shards(name: str, batches: list[pa.RecordBatch]) -> list[Finding]:
    """The findings of a detector whose state came from one process per batch."""
    merged = DETECTORS[name]()
    for batch in batches:
        detector = DETECTORS[name]()
        detector.look(batch)
        merged.merge(pickle.loads(pickle.dumps(detector)))
    return merged.findings()


def whole(name: str, batch: pa.RecordBatch) -> list[Finding]:
    detector = DETECTORS[name]()
    detector.look(batch)
    return detector.findings()


@pytest.mark.parametrize("name", DETECTORS)
def test_name_and_columns(name: str) -> None:
    detector = DETECTORS[name]()
    assert detector.name == name
    assert set(detector.columns) <= {*table_schema("logs").arrow.names, JUDGE_SCORES}


@pytest.mark.parametrize("name", DETECTORS)
def test_a_clean_log_has_no_finding(name: str) -> None:
    assert whole(name, batch_of(ROWS)) == []


@pytest.mark.parametrize("name", DETECTORS)
def test_no_rows_and_no_values_are_no_finding(name: str) -> None:
    bare = [
        {**{c: row[c] for c in ("query_id", *KEY)}, "status": "ok", "metric": "em", "prompt": row["prompt"]} for row in ROWS
    ]
    assert whole(name, batch_of([])) == []
    assert whole(name, batch_of(bare)) == []


@pytest.mark.parametrize("name", DETECTORS)
def test_it_reads_only_the_columns_that_it_names(name: str) -> None:
    detector = DETECTORS[name]()
    batch = batch_of(faulty(ROWS))
    detector.look(batch.select([*KEY, *(c for c in detector.columns if c not in KEY)]))
    assert detector.findings() == whole(name, batch)


@pytest.mark.parametrize("name", DETECTORS)
def test_shards_merge_into_the_same_findings(name: str) -> None:
    rows = faulty(ROWS)
    assert of_shards(name, shards_of(rows, 4)) == of_shards(name, shards_of(rows, 1))


def test_findings_can_be_acted_on() -> None:
    found = [finding for name in DETECTORS for finding in whole(name, batch_of(faulty(ROWS)))]
    assert {f.detector for f in found} >= {
        "served_model",
        "empty_answers",
        "errors",
        "scores_disagree",
        "costs",
        "token_counts",
    }
    for finding in found:
        assert finding.detector in DETECTORS
        assert 0 < finding.count <= finding.total
        assert finding.severity in SEVERITIES
        assert finding.places
        assert 0 < len(finding.examples) <= EXAMPLES
        assert finding.title
        assert finding.what.endswith(".")
        assert finding.remedy[0].isupper()
        assert not finding.remedy.endswith(".")
        assert Finding.from_dict(finding.to_dict()) == finding


def test_every_column_that_is_asked_for_is_asked_for_once() -> None:
    assert len(COLUMNS) == len(set(COLUMNS))
    assert set(KEY) <= set(COLUMNS)
