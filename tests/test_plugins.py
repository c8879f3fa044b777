"""Plug-ins of other packages, installed for real: a package on the path with its metadata and entry points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench import plugins
from llmfusionbench.baselines import ROUTERS
from llmfusionbench.baselines.exporters import export_sft
from llmfusionbench.baselines.exporters.routing import export_routing
from llmfusionbench.builders import build
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.small_tables import random_table

CODE = '''
from pathlib import Path
import numpy as np
from llmfusionbench.baselines.exporters.corpora.formats.format import Format
from llmfusionbench.builders.records import Records, record_table

class First:
    """Always the first candidate."""
    def fit(self, table):
        self.width_ = len(table.candidates)
        return self
    def score(self, prompts, tasks):
        return np.tile(np.arange(self.width_, 0, -1.0), (len(prompts), 1))

class Lines:
    """One question and answer per line."""
    def __init__(self, *, llm="someone"):
        self.llm = llm
    def read(self, paths):
        for path in paths:
            rows = [line.split("|") for line in Path(path).read_text().splitlines()]
            yield Records(record_table([
                {"file": path.name, "row": i, "task": "sums", "prompt": q, "response": a, "llm": self.llm, "split": "train",
                 "metric": "em"}
                for i, (q, a) in enumerate(rows)
            ]))

class Names:
    reader = None
    holds, missing, lost = "candidates", "nothing", "everything else"
    def write(self, selection, folder):
        (folder / "names.txt").write_text("\\n".join(selection.candidates))
        return {"names.txt": len(selection.candidates)}

shout = Format("shout", "sft", (), lambda samples: {"text": samples["response"]})
nothing = object()
'''
ENTRIES = """
[llmfusionbench.routers]
first = brought:First
knn = brought:First
lost = brought:Missing
empty = brought:nothing

[llmfusionbench.sources]
lines = brought:Lines
broken = raises:Source

[llmfusionbench.formats]
names = brought:Names
shout = brought:shout
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with plug-ins that work and some that do not."""
    site = tmp_path / "site"
    about = site / "brought-2.1.dist-info"
    about.mkdir(parents=True)
    (site / "brought.py").write_text(CODE)
    (site / "raises.py").write_text("raise RuntimeError('no licence\\nkey')")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 2.1\n")
    (about / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(site)
    return tmp_path


def test_a_router_is_evaluated_by_name(installed: Path) -> None:
    report = lfb.evaluate("first", random_table(40), protocol="kfold", baselines=(), resamples=20)
    assert set(report.summary["router"]) >= {"first"}


def test_a_source_builds_a_release_with_its_options(installed: Path) -> None:
    (installed / "in.txt").write_text("1+1?|2\n1+2?|3\n")
    command = ["build", "lines", str(installed / "in.txt"), "--out", str(installed / "out"), "--option", "llm=other"]
    assert run(command) == 0
    rows = lfb.open_release(installed / "out").table("responses").to_table().to_pylist()
    assert sorted((row["llm"], row["response"]) for row in rows) == [("other", "2"), ("other", "3")]
    with pytest.raises(UnknownNameError, match="option of lines"):
        build("lines", [installed / "in.txt"], installed / "again", options={"lm": "x"})


def test_formats_of_both_kinds(installed: Path) -> None:
    export_routing("sample", installed / "routing", format="names")
    assert (installed / "routing" / "names.txt").read_text().splitlines() == lfb.open_release("sample").routing().candidates
    export_sft("sample", installed / "sft", format="shout", tasks=["gsm8k"], k=1)
    record = json.loads(next((installed / "sft").rglob("*0*.jsonl")).read_text().splitlines()[0])
    assert record["text"]
    with pytest.raises(InputError, match='"names" is not a format of sft'):
        export_sft("sample", installed / "no", format="names")
    with pytest.raises(InputError, match='"shout" is not a routing format'):
        export_routing("sample", installed / "no", format="shout")


def test_a_broken_plug_in_is_named_and_skipped(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins"]) == 0
    shown = capsys.readouterr().out
    for name in ("first", "lines", "names", "shout"):
        assert f" {name} " in shown
    assert 'Skipped routers plug-in "knn" of brought 2.1: the name knn is taken.' in shown
    assert 'Skipped routers plug-in "lost" of brought 2.1: brought:Missing cannot be imported (AttributeError' in shown
    assert 'Skipped routers plug-in "empty" of brought 2.1: brought:nothing has no method score or route' in shown
    assert "raises:Source cannot be imported (RuntimeError: no licence key)" in shown
    assert run(["plugins", "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {p["name"] for p in found if p["fault"]} == {"knn", "lost", "empty", "broken"}
    assert {p["package"] for p in found} == {"brought 2.1"}


def test_a_broken_plug_in_that_is_asked_for(installed: Path) -> None:
    (installed / "in.txt").write_text("1+1?|2\n")
    with pytest.raises(InputError, match=r'plug-in "broken" of brought 2\.1: raises:Source cannot .*Remedy: update'):
        build("broken", [installed / "in.txt"], installed / "out")
    assert not (installed / "out").exists()


def test_a_built_in_name_is_never_replaced(installed: Path) -> None:
    assert plugins.find("routers", "knn", ROUTERS, "router") is ROUTERS["knn"]


def test_an_unknown_name_lists_plug_ins_too(installed: Path) -> None:
    with pytest.raises(UnknownNameError, match=r'No router "frist"\. Did you mean "first"\? Known: .*first'):
        plugins.find("routers", "frist", ROUTERS, "router")


def test_none_installed(capsys: pytest.CaptureFixture[str]) -> None:
    if plugins.names("routers", ()) or plugins.names("sources", ()) or plugins.names("formats", ()):
        pytest.skip("this environment has plug-ins")
    assert run(["plugins"]) == 0
    assert capsys.readouterr().out == "No plug-ins are installed.\n"
