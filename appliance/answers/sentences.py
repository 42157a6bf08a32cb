"""Passages cut into sentences, each with its place, so that a quotation is always verbatim."""

import re
from dataclasses import dataclass

ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|No|Nos|vs|etc|e\.g|i\.e|cf|approx|Fig|Art|Sec|Inc|Ltd|Co|Corp|U\.S|a\.m|p\.m)|\b[A-Z])\.$"
)
END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。!?！？]+[」』）)]*|\n+")


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
    """A single line break inside running text: the next line starts small and this one has no end."""
    if len(match[0]) > 1 or match.end() >= len(text):
        return False
    before, after = text[match.start() - 1 : match.start()], text[match.end()]
    return before not in "|:.!?。" and after.islower()


def _add(found: list[Sentence], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        found.append(Sentence(start, end, text[start:end]))
