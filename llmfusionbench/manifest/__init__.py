"""The manifest of a release: its contents, its source, the digest of every file, and whether the files are as it says."""

from llmfusionbench.manifest.files import Difference, changed, disagreements, missing, opening_difference, structure_difference
from llmfusionbench.manifest.reading import MANIFEST, dump_manifest, examine, is_inside, read_manifest

__all__ = [
    "MANIFEST", "Difference", "changed", "disagreements", "dump_manifest", "examine", "is_inside", "missing",
    "opening_difference", "read_manifest", "structure_difference",
]  # fmt: skip
