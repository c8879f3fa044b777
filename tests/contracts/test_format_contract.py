"""The contract of an export format, held by every entry of FORMATS (corpora) and ROUTING_FORMATS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters.corpora.formats import FORMATS, KEYS, TEXTS, Format
from llmfusionbench.baselines.exporters.routing import ROUTING_FORMATS, export_routing
from llmfusionbench.builders import SOURCES

CORPORA = {f"{kind}/{name}": form for kind, forms in FORMATS.items() for name, form in forms.items()}
ODD = "Zeile\r\n\u2028\u0000 <b>&amp;</b> \"quoted\", 'single' \\ \U0001f600"


def samples(form: Format) -> pa.Table:
    """Two samples whose every text occurs once."""
    names = TEXTS[form.kind]
    rows = [
        {name: f"{name} {i} {ODD}" for name in names} | {key: f"{key}{i}" for key in KEYS[form.kind]} | {"label": i == 0}
        for i in range(2)
    ]
    return pa.Table.from_pylist(rows if form.kind == "kto" else [{k: v for k, v in r.items() if k != "label"} for r in rows])


@pytest.mark.parametrize("name", CORPORA)
def test_a_record_holds_every_text_whole(name: str) -> None:
    form = CORPORA[name]
    given = samples(form)
    records = form.records(given).to_pylist()
    assert len(records) == len(given)
    for sample, record in zip(given.to_pylist(), records, strict=True):
        written = json.dumps(record, ensure_ascii=False)
        for text in TEXTS[form.kind]:
            assert json.dumps(sample[text], ensure_ascii=False)[1:-1] in written
        kept = {key: record.get(key) for key in KEYS[form.kind]} == {key: sample[key] for key in KEYS[form.kind]}
        assert kept == form.keeps_keys


@pytest.mark.parametrize("name", CORPORA)
def test_a_null_text_is_refused(name: str) -> None:
    form = CORPORA[name]
    given = samples(form)
    first = TEXTS[form.kind][0]
    nulls = given.set_column(given.column_names.index(first), first, pa.array([None, "x"], pa.string()))
    with pytest.raises(ValueError, match=f"{first} is null in 1 rows"):
        form.records(nulls)


@pytest.mark.parametrize("name", ROUTING_FORMATS)
def test_a_routing_export_says_what_it_holds(tmp_path: Path, name: str) -> None:
    extra: dict[str, Any] = {"threshold": 0.5} if name in ("embedllm", "routellm") else {}
    extra |= {"candidates": lfb.open_release("sample").routing().candidates[:2]} if name.startswith("routellm") else {}
    extra |= {"router": "random"} if name == "routerarena" else {}
    export = export_routing("sample", tmp_path / "out", format=name, split="partial_test", **extra)
    assert export.files
    assert all((export.path / file).stat().st_size for file in export.files)
    made = ROUTING_FORMATS[name]()
    assert made.reader is None or made.reader in SOURCES
    page = (export.path / "README.md").read_text(encoding="utf-8")
    assert all(text and text in page for text in (made.holds, made.missing, made.lost))
    assert "SIMULATED" in page
