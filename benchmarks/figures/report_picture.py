"""Makes docs/report.png, the picture in README.md: a screenshot of the report of the embedded (simulated) sample.

    python benchmarks/figures/report_picture.py

Needs playwright and a Chromium on the PATH. The page is the one that `llmfusionbench evaluate` writes. Most of its parts are
hidden, so that the picture fits one screen; the banner that says SIMULATED is not.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import llmfusionbench as lfb
from llmfusionbench.baselines import ROUTERS

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "report.png"
HIDDEN = ("header dl", ".warnings", "nav", "footer", "details", ".left-out", "main > section:not(#plane)")
"""Everything but the banner, the title, the verdict and the chart of cost and performance."""
WIDTH = 1100
MOST_BYTES = 150_000


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no Chromium on the PATH. Remedy: install chromium")
    routers = {name: ROUTERS[name]() for name in ("knn", "per_task")}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lfb.evaluate(routers, lfb.open_release("sample"), scenario="balance").write(folder)
        # Chromium refuses to start its own sandbox as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": WIDTH, "height": 800}, color_scheme="light")
        page.goto((Path(folder) / "report.html").as_uri())
        for hidden in HIDDEN:
            page.locator(hidden).evaluate_all("found => found.forEach(one => one.style.display = 'none')")
        # Cut below the chart: the page has a wide margin there.
        end = page.locator("#plane .chart svg").bounding_box()
        assert end is not None
        page.screenshot(
            path=PICTURE, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": end["y"] + end["height"] + 12}
        )
        browser.close()
    size = PICTURE.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{PICTURE}: {size:,} bytes, expected at most {MOST_BYTES:,}. Remedy: make WIDTH smaller")


if __name__ == "__main__":
    main()
