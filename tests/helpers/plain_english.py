"""The lint step for plain English: words and patterns that a reader has to read twice.

`python tests/helpers/plain_english.py [FILE...]` reads the strings, docstrings and comments of the code, and the Markdown
pages. A line that ends in `plain: ignore` is exempt.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("llmfusionbench", "builders", "baselines", "benchmarks", "schemas")
PAGES = ("README.md", "CONTRIBUTING.md", "CARD.md", "CHANGELOG.md", "docs/*.md", "schemas/*.md")

_NOUNS = "row|column|line|file|query|shard|task|candidate|core|llm|router|prompt|record|template|batch|reply|request|split"
_THINGS = "release|number|directory|file|text|array|embedder|embedding|answer|object|list|name|JSON|record|router|filter"

PLAIN = {
    r"anew": "again",
    r"mends?|mended|mending": "fix",
    r"(?:be|been|is|are|was) had": "be available",
    r"(?:no|are|its|their) likes": "duplicates",
    r"reckon(?:s|ed|ing)?": "count, or assume",
    r"(?:no|some)body(?:'s|\b(?! else's))": "no one, a user, another project",
    r"no telling": "cannot tell",
    r"amiss": "wrong",
    r"ever so often": "name the period",
    r"who(?:so)?ever": "anyone who",
    r"taken up (?:again|from)": "resumed",
    r"for want of": "without, or because there is no",
    r"so many|so much(?! as)": "the number: at least N, up to N",
    r"(?:told|tell) (?:how|what|of)": "Called with ..., reported",
    r"is told": "is called with, receives",
    r"says? so": "states it",
    rf"(?:is|are) no (?:{_THINGS})": "is not a",
    r"nothing is|which nothing": "name what is missing",
    rf"(?:one|times|calls?|answers?|queries|{_NOUNS}) a (?:queries|second|{_NOUNS})": "per",
    r"Remedy: (?:another|choose such|one each|the same|none)\b": "a remedy is a verb with an object",
    r"\"\"\"(?:Of|By how) ": "name the thing",
    r"therein|thereof|thereby|herein|whereof|whence|henceforth|lest": "plain words",
}
"""Pattern (case is ignored) -> what to write instead."""

_ANY = re.compile("|".join(rf"(?P<p{i}>(?<![\w-])(?:{pattern})(?![\w-]))" for i, pattern in enumerate(PLAIN)), re.IGNORECASE)
_SIMULATED = re.compile(r"builders/simulation/(?:phrases|words|facts|tasks/|codereplies|forms|replies|templates)")
"""Made-up texts of the simulator: they imitate other writers."""


def faults(line: str) -> Iterator[tuple[str, str]]:
    """(what is found, what to write instead) in one line of text."""
    for match in _ANY.finditer(line):
        yield match[0], list(PLAIN.values())[int((match.lastgroup or "p0")[1:])]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of everything in a file that a person reads."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        code = False
        for number, line in enumerate(source.splitlines(), 1):
            code ^= line.lstrip().startswith("```")
            if not code:
                yield number, line
        return
    prose = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in prose:
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line


def main(arguments: list[str]) -> int:
    pages = [path for pattern in PAGES for path in PROJECT.glob(pattern)]
    code = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py")]
    found = 0
    for path in [Path(a).resolve() for a in arguments] or sorted(pages + code):
        where = path.relative_to(PROJECT).as_posix()
        if _SIMULATED.match(where):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, text in texts(path):
            for what, instead in faults(text):
                if not lines[number - 1].rstrip().endswith("plain: ignore"):
                    print(f"{where}:{number}: {what!r}. Write: {instead}")
                    found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
