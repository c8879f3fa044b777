"""A release at a URL as a whole: sizes that are wrong, cards that people wrote, and addresses in capitals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.errors import ReleaseError
from llmfusionbench.hub.remote import named
from tests.helpers.range_server import RangeServer
from tests.remote.conftest import TRAIN


def stated_size(web: RangeServer, size: int) -> None:
    manifest = json.loads(web.files["/data/manifest.json"])
    manifest["files"][TRAIN]["bytes"] = size
    web.files["/data/manifest.json"] = json.dumps(manifest).encode()


@pytest.mark.parametrize("size", [2**62, 10**9])
def test_an_absurd_size_takes_few_requests(size: int, web: RangeServer) -> None:
    true = len(web.files[f"/data/{TRAIN}"])
    stated_size(web, size)
    release = lfb.open_release(web.url)
    with pytest.raises(ReleaseError, match=rf"{TRAIN}: differs .* \({true:,} bytes, expected {size:,} bytes\)"):
        release.local()
    assert len([1 for path, *_ in web.log if path.endswith(TRAIN)]) == 1
    with pytest.raises(ReleaseError, match=rf"{TRAIN}: differs .* \(at most {size - 2**14:,} bytes, expected {size:,} bytes\)"):
        release.rows("responses")


def test_a_longer_file_is_refused(web: RangeServer) -> None:
    true = len(web.files[f"/data/{TRAIN}"])
    stated_size(web, true - 1)
    said = f"more than {true - 1:,} bytes, expected {true - 1:,} bytes"
    with pytest.raises(ReleaseError, match=rf"{TRAIN}: differs .* \({said}\)"):
        lfb.open_release(web.url).local()


@pytest.mark.parametrize("text", [b"# Short\n", b"# Long\n" + b"edited " * 5_000])
def test_a_card_that_people_wrote_comes_whole(text: bytes, web: RangeServer) -> None:
    web.files["/data/README.md"] = text
    place = lfb.open_release(web.url).local().path
    assert isinstance(place, Path)
    assert (place / "README.md").read_bytes() == text


def test_a_card_without_end(web: RangeServer) -> None:
    web.files["/data/README.md"] = bytes(16 * 2**20 + 1)
    with pytest.raises(ReleaseError, match=r"README.md: more than 16,777,216 bytes\. Remedy: shorten the card"):
        lfb.open_release(web.url).local()


def test_the_kind_of_an_address_may_be_in_capitals(web: RangeServer) -> None:
    assert lfb.open_release(web.url.replace("http://", "HTTP://")).manifest == lfb.open_release(web.url).manifest
    assert named("HF://datasets/org/name@v1") == ("org/name", "v1", "")
    with pytest.raises(ReleaseError, match=r"^memory://nothing/manifest.json: no such file"):
        lfb.open_release("MEMORY://nothing")
