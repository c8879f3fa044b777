"""The manifest of a release: its contents, its source, the digest of every file, and whether the files are as it says."""

from llmfusionbench.manifest.files import Difference, changed, disagreements, missing, opening_difference, structure_difference
from llmfusionbench.manifest.reading import (
    MANIFEST,
    dump_manifest,
    examine,
    faults_of,
    is_inside,
    odd_value,
    read_manifest,
)

__all__ = [
    "MANIFEST", "Difference", "changed", "disagreements", "dump_manifest", "examine", "faults_of", "is_inside",
    "missing", "odd_value", "opening_difference", "read_manifest", "structure_difference",
]  # fmt: skip
