"""Writes the tables of options in docs/corpora.md from the settings of each corpus.

python benchmarks/figures/corpus_options.py
"""

from __future__ import annotations

import re
from pathlib import Path

from llmfusionbench.baselines.exporters.corpora.kto import KtoSettings
from llmfusionbench.baselines.exporters.corpora.option import options_of, options_table
from llmfusionbench.baselines.exporters.corpora.preference import PreferenceSettings
from llmfusionbench.baselines.exporters.corpora.sft import SftSettings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "corpora.md"
TABLES = {
    "sft": options_table(options_of(SftSettings, own=True)),
    "preference": options_table(options_of(PreferenceSettings, own=True)),
    "kto": options_table(options_of(KtoSettings, own=True)),
    "shared": options_table(options_of(SftSettings, own=False)),
}


def refreshed(page: str) -> str:
    """The page with the text between each pair of marks replaced by its table."""
    for name, table in TABLES.items():
        start, end = f"<!-- options: {name} -->\n", "<!-- end of options -->"
        found = re.search(f"{re.escape(start)}.*?{re.escape(end)}", page, re.DOTALL)
        if found is None:
            raise SystemExit(f"docs/corpora.md: no mark {start.strip()}. Remedy: put it back")
        page = page[: found.start()] + f"{start}{table}\n{end}" + page[found.end() :]
    return page


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
