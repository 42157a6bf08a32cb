"""Reads calls out of an answer whose form `grammar.py` has given, piece by piece as it comes."""

import re
from dataclasses import dataclass

OPENING = "<tool_call>"
NAME = r'"name"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,\s*'
IN_ARRAY = re.compile(r"\s*[\[,]\s*\{\s*" + NAME + r'"parameters"\s*:\s*', re.DOTALL)
IN_TEXT = re.compile(OPENING + r"\s*\{\s*" + NAME + r'"arguments"\s*:\s*', re.DOTALL)
CLOSING_IN_TEXT = re.compile(r"\s*\}\s*</tool_call>\s*")
CLOSING_IN_ARRAY = re.compile(r"\s*\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one call, or of the text around calls."""

    index: int = -1
    """Of the call; -1 for text."""
    name: str = ""
    """With the first piece of a call."""
    text: str = ""
    """More of its arguments as JSON, or of the text."""


class CallScanner:
    """Feed it the answer in any portions; it gives back the pieces that are certain."""

    def __init__(self, *, forced: bool) -> None:
        """`forced`: the answer is one array of calls; otherwise text with marked calls in it."""
        self._head = IN_ARRAY if forced else IN_TEXT
        self._tail = CLOSING_IN_ARRAY if forced else CLOSING_IN_TEXT
        self._forced = forced
        self._waiting = ""
        self._inside = False
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._closing = False
        self.calls: list[tuple[str, str]] = []
        """Name and arguments of each call so far."""

    def feed(self, text: str) -> list[Piece]:
        """What the portion adds."""
        self._waiting += text
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def finish(self) -> list[Piece]:
        """What was kept back and is text after all."""
        rest, self._waiting = self._waiting, ""
        return [Piece(text=rest)] if rest and not (self._forced or self._inside or self._closing) else []

    def _step(self, pieces: list[Piece]) -> bool:
        """Take one stretch of what waits. False when nothing more is certain."""
        if self._inside:
            return self._arguments(pieces)
        if self._closing:
            match = self._tail.match(self._waiting)
            if match is None:
                return False
            self._waiting, self._closing = self._waiting[match.end() :], False
        match = self._head.search(self._waiting)
        if match is None:
            return self._before_a_call(pieces)
        if not self._forced and match.start():
            pieces.append(Piece(text=self._waiting[: match.start()]))
        self.calls.append((match[1], ""))
        pieces.append(Piece(len(self.calls) - 1, name=match[1]))
        self._waiting, self._inside = self._waiting[match.end() :], True
        return True

    def _before_a_call(self, pieces: list[Piece]) -> bool:
        """Text goes on, but for what may be the beginning of a call."""
        if not self._forced:
            at = self._waiting.find("<")
            while at >= 0 and not _may_open(self._waiting[at:]):
                at = self._waiting.find("<", at + 1)
            certain = self._waiting if at < 0 else self._waiting[:at]
            if certain:
                pieces.append(Piece(text=certain))
                self._waiting = self._waiting[len(certain) :]
        return False

    def _arguments(self, pieces: list[Piece]) -> bool:
        """Take the JSON object up to its end, or as far as it is here."""
        if not self.calls[-1][1]:
            self._waiting = self._waiting.lstrip()
        taken = 0
        for char in self._waiting:
            taken += 1
            if self._escaped:
                self._escaped = False
            elif self._quoted:
                self._escaped = char == "\\"
                self._quoted = char != '"'
            elif char == '"':
                self._quoted = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self._inside, self._closing = False, True
                    break
        text, self._waiting = self._waiting[:taken], self._waiting[taken:]
        if text:
            name, arguments = self.calls[-1]
            self.calls[-1] = (name, arguments + text)
            pieces.append(Piece(len(self.calls) - 1, text=text))
        return self._closing


def _may_open(text: str) -> bool:
    return OPENING.startswith(text) if len(text) < len(OPENING) else text.startswith(OPENING)
