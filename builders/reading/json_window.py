"""JSON of any size, decoded value by value from a window of its text. A key that an object gives twice is noted."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import jiter
import numpy as np

from llmfusionbench.builders.reading.fields import CONSTANTS
from llmfusionbench.builders.reading.limits import record_bytes, too_large
from llmfusionbench.errors import InputError
from llmfusionbench.storage.repeats import repeated

_CHUNK: Final = 1 << 18
"""Bytes that are read at once: small enough for the processor's cache."""
_NEWLINE: Final = ord("\n")
_SPACE: Final = " \t\n\r"
_OBJECT: Final = re.compile(r'\{[ \t\n\r]*+"[^"\\]{1,100}+"')
"""How an object begins, with its first key."""
_TRIES: Final = 2
"""How many places are tried as the end of the objects that are decoded together, the second in half as much text."""
_LEAST_PART: Final = 16
"""The least part of what is searched for objects that begin alike, as its denominator, that pays for it."""
_MOST_REFUSED: Final = 63
"""The most lines that are not given to jiter after it refused some, as in a log with NaN in every record."""
_MAY_GO_ON: Final = re.compile(r"|\.|[eE][+-]?")
"""What follows a number whose next characters are not read yet."""
_MOST_DIGITS: Final = 4300
"""The most digits that Python converts to an integer."""


class Decoder(json.JSONDecoder):
    """As `json.loads`, but NaN is null, and `fault` tells what is wrong with the value that was decoded last.

    jiter decodes what it accepts, in about half the time. It refuses all that is wrong, such as a key given twice; NaN, too,
    halves of surrogate pairs and values that are nested deep. What it refuses is left to Python's own module.
    """

    scan_once: Callable[[str, int], tuple[Any, int]]
    """Python's scanner: the value at a place of a text, and where it ends."""

    def __init__(self, *, keys_once: bool = True, **options: Any) -> None:
        """With `keys_once` a key that an object gives twice is a fault."""
        hook = self._object if keys_once else None
        super().__init__(object_pairs_hook=hook, parse_constant=CONSTANTS.__getitem__, **options)
        self.fault: str | None = None
        self._fast = partial(jiter.from_json, allow_inf_nan=False, catch_duplicate_keys=keys_once, cache_mode="keys")
        self._refused = 0  # more with each value in a row that jiter refuses
        self._without = 0  # how many values to come are not given to it, since it refused those before

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            key = repeated(key for key, _ in pairs)[0]
            self.fault = f"the key {key[:80]!r} is given twice in one object, expected once"
        return made

    def decode_bytes(self, data: bytes, errors: str = "strict") -> Any:
        """As `decode`, of UTF-8; `errors` as in `bytes.decode`."""
        self.fault = None
        if self._without:
            self._without -= 1
            return self.decode(data.decode(errors=errors))
        try:
            found = self._fast(data)
        except ValueError:
            self._refused = min(2 * self._refused + 1, _MOST_REFUSED)
            self._without = self._refused
            return self.decode(data.decode(errors=errors))
        self._refused = 0
        return found

    def decode_listed(self, text: str) -> list[Any] | None:
        """The values between the brackets of a list, if all of them are right; else None."""
        self.fault = None
        try:
            found: list[Any] = self._fast(f"[{text}]".encode())
        except ValueError:
            return None
        return found

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        self.fault = None
        try:
            return self.scan_once(s, idx)
        except StopIteration as end:  # it stands for no value
            raise json.JSONDecodeError("Expecting value", s, end.value) from None
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer with too many digits: this finds the end of the value
            found = json.JSONDecoder(parse_int=str, parse_constant=CONSTANTS.__getitem__).raw_decode(s, idx)
            self.fault = f"an integer has more than {_MOST_DIGITS:,} digits"
            return found


