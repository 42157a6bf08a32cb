"""Workbooks: one page per sheet, values as shown by the last calculation."""

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import BinaryIO

import openpyxl

from appliance.parsing.build import BlockBuilder
from appliance.parsing.limits import MAX_CELLS_PER_ROW


def parse(path: Path, builder: BlockBuilder) -> int:
    with path.open("rb") as file:  # given a path, the library insists on an ending, and stored bytes have none
        return _read(file, builder)


def _read(file: BinaryIO, builder: BlockBuilder) -> int:
    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    sheets = book.worksheets
    for number, sheet in enumerate(sheets, start=1):
        sheet.reset_dimensions()  # files lie about their size; without this rows go missing
        builder.forget_headings()
        builder.heading(sheet.title, 1, page=number)
        builder.table(_rows(sheet.iter_rows(values_only=True)), page=number, label=sheet.title)
    return len(sheets)


def _rows(rows: Iterator[tuple[object, ...]]) -> Iterator[list[str]]:
    for row in rows:
        cells = [_cell(value) for value in row[:MAX_CELLS_PER_ROW]]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield cells


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
