"""PDF: text with its place on the page; pages that are pictures go through text recognition."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pypdfium2 as pdfium
from PIL import Image
from pypdfium2 import raw

from appliance.parsing.blocks import Box
from appliance.parsing.build import BlockBuilder
from appliance.parsing.errors import DocumentRefused
from appliance.parsing.limits import MAX_OCR_PAGES, MAX_PAGES, MAX_PIXELS

LEAST_CHARACTERS = 20
"""A page with less text than this is taken for a picture."""

OCR_SCALE = 2.0
"""144 dots per inch: enough for print, half the time of 200."""

PREVIEW_SCALE = 1.5
PARAGRAPH_GAP = 1.6
"""A gap between lines beyond this share of the usual distance ends a paragraph."""


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    box: Box
    size: float
    """Height of the line as a share of the page's."""


def parse(path: Path, builder: BlockBuilder) -> int:
    document = _open(path)
    count = len(document)
    if count == 0:
        raise DocumentRefused("It has no pages.")
    if count > MAX_PAGES:
        builder.problem(f"Only the first {MAX_PAGES} of {count} pages were taken in.")
    pictures = []
    for number in range(1, min(count, MAX_PAGES) + 1):
        try:
            page = document[number - 1]
        except pdfium.PdfiumError:
            builder.problem(f"Page {number} is broken.")
            continue
        lines = _lines(page)
        if sum(len(line.text) for line in lines) < LEAST_CHARACTERS and _has_content(page):
            pictures.append(number)
            _picture(page, number, builder, done=len(pictures) - 1, fallback=lines)
        else:
            _paragraphs(lines, number, builder)
        page.close()
    return min(count, MAX_PAGES)


def render_png(path: Path, page: int) -> bytes:
    """One page as PNG. Raises DocumentRefused."""
    document = _open(path)
    if not 1 <= page <= len(document):
        raise DocumentRefused("There is no such page.")
    out = io.BytesIO()
    _image(document[page - 1], PREVIEW_SCALE).save(out, "PNG")
    return out.getvalue()


def _open(path: Path) -> Any:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD or "assword" in str(error):
            raise DocumentRefused(
                "It is locked with a password.", remedy="Save a copy without password and upload that."
            ) from error
        raise DocumentRefused("It is no readable PDF; the file is cut off or broken.") from error


def _has_content(page: Any) -> bool:
    return next(page.get_objects(max_depth=2), None) is not None


def _image(page: Any, scale: float) -> Image.Image:
    wide, high = page.get_size()
    while wide * high * scale * scale > MAX_PIXELS:
        scale /= 2
    return page.render(scale=scale).to_pil()  # type: ignore[no-any-return] # the library has no types


def _picture(page: Any, number: int, builder: BlockBuilder, *, done: int, fallback: Sequence[Line]) -> None:
    from appliance.parsing.formats.ocr import joined_rows, recognise  # noqa: PLC0415 - heavy, most files need none

    if done >= MAX_OCR_PAGES:
        builder.problem(f"Only the first {MAX_OCR_PAGES} scanned pages were read.")
        return
    rows = joined_rows(recognise(_image(page, OCR_SCALE)))
    if not rows and fallback:
        _paragraphs(fallback, number, builder)
    for text, box in rows:
        builder.add("paragraph", text, page=number, box=box)


def _lines(page: Any) -> list[Line]:
    """The text layer, line by line in the order of the file, each with its place."""
    text_page = page.get_textpage()
    text = text_page.get_text_bounded() if text_page.count_chars() else ""
    if not text.strip():
        text_page.close()
        return []
    wide, high = page.get_size()
    lines = _placed_lines(text_page, wide or 1.0, high or 1.0)
    text_page.close()
    return lines


def _placed_lines(text_page: Any, wide: float, high: float) -> list[Line]:
    lines: list[Line] = []
    text = ""
    boxes: list[tuple[float, float, float, float]] = []
    for index in range(text_page.count_chars()):
        code = raw.FPDFText_GetUnicode(text_page, index)
        character = chr(code) if code not in (0, 0xFFFE, 0xFFFF) else ""
        if code in (0x02, 0xAD):  # a hyphen at the end of a line: the word goes on
            text += "\u0002"
            continue
        if character in ("\r", "\n"):
            if character == "\n":
                _end_line(lines, text, boxes, wide, high)
                text, boxes = "", []
            continue
        text += character
        if character.strip():
            boxes.append(text_page.get_charbox(index))
    _end_line(lines, text, boxes, wide, high)
    return lines


def _end_line(
    lines: list[Line], text: str, boxes: list[tuple[float, float, float, float]], wide: float, high: float
) -> None:
    if not text.strip() or not boxes:
        return
    left, bottom = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, top = max(b[2] for b in boxes), max(b[3] for b in boxes)
    box = Box(_share(left / wide), _share(1 - top / high), _share(right / wide), _share(1 - bottom / high))
    lines.append(Line(text, box, median(b[3] - b[1] for b in boxes) / high))


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)


def _paragraphs(lines: Sequence[Line], page: int, builder: BlockBuilder) -> None:
    """Lines joined to paragraphs by their distance; a short line in larger type is a heading."""
    if not lines:
        return
    usual = median(line.size for line in lines)
    group: list[Line] = []
    for line in lines:
        if group and _breaks(group, line, usual):
            _add(group, page, builder, usual)
            group = []
        group.append(line)
    _add(group, page, builder, usual)


def _breaks(group: Sequence[Line], line: Line, usual: float) -> bool:
    last = group[-1]
    gap = line.box.top - last.box.bottom
    other_size = abs(line.size - last.size) > 0.25 * max(usual, 0.001)
    jumps = line.box.top < last.box.top - 0.01  # a new column
    return jumps or gap > PARAGRAPH_GAP * max(last.box.bottom - last.box.top, usual) or other_size


def _add(group: Sequence[Line], page: int, builder: BlockBuilder, usual: float) -> None:
    text = _joined([line.text for line in group])
    box = Box(
        min(g.box.left for g in group),
        min(g.box.top for g in group),
        max(g.box.right for g in group),
        max(g.box.bottom for g in group),
    )
    size = median(g.size for g in group)
    if size > 1.25 * usual and len(text) < 120 and len(group) <= 2 and not text.rstrip().endswith((".", "。", ",")):
        builder.heading(text.replace("\n", " "), 1 if size > 1.6 * usual else 2, page=page, box=box)
    else:
        builder.add("paragraph", text, page=page, box=box)


def _joined(parts: Sequence[str]) -> str:
    """Lines as the author wrote them; a word that was hyphenated at a line's end becomes whole."""
    text = ""
    for whole in parts:
        part = whole.rstrip()
        if not text:
            text = part
        elif text.endswith("\u0002"):
            text = text[:-1] + part.lstrip()
        else:
            text += "\n" + part
    return text.replace("\u0002", "")
