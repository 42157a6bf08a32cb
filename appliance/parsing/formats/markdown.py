"""Markdown: headings, tables, code, lists."""

import re
from pathlib import Path

from appliance.parsing.build import BlockBuilder
from appliance.parsing.decoding import decode

HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(.+)$")
FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
MARKS = re.compile(r"(\*\*|__|`|~~)")


def parse(path: Path, builder: BlockBuilder) -> int:
    add_markdown(decode(path.read_bytes()), builder)
    return 0


def add_markdown(text: str, builder: BlockBuilder) -> None:
    """Add the blocks of a Markdown text."""
    lines, position = text.splitlines(), 0
    while position < len(lines):
        position = _block(lines, position, builder)


def _block(lines: list[str], at: int, builder: BlockBuilder) -> int:
    """Take one block and return where the next one begins."""
    line = lines[at]
    heading = HEADING.match(line)
    if not line.strip():
        return at + 1
    if heading:
        builder.heading(_plain(heading[2]), len(heading[1]))
        return at + 1
    if FENCE.match(line):
        return _code(lines, at, builder)
    if "|" in line and at + 1 < len(lines) and RULE.match(lines[at + 1]):
        return _table(lines, at, builder)
    item = ITEM.match(line)
    if item:
        builder.add("list_item", _plain(item[1]))
        return at + 1
    end = at
    while end < len(lines) and lines[end].strip() and not HEADING.match(lines[end]) and not FENCE.match(lines[end]):
        if end > at and ITEM.match(lines[end]):
            break
        end += 1
    builder.add("paragraph", _plain(" ".join(part.strip() for part in lines[at:end])))
    return end


def _code(lines: list[str], at: int, builder: BlockBuilder) -> int:
    end = at + 1
    while end < len(lines) and not FENCE.match(lines[end]):
        end += 1
    builder.add("code", "\n".join(lines[at + 1 : end]))
    return end + 1


def _table(lines: list[str], at: int, builder: BlockBuilder) -> int:
    end = at
    rows = []
    while end < len(lines) and "|" in lines[end]:
        if not RULE.match(lines[end]):
            rows.append([_plain(cell.strip()) for cell in lines[end].strip().strip("|").split("|")])
        end += 1
    builder.table(rows)
    return end


def _plain(text: str) -> str:
    return MARKS.sub("", LINK.sub(r"\1", text))
