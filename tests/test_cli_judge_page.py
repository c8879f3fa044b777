"""`judge --html`: the page replaces no input, and is refused before anything is asked; counts are in the singular, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.chat_server import serving
from tests.helpers.command import Command
from tests.helpers.judges import llms_file, sums_release
from tests.helpers.sample_part import bytes_of
from tests.helpers.tiny_release import write_tiny_release

RUBRIC = "name: helpful\ninstructions: Score it.\n"
JUDGE = ["r", "--judge", "owl", "--llms", "llms.yaml", "--rubric", "helpful.yaml", "--out", "o", "--workers", "1"]


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("r/manifest.json", "is an input, or lies in one (r)"),
        ("r/page.html", "is an input, or lies in one (r)"),
        ("llms.yaml", "is an input, or lies in one (llms.yaml)"),
        ("helpful.yaml", "is an input, or lies in one (helpful.yaml)"),
        ("link.html", "is an input, or lies in one (llms.yaml)"),
        ("o", "is in the way of o, which is written whole"),
        ("o/page.html", "is in the way of o, which is written whole"),
        ("o.run/journal.jsonl", "is in the way of o.run, which is written whole"),
        ("absent/page.html", "absent is not a directory to write to. Remedy: make it, or choose another --html"),
        ("notes.txt/page.html", "notes.txt is not a directory to write to"),
        ("folder", "exists and is not a file. Remedy: choose another --html"),
    ],
)
def test_a_page_replaces_no_input(html: str, words: str, place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    (place / "helpful.yaml").write_text(RUBRIC)
    (place / "notes.txt").write_text("mine")
    (place / "folder").mkdir()
    with serving(lambda *_: "<score>1</score>") as server:
        llms_file(place, server, "owl")
        (place / "link.html").symlink_to("llms.yaml")
        before = bytes_of(place)
        status, _, err = lfb("judge", *JUDGE, "--html", html, "--overwrite")
        assert (status, server.requests, bytes_of(place)) == (1, [], before)
    assert f"error: {html}: {words}" in err


def test_a_report_alone_replaces_no_input(place: Path, lfb: Command) -> None:
    write_tiny_release(place / "r")
    (place / "llms.yaml").write_text("llms: []\n")
    before = bytes_of(place)
    for more in (["--html", "r/manifest.json"], ["--html", "llms.yaml", "--llms", "llms.yaml"]):
        status, _, err = lfb("judge", "r", "--report", "--overwrite", *more)
        assert (status, bytes_of(place)) == (1, before)
        assert "is an input, or lies in one" in err


def test_a_page_that_is_there_is_replaced_with_overwrite_alone(place: Path, lfb: Command) -> None:
    write_tiny_release(place / "r")
    (place / "page.html").write_text("<!doctype html>mine")
    status, _, err = lfb("judge", "r", "--report", "--html", "page.html")
    assert (status, (place / "page.html").read_text()) == (1, "<!doctype html>mine")
    assert "page.html: is there already. Remedy: add --overwrite, or choose another --html" in err
    status, out, _ = lfb("judge", "r", "--report", "--html", "page.html", "--overwrite")
    assert (status, "Wrote page.html." in out) == (0, True)
    assert (place / "page.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("name", ["other/manifest.json", "llms.yaml"])
def test_a_page_replaces_no_file_of_another_kind(name: str, place: Path, lfb: Command) -> None:
    for release in ("r", "other"):
        write_tiny_release(place / release)
    (place / "llms.yaml").write_text("llms: []\n")
    before = bytes_of(place)
    status, _, err = lfb("judge", "r", "--report", "--html", name, "--overwrite")
    assert (status, bytes_of(place)) == (1, before)
    assert f"{name}: is there, and is not a page that could be replaced. Remedy: choose another --html" in err


@pytest.mark.parametrize("more", [["--json"], ["--html", "page.html"]])
def test_a_dry_run_has_no_report(more: list[str], place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    with serving(lambda *_: "<score>1</score>") as server:
        file = llms_file(place, server, "owl")
        status, _, err = lfb("judge", "r", "--judge", "owl", "--llms", file, "--dry-run", *more)
        assert (status, server.requests) == (2, [])
    assert f"{more[0]} needs" in err
    assert not (place / "page.html").exists()


def test_one_of_each_is_in_the_singular(place: Path, lfb: Command) -> None:
    log = "prompt,split,task,llm,response,status,metric,ground_truth\n"
    log += "1+1?,train,t,ant,2,ok,em,2\n1+1?,train,t,bee,,error,em,2\n2+2?,train,t,ant,4,ok,em,4\n"
    write_tiny_release(place / "r", log)
    with serving(lambda body, _: (400, b"{}") if "2+2?" in str(body) else "<score>1</score>") as server:
        file = llms_file(place, server, "owl")
        status, out, _ = lfb("judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--workers", 1)
        assert status == 0
        assert "2 of 2 answers that can be judged; 0 judgements are there already.\n" in out
        assert "Skipped 1 answer: no text (failed, empty, or not in the log).\n" in out
        assert "1 question has no reply; judging the new release again asks it.\n" in out
        _, out, _ = lfb("judge", "o", "--judge", "owl", "--llms", file, "--dry-run")
    assert "2 of 2 answers that can be judged; 1 judgement is there already.\n" in out
