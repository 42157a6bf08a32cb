"""From blocks to passages: pieces that are found, shown and quoted.

Measured (`docs/decisions`): about 1,000 characters with a fifth of overlap win at an equal budget; half of that for
scripts whose characters carry more. A passage ends where a heading begins; sentences and table rows stay whole; each
piece of a table repeats its header. Nothing is dropped.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.parsing.blocks import Block, Box, ParsedDocument, PassageDraft

CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。!?！？])|\n+")
CJK_SHARE = 0.45
"""Length of a passage of CJK text, as a share of `characters`."""

OVERLAP_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class PassageRules:
    characters: int = 1000
    """Aim for the length of a passage; a single sentence or row may be longer."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch that stays whole: a sentence, a row, a short block."""

    text: str
    page: int | None
    box: Box | None
    heading_path: tuple[str, ...]
    joint: str
    """What goes before it: a space within a paragraph, a line break otherwise."""


def make_passages(parsed: ParsedDocument, rules: PassageRules) -> list[PassageDraft]:
    """Cut a document into passages, in order, numbered from 0. The same document always gives the same passages."""
    passages: list[PassageDraft] = []
    for section in _sections(parsed.blocks):
        limit = _limit(section, rules.characters)
        for pieces in _groups(section, limit):
            passages.append(_draft(len(passages), pieces))
    return passages


def _sections(blocks: Sequence[Block]) -> Iterable[list[Block]]:
    """Blocks under the same headings, on the same page where pages are sheets or slides of their own."""
    section: list[Block] = []
    for block in blocks:
        starts = block.kind == "heading" and any(b.kind != "heading" for b in section)
        if section and (starts or _path(block)[: len(_path(section[0]))] != _path(section[0])):
            yield section
            section = []
        section.append(block)
    if section:
        yield section


def _path(block: Block) -> tuple[str, ...]:
    return block.heading_path


def _limit(section: Sequence[Block], characters: int) -> int:
    text = "".join(b.text for b in section)
    dense = len(CJK.findall(text)) > 0.3 * max(1, len(text))
    return max(120, round(characters * CJK_SHARE)) if dense else characters


def _groups(section: Sequence[Block], limit: int) -> Iterable[list[_Piece]]:
    """Pieces packed up to the limit; a long paragraph continues with the end of the piece before it."""
    group: list[_Piece] = []
    size = 0
    for block in section:
        if block.rows and len(block.text) > limit:
            if group:
                yield group
            yield from _table_groups(block, limit)
            group, size = [], 0
            continue
        for piece in _pieces(block, limit):
            if group and size + len(piece.text) > limit:
                yield group
                group = _overlap(group, limit)
                size = sum(len(p.text) for p in group)
            group.append(piece)
            size += len(piece.text)
    if group:
        yield group


def _overlap(group: Sequence[_Piece], limit: int) -> list[_Piece]:
    """The last pieces again, up to a fifth of a passage; headings are not repeated."""
    kept: list[_Piece] = []
    size = 0
    for piece in reversed(group):
        size += len(piece.text)
        if size > OVERLAP_SHARE * limit or len(kept) + 1 >= len(group):
            break
        kept.insert(0, piece)
    return kept


def _pieces(block: Block, limit: int) -> Iterable[_Piece]:
    if len(block.text) <= limit // 3 or block.rows or block.kind == "code":
        yield from _hard_cut(block, block.text, "\n", limit)
        return
    joint = "\n"
    for sentence in SENTENCE_END.split(block.text):
        if sentence and sentence.strip():
            yield from _hard_cut(block, sentence.strip(), joint, limit)
            joint = "" if CJK.search(sentence[-2:]) or sentence.endswith("。") else " "


def _hard_cut(block: Block, text: str, joint: str, limit: int) -> Iterable[_Piece]:
    """A stretch without any sentence end that is longer than a passage is cut at words."""
    while len(text) > limit * 1.5:
        at = text.rfind(" ", limit // 2, limit)
        at = at if at > 0 else limit
        yield _Piece(text[:at].strip(), block.page, block.box, _own_path(block), joint)
        text, joint = text[at:].strip(), " "
    if text:
        yield _Piece(text, block.page, block.box, _own_path(block), joint)


def _own_path(block: Block) -> tuple[str, ...]:
    return (*block.heading_path, block.text) if block.kind == "heading" else block.heading_path


def _table_groups(block: Block, limit: int) -> Iterable[list[_Piece]]:
    """Whole rows up to the limit, the header repeated above each group."""
    header = " | ".join(block.rows[0])
    rows = [" | ".join(row) for row in block.rows[1:]] or [header]
    start = 0
    while start < len(rows):
        end, size = start, len(header)
        while end < len(rows) and (end == start or size + len(rows[end]) <= limit):
            size += len(rows[end])
            end += 1
        text = "\n".join([header, *rows[start:end]]) if len(block.rows) > 1 else header
        yield [_Piece(text, block.page, block.box, block.heading_path, "\n")]
        start = end


def _draft(ordinal: int, pieces: Sequence[_Piece]) -> PassageDraft:
    text = pieces[0].text
    for piece in pieces[1:]:
        text += piece.joint + piece.text
    pages = [p.page for p in pieces if p.page is not None]
    boxes = tuple(dict.fromkeys((p.page, p.box) for p in pieces if p.page is not None and p.box is not None))
    return PassageDraft(
        ordinal=ordinal,
        text=text,
        page=pages[0] if pages else None,
        page_end=pages[-1] if pages else None,
        heading_path=pieces[-1].heading_path,
        boxes=boxes,
    )
