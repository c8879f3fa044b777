"""One mutated log of Inspect, or run folder of HELM, and the command line that reads it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fuzz.mutations import damaged, json_text, mutated, packed
from tests.fuzz.run_records import HELM_REQUESTS, HELM_SPEC, HELM_STATS, INSPECT_HEADER, INSPECT_SAMPLES

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_INSPECT_OPTIONS: Final = ("prompt=input", "scorer=choice.b", "scorer=model_graded_qa", "words=GOOD:1", "split=dev")
_HELM_OPTIONS: Final = ("prompt=instance", "metric=exact_match", "perturbed=keep")


def case(rng: Random, folder: Path) -> list[str]:
    """Write a mutated input into `folder`; the arguments of the command that reads it."""
    source, files, options = _inspect(rng) if rng.random() < 0.5 else _helm(rng)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(packed(rng, damaged(rng, data) if rng.random() < 0.1 else data))
    more = ["--option", rng.choice(options)] if rng.random() < 0.3 else []
    return ["build", source, *files, "--out", "out", "--workers", "1", *more]


def _bytes(rng: Random, value: Any) -> bytes:
    return json_text(value, rng).encode("utf-8", "surrogatepass")


def _inspect(rng: Random) -> tuple[str, dict[str, bytes], tuple[str, ...]]:
    header = mutated(rng, INSPECT_HEADER) if rng.random() < 0.4 else INSPECT_HEADER
    samples = [mutated(rng, rng.choice(INSPECT_SAMPLES)) for _ in range(rng.randrange(1, 5))]
    if rng.random() < 0.4:
        log = {**header, "samples": samples} if isinstance(header, dict) else header
        return "inspect", {"log.json": _bytes(rng, log)}, _INSPECT_OPTIONS
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w", rng.choice(_METHODS)) as archive:
        archive.writestr(rng.choice(("header.json", "header.json", "_journal/start.json", "other.json")), _bytes(rng, header))
        for i, sample in enumerate(samples):
            data = _bytes(rng, sample)
            name = rng.choice((f"{i}_epoch_1.json", f"../../{i}_epoch_1.json", f"{i}_epoch_1/sample.json"))
            archive.writestr(f"samples/{name}", damaged(rng, data) if rng.random() < 0.1 else data)
            archive.writestr(f"samples/{i}_epoch_1/messages/0.json", _bytes(rng, mutated(rng, INSPECT_SAMPLES[0]["messages"])))
    return "inspect", {"log.eval": blob.getvalue()}, _INSPECT_OPTIONS


def _helm(rng: Random) -> tuple[str, dict[str, bytes], tuple[str, ...]]:
    spec = mutated(rng, HELM_SPEC) if rng.random() < 0.3 else HELM_SPEC
    requests = [mutated(rng, rng.choice(HELM_REQUESTS)) for _ in range(rng.randrange(1, 5))]
    if rng.random() < 0.3:
        spec = {**HELM_SPEC, "adapter_spec": {**HELM_SPEC["adapter_spec"], "method": "multiple_choice_separate_calibrated"}}
        requests = [
            {**r, "output_mapping": None, "reference_index": k, "request_mode": mode} if isinstance(r, dict) else r
            for r in requests
            for k in range(3)
            for mode in ("original", "calibration")
        ]
    files = {
        "run/scenario_state.json": _bytes(rng, {"adapter_spec": {}, "request_states": requests}),
        "run/run_spec.json": _bytes(rng, spec),
        "run/per_instance_stats.json": _bytes(rng, [mutated(rng, row) for row in HELM_STATS]),
    }
    return "helm", {name: files[name] for name in rng.sample(list(files), rng.choice((1, 3, 3, 3)))}, _HELM_OPTIONS
