"""The manifest of a release: its contents, its source, the digest of every file, and whether the files are as it says."""

from llmfusionbench.manifest.files import (
    Difference,
    changed,
    disagreements,
    footer_difference,
    footer_of,
    missing,
    opening_difference,
    structure_difference,
    table_of,
)
from llmfusionbench.manifest.reading import (
    MANIFEST,
    MAX_BYTES,
    dump_manifest,
    examine,
    faults_of,
    is_inside,
    odd_value,
    parsed,
    read_manifest,
)

__all__ = [
    "MANIFEST", "MAX_BYTES", "Difference", "changed", "disagreements", "dump_manifest", "examine", "faults_of",
    "footer_difference", "footer_of", "is_inside", "missing", "odd_value", "opening_difference", "parsed", "read_manifest",
    "structure_difference", "table_of",
]  # fmt: skip
