"""What inputs are taken for: the source whose signatures their files fit best, if all agree on one.

Every file is matched against every signature by its head. A file of answers decides; a companion, such as a file of questions,
belongs to the source of its siblings. What cannot be settled becomes one error with the nearest sources.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.file_names import files_in, labels, stem
from llmfusionbench.builders.recognising.head import Head, read_head
from llmfusionbench.builders.recognising.proposal import propose
from llmfusionbench.builders.recognising.signature import Match, match
from llmfusionbench.builders.recognising.signatures import SIGNATURES
from llmfusionbench.builders.recognising.walk import Named, walk
from llmfusionbench.builders.sources import SOURCES
from llmfusionbench.errors import InputError
from llmfusionbench.validation.issue import shorten

AUTO: Final = "auto"
"""In place of the name of a source: the one that the files are recognised as."""
CLOSE: Final = 0.1
"""Two sources are too close to choose between if their scores for a file differ by less."""
NEAREST: Final = 3
_SHOWN: Final = 8


@dataclass(frozen=True, eq=False)
class Seen:
    """A file, and how well it fits each source: the best match of each, best first."""

    named: Named
    head: Head
    matches: tuple[Match, ...]

    @property
    def best(self) -> Match | None:
        """The best match that fits."""
        return next((m for m in self.matches if m.fits), None)

    def close(self) -> set[str]:
        """The sources that fit about as well as the best."""
        return {m.source for m in self.matches if m.fits and self.best is not None and m.score > self.best.score - CLOSE}

    def match_of(self, source: str) -> Match | None:
        """How well the file fits a source, if it does."""
        return next((m for m in self.matches if m.source == source and m.fits), None)


@dataclass(frozen=True)
class Recognition:
    """What inputs are taken for."""

    source: str | None
    """The source; None if `problem` tells why there is none."""
    scores: dict[str, float]
    """Source -> score, 0 to 1, of the nearest sources, best first."""
    reasons: list[str]
    """What the files are taken for, and why, one line each."""
    files: list[Path]
    """What the source is to read."""
    left: list[Path] = field(default_factory=list)
    """Files in directories that are of no use to the source."""
    nearest: list[Match] = field(default_factory=list)
    """The match of each source in `scores`, for the file that decided."""
    problem: str | None = None

    def settled(self) -> str:
        """The source.

        Raises:
            InputError: none was recognised, or several; the message has the nearest and the commands that would do.
        """
        if self.source is None:
            raise InputError(self.problem or "no known format")
        return self.source

    def described(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"scores": self.scores, "reasons": self.reasons}


def recognise(paths: Sequence[str | Path]) -> Recognition:
    """What files are taken for. Only the beginning of each is read, and of a directory up to 2,000 files.

    Args:
        paths: Files, releases, and directories, which stand for the files of data below them.

    Raises:
        InputError: an input cannot be opened.
    """
    named, more = walk([Path(p) for p in paths])
    if not named:
        raise InputError("no inputs. Remedy: name files or directories")
    seen = [_seen(one) for one in named]
    groups, unknown, unclear = _grouped(seen)
    if unclear or unknown or len(groups) != 1:
        return _unsettled(groups, unknown, unclear, seen)
    ((source, members),) = groups.items()
    known = set(members)
    left = [one.named.path for one in seen if one not in known]
    patterns = getattr(SOURCES.get(source), "FILES", ())
    files = _inputs(source, members, [Path(p) for p in paths], patterns if more else ())
    read = set(files)
    left = [path for path in left if path not in read]
    if more and not patterns:
        problem = f"{more:,} files of a directory are not looked at. Remedy: name a directory of {source} with fewer files"
        return Recognition(None, {}, [], [], problem=problem)
    first = max(members, key=lambda one: (one.match_of(source) or one.matches[0]).score)
    nearest = [m for m in first.matches if m.score > 0][:NEAREST]
    faults = {one.named.path: one.head.fault for one in seen if one.head.fault}
    reasons = _reasons(source, members, left, faults)
    return Recognition(source, {m.source: m.score for m in nearest}, reasons, files, left, nearest)


def _seen(named: Named) -> Seen:
    head = read_head(named.path)
    return Seen(named, head, tuple(matches_of(head)))


def matches_of(head: Head) -> list[Match]:
    """The best match of every source for the head of a file, best first."""
    best = []
    for source, signatures in SIGNATURES.items():
        found = [match(source, signature, head) for signature in signatures]
        best.append(max(found, key=lambda m: (m.fits, m.score)))
    return sorted(best, key=lambda m: (not m.fits, -m.score, m.source))


def _grouped(seen: Sequence[Seen]) -> tuple[dict[str, list[Seen]], list[Seen], list[Seen]]:
    """(source -> its files, files of no known format, files that are as near to another source)."""
    logs = [one for one in seen if one.best is not None and one.best.signature.role == "log"]
    deciding = logs or [one for one in seen if one.best is not None]
    decided = {source for one in deciding if len(one.close()) == 1 for source in one.close()}
    groups: dict[str, list[Seen]] = {}
    unknown, unclear = [], []
    for one in deciding:
        near = one.close()
        chosen = near if len(near) == 1 else near & decided
        if len(chosen) == 1:
            groups.setdefault(next(iter(chosen)), []).append(one)
        else:
            unclear.append(one)
    apart = set(deciding)
    for one in (one for one in seen if one not in apart):
        homes = [source for source in groups if one.match_of(source) is not None]
        if homes:
            groups[max(homes, key=lambda source: (one.match_of(source) or one.matches[0]).score)].append(one)
        elif one.named.within is None or not deciding:
            unknown.append(one)
    return groups, unknown, unclear


def _inputs(source: str, members: Sequence[Seen], given: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    """What the source is to read: what was recognised, in the order given; of directories also what fits the patterns."""
    files: dict[Path, None] = {}
    for place in given:
        inside = sorted((one for one in members if one.named.within == place), key=lambda one: one.named.path)
        if not inside:
            files |= dict.fromkeys(one.named.path for one in members if one.named.path == place and _is_read(one, source))
            continue
        with suppress(InputError):  # no file is called as usual; the recognised ones are added below
            files |= dict.fromkeys(files_in(place, patterns) if patterns else [])
        files |= dict.fromkeys(one.named.path for one in inside if _is_read(one, source))
    return list(files)


def _is_read(one: Seen, source: str) -> bool:
    """Whether a source is given a file, which it is not if it has no use for it."""
    found = one.match_of(source)
    role = "log" if found is None else found.signature.role
    return role != "beside"


def _reasons(source: str, members: Sequence[Seen], left: Sequence[Path], faults: Mapping[Path, str]) -> list[str]:
    """One line per kind of file, and one for the files that are left alone, with what is wrong with those of `faults`."""
    kinds: dict[str, list[Seen]] = {}
    for one in members:
        found = one.match_of(source)
        if found is not None:
            kinds.setdefault(found.signature.title, []).append(one)
    lines = []
    for title, files in kinds.items():
        found = files[0].match_of(source)
        assert found is not None
        has = f", score {found.score:.2f}: it has {some(found.found)}" if found.found else ""
        lacks = f"; it lacks {some(found.missing)}" if found.missing else ""
        lines.append(f"{_names(files)}: {title}{has}{lacks}")
    if left:
        told = [f"{path.name} ({faults[path]})" if path in faults else path.name for path in left]
        lines.append(f"left alone: {_listed(sorted(told, key=lambda name: not name.endswith(')')), 3)}")
    return lines


def _unsettled(
    groups: dict[str, list[Seen]], unknown: Sequence[Seen], unclear: Sequence[Seen], seen: Sequence[Seen]
) -> Recognition:
    """Why no source was chosen, with the commands that would do."""
    first = (unclear or unknown or list(seen))[0]
    nearest = [m for m in first.matches if m.score > 0][:NEAREST]
    if unclear:
        names = _listed([m.source for m in first.matches if m.source in first.close()], 4)
        lines = [f"{first.named.path}: could be {names}:", *map(_line, nearest)]
        commands = [_command(m.source, [first.named.path]) for m in first.matches if m.source in first.close()]
        lines.append(f"Remedy: name the source: {' or '.join(commands[:2])}")
    elif unknown:
        fault = f" ({first.head.fault})" if first.head.fault else ""
        close = ". The nearest:" if nearest else "."
        lines = [f"{first.named.path}: its format is not known{fault}{close}", *map(_line, nearest)]
        others = len(unknown) - 1
        lines += [f"  {others:,} more file{'s' * (others > 1)} of no known format"] if others else []
        asked = [one.named.path for one in unknown if one.head.fields.keys() == first.head.fields.keys()]
        lines.append(f"Remedy: {_table_command(first, asked)}")
    else:
        groups = dict(sorted(groups.items()))
        lines = [f"the inputs are of {len(groups)} formats:"]
        lines += [f"  {source}: {_names(members)}" for source, members in groups.items()]
        placed = {one for members in groups.values() for one in members}
        apart = sorted((one for one in seen if one not in placed), key=lambda one: not one.head.fault)
        told = [f"{one.named.path.name} ({one.head.fault})" if one.head.fault else one.named.path.name for one in apart]
        lines += [f"  no known format: {_listed(told, 3)}"] if told else []
        commands = [_command(source, _places(members), f"DIR-{source}") for source, members in groups.items()]
        merged = " ".join(f"DIR-{source}" for source in groups)
        lines.append(f"Remedy: build each by itself: {'; '.join(commands)}; then llmfusionbench merge {merged} --out DIR")
    return Recognition(None, {m.source: m.score for m in nearest}, [], [], nearest=nearest, problem="\n".join(lines))


def _line(found: Match) -> str:
    has = f"has {some(found.found)}" if found.found else "has none of its fields"
    lacks = f", lacks {some(found.missing)}" if found.missing else ""
    ruled_out = f"; {found.against}" if found.against else ""
    return f"  {found.source} {found.score:.2f} ({found.signature.title}): {has}{lacks}{ruled_out}"


def _table_command(one: Seen, paths: Sequence[Path]) -> str:
    """What to do with a file of no known format."""
    head = read_head(one.named.path, rows=True) if one.head.fields else one.head
    if not head.is_table:
        return "check the file, or leave it out"
    proposal = propose(head)
    if not proposal.is_enough:
        return (
            f"see its fields with llmfusionbench inspect-log {shlex.quote(str(one.named.path))}, then name the columns of "
            f"{_listed(proposal.lacking, 3)} in {_command('table', paths)} --map OURS=THEIRS"
        )
    if proposal.wide:
        mapping = f"llmfusionbench inspect-log {shlex.quote(str(one.named.path))} --out my.yaml"
        return f"write a mapping with {mapping}, check it, then {_command('table', paths, options=['--mapping', 'my.yaml'])}"
    options = proposal.arguments()
    if len(paths) > 1 and "task" not in {line.ours for line in proposal.sure}:
        options += ["--map", shlex.quote(f"task=={_task(paths)}")]
    return _command("table", paths, options=options)


def _task(paths: Sequence[Path]) -> str:
    """What the names of several files have in common, for without a task each file is one."""
    names = sorted(stem(path) for path in paths)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1], strict=False))
    shared = "".join(character for character, _ in same)
    return shared.rstrip("0123456789-_.T: ") or "my_task"


def _places(members: Iterable[Seen]) -> list[Path]:
    """The inputs that hold some files: a directory where it is all theirs, else the files."""
    return list(dict.fromkeys(one.named.path for one in members))


def _command(source: str, paths: Sequence[Path], out: str = "DIR", options: Sequence[str] = ()) -> str:
    shown = [shlex.quote(str(path)) for path in paths[:_SHOWN]] + ["..."] * (len(paths) > _SHOWN)
    return " ".join(["llmfusionbench build", source, *shown, *options, "--out", out])


def _names(files: Sequence[Seen]) -> str:
    return _listed(labels([one.named.path for one in files[:3]]), 3, len(files))


def some(fields: Sequence[str], most: int = 5) -> str:
    """The first of some names of fields, shortened, with the number of the others."""
    return _listed([name if len(name) <= 60 else shorten(name) for name in fields], most)


def _listed(names: Sequence[str], most: int, count: int | None = None) -> str:
    more = (len(names) if count is None else count) - min(most, len(names))
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
