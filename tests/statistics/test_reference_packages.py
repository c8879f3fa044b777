"""Gwet's AC2 against irrCAC, and prediction-powered means against ppi-python, in an environment of their own.

Both want numpy below 2. The environment is found by LLMFUSIONBENCH_REFERENCE_FIGURES (its Python), or made once under build/.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from llmfusionbench.statistics import Sample, smooth
from llmfusionbench.statistics.gwet import Weighting, ac2_draws
from llmfusionbench.statistics.prediction_powered import prediction_powered_mean
from llmfusionbench.statistics.resamples import Resamples
from tests.helpers.environments import UNBOUND, InstallationError, install

PROJECT = Path(__file__).parents[2]
NEEDS = ("irrCAC==0.4.4", "ppi-python==0.2.3", "numpy<2")
WEIGHTINGS: tuple[Weighting, ...] = ("identity", "linear", "quadratic")
WEIGHTS = (None, 0.0, 0.4, 1.0)
SIZES = ((30, 100), (200, 50), (300, 3_000))
CLEAN = {name: value for name, value in os.environ.items() if name not in UNBOUND}


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment that has both packages; skips the tests, with the reason, where it cannot be made."""
    if given := os.environ.get("LLMFUSIONBENCH_REFERENCE_FIGURES"):
        return Path(given)
    home = PROJECT / "build" / f"reference_figures-py{sys.version_info.major}.{sys.version_info.minor}"
    python, stamp = home / "bin" / "python", home / ".installed"
    home.parent.mkdir(exist_ok=True)
    with FileLock(f"{home}.lock"):
        if not stamp.is_file():
            command = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(home)]
            made = subprocess.run(command, env=CLEAN, capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"no environment for irrCAC and ppi-python: {made.stderr.strip() or made.stdout.strip()}")
            try:
                install(python, *NEEDS)
            except InstallationError as error:
                pytest.skip(f"irrCAC and ppi-python could not be installed: {error}")
            stamp.touch()
    return python


def rated() -> list[dict[str, Any]]:
    """Scores of two to four judges in tenths or halves, some missing, by every kind of weights."""
    made = []
    for judges in (2, 3, 4):
        for values in (np.linspace(0, 1, 11).round(1), np.array([0.0, 0.5, 1.0])):
            for weights in WEIGHTINGS:
                rng = np.random.default_rng(judges * 10 + len(values))
                truth = rng.integers(0, len(values), (80, 1))
                codes = np.clip(truth + rng.integers(-1, 2, (80, judges)), 0, len(values) - 1)
                codes[rng.random(codes.shape) < 0.15] = -1
                codes = codes[(codes >= 0).any(axis=1)]
                scores = [[None if code < 0 else float(values[code]) for code in row] for row in codes]
                made.append({"scores": scores, "codes": codes.tolist(), "values": values.tolist(), "weights": weights})
    return made


def predicted() -> list[dict[str, Any]]:
    """Labels, predictions with noise, and weights fixed or tuned."""
    made = []
    for n, rest in SIZES:
        for weight in WEIGHTS:
            rng = np.random.default_rng(n)
            truth = (rng.random(n + rest) < 0.6).astype(float)
            score = np.clip(0.3 + 0.5 * truth + rng.normal(0, 0.25, n + rest), 0, 1)
            label, prediction, unlabelled = truth[:n].tolist(), score[:n].tolist(), score[n:].tolist()
            made.append({"label": label, "prediction": prediction, "unlabelled": unlabelled, "weight": weight})
    return made


@pytest.fixture(scope="module")
def found(python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the two packages say about all cases."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "cases.json").write_text(json.dumps({"gwet": rated(), "ppi": predicted()}))
    script = PROJECT / "tests" / "helpers" / "reference_figures.py"
    done = subprocess.run([str(python), str(script), str(folder)], env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    read: dict[str, list[Any]] = json.loads((folder / "found.json").read_text())
    return read


def test_ac2_is_that_of_irrcac(found: dict[str, list[Any]]) -> None:
    cases = rated()
    assert len(found["gwet"]) == len(cases) == 18
    for case, expected in zip(cases, found["gwet"], strict=True):
        codes = np.array(case["codes"])
        resamples = Resamples(len(codes), draws=1)
        own = ac2_draws(codes, case["values"], np.arange(len(codes)), resamples, weighting=case["weights"])[0]
        assert own == pytest.approx(expected, abs=1e-9), case["weights"]


def test_corrected_means_are_those_of_ppi_python(found: dict[str, list[Any]]) -> None:
    """The same values. Intervals differ by Student's quantile and divisors of n - 1, which the package does not take.

    With a fixed weight that is not the tuned one, the package adds the two variances where we add the influences of the same
    rows, so the widths agree up to chance.
    """
    cases = predicted()
    assert len(found["ppi"]) == len(cases) == 12
    for case, expected in zip(cases, found["ppi"], strict=True):
        label = np.array([*case["label"], *[np.nan] * len(case["unlabelled"])])
        prediction = np.array([*case["prediction"], *case["unlabelled"]])
        sample = Sample.of_numbers(np.arange(len(label)))
        own = prediction_powered_mean(label, prediction, sample, weight=case["weight"], most=1.0)
        assert own.corrected.value == pytest.approx(expected["value"], abs=1e-9), case["weight"]
        ends, n = smooth(own.corrected, own.labelled), own.labelled
        wide = (ends.high - ends.low) / (expected["high"] - expected["low"])
        assert wide == pytest.approx(1 + 1.1 / n, abs=0.03 + 1.0 / n), case["weight"]
