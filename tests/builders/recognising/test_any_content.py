"""Whatever a file holds, it is recognised or one clear error, and its proposed mapping is YAML that says nothing else."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.builders.reading.mapping import COLUMNS
from llmfusionbench.builders.recognising import recognise
from llmfusionbench.builders.recognising.head import read_head
from llmfusionbench.builders.recognising.mapping_file import mapping_text
from llmfusionbench.builders.recognising.names import NAMES
from llmfusionbench.builders.recognising.proposal import propose
from tests.builders.recognising.test_signatures import OBJECTS, RECORDS, TABLES

KEYS = st.one_of(
    st.sampled_from(sorted(NAMES)), st.sampled_from(["id", "model", "answer", "choices", "usage", "data", "0"]), st.text()
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
SECTIONS = {"map", "values", "where", "wide", "llms"}


def looked_at(data: bytes, name: str) -> None:
    """Look at a file in all ways: no error but ours may come out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        found = recognise([path])
        assert (found.source is None) == (found.problem is not None)
        assert found.problem is None or str(path) in found.problem
        head = read_head(path, rows=True)
        if not head.is_table:
            return
        proposal = propose(head)
        read = yaml.safe_load(mapping_text(proposal, path, len(head.records)))
        assert read.keys() <= SECTIONS
        assert {*read["map"]} == {line.ours for line in proposal.sure} <= {*COLUMNS}
        assert {ours: theirs or "" for ours, theirs in read["map"].items()} == {x.ours: x.theirs for x in proposal.sure}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=6), min_size=1, max_size=4))
def test_any_records(records: list[dict[str, object]]) -> None:
    looked_at("".join(json.dumps(record) + "\n" for record in records).encode(), "log.jsonl")
    assert records


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from(["a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.eval", "a.npz", "a.gz"])
)
def test_any_bytes(data: bytes, name: str) -> None:
    looked_at(data, name)
    assert name


def test_mutated_logs() -> None:
    rng = random.Random(7)
    samples = [json.dumps([record] * 3).encode() for _, record in RECORDS.values()]
    samples += [json.dumps(value).encode() for value in OBJECTS.values()] + [text.encode() for text in TABLES.values()]
    for sample in samples:
        for _ in range(12):
            data = bytearray(sample)
            for _ in range(rng.randint(1, 6)):
                place = rng.randrange(len(data))
                data[place : place + rng.randint(0, 9)] = bytes(rng.randrange(256) for _ in range(rng.randint(0, 3)))
            looked_at(bytes(data), rng.choice(["log.json", "log.csv", "log"]))
    assert samples
