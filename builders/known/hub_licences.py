"""The identifiers of licences that the Hub knows (huggingface.co/docs/hub/repositories-licenses)."""

from __future__ import annotations

from typing import Final

# fmt: off
_SPDX: Final = (
    "Apache-2.0", "MIT", "AFL-3.0", "Artistic-2.0", "BSL-1.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear",
    "CC0-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-NC-2.0",
    "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0",
    "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CDLA-Sharing-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "WTFPL",
    "ECL-2.0", "EPL-1.0", "EPL-2.0", "etalab-2.0", "EUPL-1.1", "ISC", "LPPL-1.3c", "MS-PL", "MPL-2.0", "OSL-3.0",
    "PostgreSQL", "OFL-1.1", "NCSA", "Unlicense", "Zlib",
)
"""Those on the SPDX list, as SPDX writes them."""
_OTHERS: Final = (
    "openrail", "bigscience-openrail-m", "creativeml-openrail-m", "bigscience-bloom-rail-1.0", "bigcode-openrail-m", "bsd",
    "c-uda", "cc", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "odc-by", "odbl",
    "openrail++", "pddl", "lgpl-lr", "deepfloyd-if-license", "llama2", "gemma", "unknown", "other",
)
"""Families of licences, and licences that SPDX lacks or names in another way."""
# fmt: on

HUB_LICENCES: Final[dict[str, str | None]] = {**{name.lower(): name for name in _SPDX}, **dict.fromkeys(_OTHERS)}
"""The Hub's identifier -> that of SPDX, None if there is none."""
