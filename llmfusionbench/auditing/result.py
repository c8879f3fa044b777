"""The result of an audit as plain data, a table, and files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pandas as pd

from llmfusionbench.auditing.finding import Finding
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import redacted_data
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.kinds import DirectoryKind, read_marker
from llmfusionbench.validation.document import check_document

AUDIT_VERSION: Final = "1.0"
FILES: Final = ("audit.json", "audit.html")
_PLACES: Final = 3
"""Number of places that a line names."""


class Audit:
    """What an audit found. `data` is the content of audit.json, without secrets; InputError if it violates its schema."""

    def __init__(self, data: dict[str, Any]) -> None:
        data = redacted_data(data)
        check_audit(data)
        self.data = data

    def __repr__(self) -> str:
        mark = ", SIMULATED" if self.simulated else ""
        return f"Audit({len(self.findings)} findings in {self.data['rows']['responses']:,} answers{mark})"

    @cached_property
    def findings(self) -> list[Finding]:
        """The findings, by severity and then by the share of rows that they concern, the worst first."""
        return [Finding.from_dict(finding) for finding in self.data["findings"]]

    @property
    def simulated(self) -> bool:
        """Whether any of the answers is simulated."""
        return "simulated" in self.data["release"]["provenance"]

    @property
    def summary(self) -> pd.DataFrame:
        """One row per finding, the worst first: detector, severity, title, count, total, share, where, what, remedy."""
        columns = ["detector", "severity", "title", "count", "total", "share", "where", "what", "remedy"]
        rows = [[f.detector, f.severity, f.title, f.count, f.total, f.share, where(f), f.what, f.remedy] for f in self.findings]
        return pd.DataFrame(rows, columns=columns)

    @property
    def title(self) -> str:
        """The title of the table."""
        rows, mark = self.data["rows"], " (SIMULATED)" if self.simulated else ""
        findings = "1 finding" if len(self.findings) == 1 else f"{len(self.findings)} findings"
        return (
            f"{findings} in {rows['responses']:,} answers of {rows['llms']:,} LLMs to {rows['queries']:,} queries, "
            f"{len(self.data['detectors'])} detectors{mark}"
        )

    def table_header(self) -> list[str]:
        """The columns of `table_rows`."""
        return ["severity", "finding", "rows", "of", "where", "what to do"]

    def table_rows(self) -> list[tuple[Any, ...]]:
        """The findings as rows of a table for a terminal."""
        return [(f.severity, f.title, f.count, f.total, where(f), f.remedy) for f in self.findings]

    def lines(self, count: int) -> list[str]:
        """The worst findings, up to `count`, in a line each."""
        return [
            f"{f.severity}: {f.title}: {f.count:,} of {f.total:,} ({f.share:.1%}), {where(f)}" for f in self.findings[:count]
        ]

    def to_json(self) -> str:
        """The audit as JSON: one value per line, the same bytes for the same release."""
        return json.dumps(self.data, indent=1, allow_nan=False) + "\n"

    def to_html(self) -> str:
        """The audit as one self-contained page."""
        from llmfusionbench.auditing.page import render

        return render(self.data)

    def write(self, out: str | Path, *, overwrite: bool = False) -> list[Path]:
        """Write the directory `out` atomically: audit.json and audit.html. Returns their paths.

        Raises:
            InputError: `out` cannot be written, or exists and is not an empty directory or an audit to overwrite.
        """
        with whole_directory(out, AUDIT, overwrite=overwrite) as folder:
            self.write_files(folder)
        return [Path(out) / name for name in FILES]

    def write_files(self, folder: Path) -> None:
        """Write the files of `write` into a directory."""
        for name, text in zip(FILES, (self.to_json(), self.to_html()), strict=True):
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")

    @classmethod
    def read(cls, path: str | Path) -> Audit:
        """An audit from its audit.json, or from the directory of it. Raises InputError if it cannot be read."""
        place = Path(path)
        place = place / FILES[0] if place.is_dir() else place
        try:
            data = read_marker(place)
        except ValueError as error:
            raise InputError(f"{place}: cannot be read as an audit ({error}). Remedy: name an {FILES[0]}") from error
        return cls(data)


def where(finding: Finding) -> str:
    """The most affected places of the first kind, and the number of others."""
    places = [place for place in finding.places if place.kind == finding.places[0].kind]
    named = [f"{place.name} {place.count:,} of {place.total:,}" for place in places[:_PLACES]]
    more = [f"and {len(places) - _PLACES} more"] if len(places) > _PLACES else []
    return "; ".join([*named, *more]) or "everywhere"


def check_audit(data: Any) -> None:
    """Check plain data against audit_schema.json. Raises InputError that names every violation."""
    schema = json.loads(resources.files("llmfusionbench.auditing").joinpath("audit_schema.json").read_text(encoding="utf-8"))
    check_document("audit", data, schema)


def _contents(place: Path) -> Sequence[str]:
    try:
        check_audit(read_marker(place / FILES[0]))
    except InputError as error:
        raise ValueError(f"its {FILES[0]} is not one of ours: {error}") from error
    return FILES


AUDIT: Final = DirectoryKind("report of an audit", _contents)
