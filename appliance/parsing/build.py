"""Collects blocks in reading order, with the headings above each and the limits that hold for every format."""

from collections.abc import Iterable, Sequence

from appliance.parsing.blocks import Block, BlockKind, Box
from appliance.parsing.limits import MAX_CELLS_PER_ROW, MAX_ROWS, MAX_TEXT_CHARACTERS


class BlockBuilder:
    """One per document."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.problems: list[str] = []
        self._headings: list[tuple[int, str]] = []
        self._characters = 0

    def heading(self, text: str, level: int, *, page: int | None = None, box: Box | None = None) -> None:
        """A heading of a level, 1 the outermost; it ends all of its own level and below."""
        text = tidy(text)
        if not text:
            return
        self._headings = [h for h in self._headings if h[0] < level]
        self.add("heading", text, page=page, box=box)
        self._headings.append((level, text[:200]))

    def forget_headings(self) -> None:
        """A new page or sheet that stands for itself."""
        self._headings = []

    def add(
        self, kind: BlockKind, text: str, *, page: int | None = None, box: Box | None = None, label: str = ""
    ) -> None:
        text = tidy(text)
        if text and self._room(len(text)):
            path = tuple(h[1] for h in self._headings)
            self.blocks.append(Block(kind=kind, text=text, page=page, heading_path=path, box=box, label=label))

    def table(
        self,
        rows: Iterable[Sequence[str]],
        *,
        page: int | None = None,
        box: Box | None = None,
        label: str = "",
    ) -> None:
        """A table, its header first. Rows beyond the limit are left out and make the document partial."""
        kept: list[tuple[str, ...]] = []
        for row in rows:
            cells = tuple(" ".join(cell.split()) for cell in row[:MAX_CELLS_PER_ROW])
            if not any(cells):
                continue
            if len(kept) >= MAX_ROWS:
                self.problem(f"Only the first {MAX_ROWS} rows of a table were taken in.")
                break
            if not self._room(sum(map(len, cells))):
                break
            kept.append(cells)
        if kept:
            text = "\n".join(" | ".join(row) for row in kept)
            path = tuple(h[1] for h in self._headings)
            self.blocks.append(
                Block("table", text, page=page, heading_path=path, rows=tuple(kept), box=box, label=label)
            )

    def problem(self, sentence: str) -> None:
        if sentence not in self.problems:
            self.problems.append(sentence)

    def _room(self, characters: int) -> bool:
        self._characters += characters
        if self._characters > MAX_TEXT_CHARACTERS:
            self.problem("It holds more text than can be taken in; the rest was left out.")
            return False
        return True


def tidy(text: str) -> str:
    """Without control characters, soft hyphens and trailing spaces; line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00ad", "").replace("\x0b", "\n")
    text = "".join(c for c in text if c in "\n\t" or (c.isprintable() or c == "\u3000"))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()
