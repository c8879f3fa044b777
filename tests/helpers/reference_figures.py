"""Figures of irrCAC and ppi-python, run in an environment of their own: `reference_figures.py FOLDER`.

It reads cases.json of the folder, and writes found.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# irrCAC admits only a coverage that numba, which ppi-python needs, cannot use; numba does without one.
sys.modules["coverage"] = None  # type: ignore[assignment]

from irrCAC.raw import CAC  # noqa: E402
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate  # noqa: E402


def gwet(case: dict[str, Any]) -> float:
    table = pd.DataFrame(case["scores"], dtype=float)
    found = CAC(table, weights=case["weights"], categories=case["values"], digits=12).gwet()
    return float(found["est"]["coefficient_value"])


def prediction_powered(case: dict[str, Any]) -> dict[str, Any]:
    y, f, rest = (np.array(case[name], float) for name in ("label", "prediction", "unlabelled"))
    point = float(np.squeeze(ppi_mean_pointestimate(y, f, rest, lam=case["weight"])))
    low, high = ppi_mean_ci(y, f, rest, alpha=0.05, lam=case["weight"])
    return {"value": point, "low": float(np.squeeze(low)), "high": float(np.squeeze(high))}


def main(folder: Path) -> None:
    cases = json.loads((folder / "cases.json").read_text())
    found = {
        "gwet": [gwet(case) for case in cases["gwet"]],
        "ppi": [prediction_powered(case) for case in cases["ppi"]],
    }
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
