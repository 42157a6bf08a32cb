"""Passages cut into sentences, each with its place, so that a quotation is always verbatim."""

import re
import unicodedata
from dataclasses import dataclass

ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|No|Nos|vs|etc|e\.g|i\.e|cf|approx|Fig|Art|Sec|Inc|Ltd|Co|Corp|U\.S|a\.m|p\.m)|\b[A-Z])\.$"
)
END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。!?！？]+[」』）)]*|\n+")

BULLETS = "-*•·–—▪◦■□●○"
PRINT_WIDTH = 60
"""Columns of the shortest line that print breaks by itself."""


@dataclass(frozen=True, slots=True)
class Sentence:
    start: int
    """Place in the passage's text, in characters."""
    end: int
    text: str


def split_sentences(text: str) -> list[Sentence]:
    """Whole sentences or lines in order; `text[s.start:s.end] == s.text` for each."""
    found: list[Sentence] = []
    start = 0
    for match in END.finditer(text):
        head = text[start : match.end()]
        if not match[0].startswith("\n") and ABBREVIATION.search(head.rstrip("\"'”’)]")):
            continue
        if match[0].startswith("\n") and _goes_on(text, match):
            continue
        _add(found, text, start, match.end())
        start = match.end()
    _add(found, text, start, len(text))
    return found


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """A single line break inside running text, as PDF has one at the end of each line of print.

    The line before has no end of its own, and either the next begins small, or it ends with a comma, or it is as long
    as lines of print are. Headings are shorter, and rows of a table have bars.
    """
    if len(match[0]) > 1 or match.end() >= len(text):
        return False
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].rstrip()
    after = text[match.end()]
    if not line or line[-1] in "|:.!?。!？」』" or "|" in line or after in BULLETS:
        return False
    return after.islower() or line[-1] in ",;、，" or width(line) >= PRINT_WIDTH


def width(line: str) -> int:
    """Columns in print; characters of East Asian scripts are two wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def is_headline(text: str) -> bool:
    """A short line without an end: it names what follows and says nothing itself."""
    return "|" not in text and width(text) < PRINT_WIDTH and text.rstrip()[-1:] not in tuple(".!?…。！？:;")


def _add(found: list[Sentence], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        found.append(Sentence(start, end, text[start:end]))
