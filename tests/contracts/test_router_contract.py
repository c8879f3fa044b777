"""The contract of a router, held by every entry of ROUTERS."""

from __future__ import annotations

import inspect

import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines import ROUTERS

NEEDS_TORCH = {"bert", "graph", "routerdc"}
"""They take seconds each, and are checked in files of their own."""


@pytest.mark.parametrize("name", sorted(ROUTERS.keys() - NEEDS_TORCH))
def test_it_passes_the_conformance_suite(name: str) -> None:
    assert lfb.check_router(ROUTERS[name])


@pytest.mark.parametrize("name", ROUTERS)
def test_its_constructor_stores_arguments_that_have_defaults(name: str) -> None:
    made = ROUTERS[name]()
    for parameter in inspect.signature(ROUTERS[name]).parameters.values():
        assert parameter.kind is parameter.KEYWORD_ONLY
        stored = getattr(made, parameter.name)
        assert stored is parameter.default or stored == parameter.default


@pytest.mark.parametrize("name", ROUTERS)
def test_it_says_what_it_does(name: str) -> None:
    assert inspect.getdoc(ROUTERS[name])
    for parameter in inspect.signature(ROUTERS[name]).parameters:
        assert f"{parameter}:" in (inspect.getdoc(ROUTERS[name]) or ""), parameter
