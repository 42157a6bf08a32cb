"""Chooses the parser for a file. Runs inside the cage."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from appliance.parsing import detect
from appliance.parsing.archive import check_archive
from appliance.parsing.blocks import ParsedDocument
from appliance.parsing.build import BlockBuilder
from appliance.parsing.errors import DocumentRefused

Parser = Callable[[Path, BlockBuilder], int]
"""Fills the builder and returns the number of pages, 0 for a format without pages."""

MODULES = {
    detect.PDF: "appliance.parsing.formats.pdf",
    detect.PNG: "appliance.parsing.formats.image",
    detect.JPEG: "appliance.parsing.formats.image",
    detect.DOCX: "appliance.parsing.formats.docx",
    detect.PPTX: "appliance.parsing.formats.pptx",
    detect.XLSX: "appliance.parsing.formats.xlsx",
    detect.CSV: "appliance.parsing.formats.csvfile",
    detect.HTML: "appliance.parsing.formats.html",
    detect.MARKDOWN: "appliance.parsing.formats.markdown",
    detect.EML: "appliance.parsing.formats.eml",
    detect.TEXT: "appliance.parsing.formats.text",
    detect.XML: "appliance.parsing.formats.text",
}
"""Every other accepted type goes to the one library that reads them all."""

ZIPPED = (detect.DOCX, detect.PPTX, detect.XLSX, detect.ODT, detect.ODS, detect.EPUB)


def read_document(path: Path, name: str) -> ParsedDocument:
    """Raises DocumentRefused, or whatever the parser's library raises."""
    kind = detect.media_type(path, name)
    if kind in ZIPPED:
        check_archive(path)
    builder = BlockBuilder()
    pages = _parser(kind)(path, builder)
    if not any(block.text.strip() for block in builder.blocks):
        problems = " ".join(builder.problems)
        raise DocumentRefused(
            f"No text was found in it. {problems}".strip(), remedy="Upload a version with text or a clearer scan."
        )
    title = Path(name).stem.replace("_", " ")
    return ParsedDocument(
        title=title,
        media_type=kind,
        blocks=tuple(builder.blocks),
        page_count=pages,
        problems=tuple(builder.problems),
    )


def _parser(kind: str) -> Parser:
    # One import per format: a text file must not pay for the libraries of all the others.
    if kind not in MODULES:
        other = import_module("appliance.parsing.formats.other")
        return partial(other.parse_as, kind)
    parser: Parser = import_module(MODULES[kind]).parse
    return parser
