"""What a parser gives back: blocks in reading order, with the place where each one stands.

These structs cross the process boundary of the parser's cage as MessagePack, so they hold plain values only.
"""

from typing import Literal

import msgspec

BlockKind = Literal["heading", "paragraph", "list_item", "table", "code", "caption", "header", "footer", "note"]


class Box(msgspec.Struct, frozen=True, array_like=True):
    """A rectangle on its page, as shares of page width and height from the top left corner, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """One piece of a document."""

    kind: BlockKind
    text: str
    """Readable text; for a table, one line per row with cells joined by ' | '."""
    page: int | None = None
    """From 1: page, slide, or sheet number. None where the format has no pages."""
    heading_path: tuple[str, ...] = ()
    """Headings above this block, outermost first."""
    rows: tuple[tuple[str, ...], ...] = ()
    """Table cells, header first; empty for every other kind."""
    box: Box | None = None
    label: str = ""
    """Name of the sheet, slide or attachment this came from, when it has one."""


class ParsedDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that was read from one file."""

    title: str
    media_type: str
    blocks: tuple[Block, ...]
    page_count: int = 0
    language: str = ""
    problems: tuple[str, ...] = ()
    """Human sentences on what could not be read; not empty means the document is partial."""


class PassageDraft(msgspec.Struct, frozen=True):
    """A retrievable chunk, before it has an id."""

    ordinal: int
    text: str
    """What is shown and quoted."""
    page: int | None
    page_end: int | None
    heading_path: tuple[str, ...]
    boxes: tuple[tuple[int, Box], ...] = ()
    """(page, rectangle) of each block in the passage where known."""