class Window:
    """The text of a file from where it has been read to. Bytes that are not UTF-8 become half surrogate pairs.

    Its methods raise InputError for a value that is too long or not JSON.
    """

    def __init__(self, path: Path, head: bytes, stream: IO[bytes]) -> None:
        self._path, self._head, self._stream = path, head, stream
        self._utf8 = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text, self._at, self._ended = "", 0, False
        self._newlines = 0  # in all that was read
        self._column = 0  # characters of the line in which the text begins, before it
        self._alone = 0  # up to where in the text the values of a list are decoded one by one
        self._stretch = _CHUNK  # how many characters are read so when it does not pay to decode several together
        self.decoder = Decoder()

    def peek(self) -> str:
        """The next character that is not white space, which stays; empty at the end."""
        while True:
            text, at, end = self._text, self._at, len(self._text)
            while at < end and text[at] in _SPACE:
                at += 1
            self._at = at
            if at < end:
                return text[at]
            if self._ended:
                return ""
            self._more()

    def take(self, mark: str) -> bool:
        """Whether `mark` comes next; then it is read."""
        found = self.peek() == mark
        self._at += found
        return found

    def expect(self, mark: str) -> None:
        """Read `mark`."""
        if not self.take(mark):
            raise self._fault(f"Expecting '{mark}' delimiter", self._at)

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self._text, self._at)
                if self._ended or not _MAY_GO_ON.fullmatch(self._text, end):
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._fault(error.msg, error.pos) from error
            except RecursionError as error:
                raise InputError(f"{self._path}: not JSON (nested too deep). Remedy: fetch the file again") from error
            if len(self._text) - self._at > record_bytes():
                raise too_large(
                    self._path, f"a record of JSON near line {self._place(self._at)[0]:,} is longer", record_bytes()
                )
            self._more()

    def elements(self) -> Iterator[Any]:
        """The values of the list that comes next."""
        self.expect("[")
        if self.take("]"):
            return
        while True:
            yield self.value()
            if self.take("]"):
                return
            self.expect(",")
            while several := self._several():
                yield from several

    def end(self) -> None:
        """Check that nothing follows."""
        if self.peek():
            raise self._fault("Extra data", self._at)

    def _several(self) -> list[Any]:
        """The next values of a list of objects that begin alike, another of which follows; none if they must be read alone."""
        self.peek()
        if self._at < self._alone:
            return []
        if not self._ended and len(self._text) - self._at < _CHUNK:
            self._more()
        text, start, end = self._text, self._at, min(self._at + _CHUNK, len(self._text))
        opening, following, found = _OBJECT.match(text, start), end, None
        for _ in range(_TRIES if opening else 0):  # an object within another may begin alike, and one value may be wrong
            following = text.rfind(opening[0], start + 1, following)  # type: ignore[index]
            if following < 0:
                break
            listed = text[start:following].rstrip(_SPACE)
            found = self.decoder.decode_listed(listed[:-1]) if listed.endswith(",") else None
            if found:
                self._at = following
                break
            following = (start + following) // 2
        if self._at - start <= (end - start) // _LEAST_PART:  # else a list of unlike objects is searched again and again
            self._alone = start + self._stretch
            self._stretch *= 2
        else:
            self._stretch = _CHUNK
        return found or []

    def _more(self) -> None:
        """Drop the text that was read, and add as much as there is left of it, or a chunk."""
        last = self._text.rfind("\n", 0, self._at)
        self._column = self._at - last - 1 if last >= 0 else self._column + self._at
        self._text, self._at, self._alone = self._text[self._at :], 0, self._alone - self._at
        wanted = max(_CHUNK, len(self._text))
        data, self._head = self._head, b""
        data = data or self._stream.read(wanted)
        self._ended = not data
        self._newlines += int(np.count_nonzero(np.frombuffer(data, np.uint8) == _NEWLINE))
        self._text += self._utf8.decode(data, final=self._ended)

    def _place(self, at: int) -> tuple[int, int]:
        """(line, column) of a place in the text, from 1."""
        last = self._text.rfind("\n", 0, at)
        return self._newlines - self._text.count("\n", at) + 1, at - last if last >= 0 else self._column + at + 1

    def _fault(self, words: str, at: int) -> InputError:
        line, column = self._place(at)
        return InputError(f"{self._path}: not JSON ({words}: line {line} column {column}). Remedy: fetch the file again")
