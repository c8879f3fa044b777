"""The page of the report on judges: whole, in the style of the other pages, and safe against hostile names."""

from __future__ import annotations

import base64
import errno
import hashlib
import shutil
from pathlib import Path

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.judges import JudgeReport, judge_report
from llmfusionbench.evaluation.report.page import asset
from llmfusionbench.redaction import keep_secret
from llmfusionbench.release import Release
from tests.helpers.judged_release import exact, judged_release, noisy
from tests.helpers.page import Page

HOSTILE = '</script><script>pwned()</script><img src=x onerror="pwned()">\u202egnp.exe &amp; {{footer}}'
SECRET = "sk-abcdefghijklmnopqrstuvwx"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> JudgeReport:
    """Judges and an LLM with names that are markup."""
    judges = {HOSTILE: exact, HOSTILE * 20: noisy, "plain": noisy}
    skills = {HOSTILE: 0.4, "beta-8b": 0.6}
    return judge_report(judged_release(tmp_path_factory.mktemp("hostile"), judges, queries=120, skills=skills))


def test_hostile_names_stay_texts(report: JudgeReport) -> None:
    html = report.to_html()
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 2
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert "onerror" not in {key for _, attributes in page.tags for key in attributes}
    assert "\u202e" not in html
    assert "{{footer}}" in html.replace("&lt;", "<").partition("<main")[2], "a text is not a part of the template"


def test_the_page_has_every_part(report: JudgeReport) -> None:
    words = " ".join(" ".join(Page(report.to_html()).words).split())
    for part in ("Agreement", "Krippendorff's alpha", "Chance and biases", "Against the metrics of the tasks", "Calibration:"):
        assert part in words
    assert "If it were right: plain" in words
    assert "hidden on purpose from the others" in words
    assert "no answer was judged twice" in words


def test_the_style_and_the_policy_are_those_of_the_report(report: JudgeReport) -> None:
    page = Page(report.to_html())
    assert page.raw["style"] == [asset("page.css")]
    [policy] = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    for text, rule in ((page.raw["script"][1], "script-src"), (page.raw["style"][0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in (policy or "")
    for _, attributes in page.tags:
        assert not {"src", "style", "action"} & attributes.keys()


def test_no_secret_is_shown(tmp_path: Path) -> None:
    keep_secret(SECRET)
    skills = {f"llm {SECRET}": 0.4, "beta-8b": 0.6}
    report = judge_report(judged_release(tmp_path, {f"judge {SECRET}": exact}, queries=60, skills=skills))
    for text in (report.to_html(), report.to_json(), "\n".join(report.lines())):
        assert SECRET not in text
        assert "judge " in text


def test_the_page_is_written(report: JudgeReport, tmp_path: Path) -> None:
    html = report.to_html(tmp_path / "judges.html")
    assert (tmp_path / "judges.html").read_text(encoding="utf-8") == html
    with pytest.raises(InputError, match="cannot be written"):
        report.to_html(tmp_path / "none" / "judges.html")


def test_a_full_disk_leaves_the_old_page(report: JudgeReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "judges.html"
    page.write_text("old", encoding="utf-8")

    def full(path: Path, *_: object, **__: object) -> int:
        path.write_bytes(b"<!DOCTYPE")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match=r"judges\.html: cannot be written \(No space left on device\)"):
        report.to_html(page)
    assert page.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [page]


def test_the_title_names_the_release_and_the_data_do_not(tmp_path: Path) -> None:
    keep_secret(SECRET)
    made = judged_release(tmp_path, {"plain": exact}, queries=30)
    places = [Path(shutil.copytree(made.directory, tmp_path / name)) for name in ("one", f"two {SECRET}")]
    first, second = (judge_report(Release(place)) for place in places)
    assert "<title>Report on the judges of one" in first.to_html()
    assert SECRET not in second.to_html()
    assert first.to_json() == second.to_json()
