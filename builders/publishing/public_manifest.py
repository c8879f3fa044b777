"""The manifest as it is published: without what is only of use, or only allowed, where the release was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmfusionbench.release.history import without_texts


def public_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest in which inputs have base names and no URLs, and in which no example of a change quotes a text.

    The names of inputs can hold folders, and so the names of users; URLs can hold those of private buckets. Appends of earlier
    versions kept texts that were replaced. The same manifest gives the same one, and so does one that was published before.
    """
    public = dict(manifest)
    if isinstance(source := public.get("source"), dict):
        public["source"] = _with_base_names(source)
    if isinstance(several := public.get("sources"), list):
        public["sources"] = [_with_base_names(source) if isinstance(source, dict) else source for source in several]
    if isinstance(history := public.get("history"), list):
        public["history"] = [_without_texts(step) if isinstance(step, dict) else step for step in history]
    return public


def _with_base_names(source: dict[str, Any]) -> dict[str, Any]:
    inputs = source.get("inputs")
    return source if not isinstance(inputs, list) else {**source, "inputs": [_named(entry) for entry in inputs]}


def _named(entry: Any) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return entry
    kept = {key: value for key, value in entry.items() if key != "url"}
    return {**kept, "name": entry["name"].replace("\\", "/").rpartition("/")[2]}


def _without_texts(step: dict[str, Any]) -> dict[str, Any]:
    shown = step.get("examples")
    if not isinstance(shown, list):
        return step
    return {**step, "examples": [without_texts(example) if isinstance(example, dict) else example for example in shown]}
