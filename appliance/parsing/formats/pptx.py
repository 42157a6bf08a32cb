"""Presentations: one page per slide, with tables, charts, groups and notes. A shape that breaks costs only itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from appliance.parsing.blocks import Box
from appliance.parsing.build import BlockBuilder


def parse(path: Path, builder: BlockBuilder) -> int:
    deck = Presentation(str(path))
    size = (deck.slide_width or 1, deck.slide_height or 1)
    for number, slide in enumerate(deck.slides, start=1):
        builder.forget_headings()
        title = slide.shapes.title
        for shape in _in_order(slide.shapes):
            is_title = title is not None and shape.shape_id == title.shape_id
            _shape(shape, builder, number, size, is_title=is_title)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            builder.add("note", slide.notes_slide.notes_text_frame.text, page=number)
    return len(deck.slides)


def _in_order(shapes: Any) -> Iterator[Any]:
    """Title first, then from top to bottom and left to right, as people read."""
    title = getattr(shapes, "title", None)
    if title is not None:
        yield title
    rest = [s for s in shapes if title is None or s.shape_id != title.shape_id]
    yield from sorted(rest, key=lambda s: (s.top or 0, s.left or 0))


def _shape(shape: Any, builder: BlockBuilder, page: int, size: tuple[int, int], *, is_title: bool = False) -> None:
    try:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            for inner in sorted(shape.shapes, key=lambda s: (s.top or 0, s.left or 0)):
                _shape(inner, builder, page, size)
            return
        box = _box(shape, size)
        if getattr(shape, "has_table", False) and shape.has_table:
            builder.table(_rows(shape.table), page=page, box=box)
        elif getattr(shape, "has_chart", False) and shape.has_chart:
            _chart(shape.chart, builder, page, box)
        elif shape.has_text_frame:
            if is_title:
                builder.heading(shape.text_frame.text.replace("\x0b", " "), 1, page=page, box=box)
            else:
                builder.add("paragraph", shape.text_frame.text, page=page, box=box)
    except (ValueError, KeyError, AttributeError, NotImplementedError, TypeError) as error:
        builder.problem(f"A shape on slide {page} could not be read ({type(error).__name__}).")


def _rows(table: Any) -> list[list[str]]:
    return [["" if cell.is_spanned else cell.text for cell in row.cells] for row in table.rows]


def _chart(chart: Any, builder: BlockBuilder, page: int, box: Box | None) -> None:
    if chart.has_title and chart.chart_title.has_text_frame:
        builder.add("caption", chart.chart_title.text_frame.text, page=page)
    for plot in chart.plots:
        categories = [str(c) for c in plot.categories]
        series = list(plot.series)
        rows = [["", *(s.name for s in series)]]
        for at, category in enumerate(categories):
            rows.append([category, *(_number(s.values[at]) if at < len(s.values) else "" for s in series)])
        if not categories:
            rows += [[s.name, *map(_number, s.values)] for s in series]
        builder.table(rows, page=page, box=box)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _box(shape: Any, size: tuple[int, int]) -> Box | None:
    if None in (shape.left, shape.top, shape.width, shape.height):
        return None
    wide, high = size
    left, top = shape.left / wide, shape.top / high
    return Box(max(0, left), max(0, top), min(1, left + shape.width / wide), min(1, top + shape.height / high))
