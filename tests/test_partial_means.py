"""Means that are printed with their numbers."""

from __future__ import annotations

import json

import pytest

from llmfusionbench.statistics import PartialMean, counted


def test_a_mean_of_all_values_is_a_plain_number() -> None:
    found = counted(0.5, 40, 40)
    assert type(found) is float
    assert f"{found:.3f}" == "0.500"


def test_a_mean_of_fewer_values_is_printed_with_their_number() -> None:
    found = counted(0.5, 1200, 4000)
    assert isinstance(found, PartialMean)
    assert f"{found:,.3f}" == "0.500 (n = 1,200)"
    assert f"{found:+.2f}" == "+0.50 (n = 1,200)"
    assert json.dumps(found) == "0.5"
    assert found == pytest.approx(0.5)


def test_a_missing_mean_has_no_number() -> None:
    assert counted(None, 0, 40) is None
