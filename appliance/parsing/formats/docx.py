"""Word documents: body in order, headings, lists, tables with merged and nested cells, headers, boxes, notes."""

from collections.abc import Iterator
from pathlib import Path

import docx
from docx.document import Document
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from appliance.parsing.build import BlockBuilder

NOTE_PARTS = {"footnotes": "w:footnote", "endnotes": "w:endnote", "comments": "w:comment"}


def parse(path: Path, builder: BlockBuilder) -> int:
    document = docx.Document(str(path))
    _edges(document, builder, "header")
    _body(document, document.element.body, builder)
    _edges(document, builder, "footer")
    _notes(document, builder)
    return 0


def _body(document: Document, element: object, builder: BlockBuilder) -> None:
    for child in _block_elements(element):
        if child.tag == qn("w:p"):
            _paragraph(Paragraph(child, document), builder)
        else:
            _table(Table(child, document), builder)


def _block_elements(element: object) -> Iterator:  # type: ignore[type-arg] # the library's elements have no types
    """Paragraphs and tables in order, also inside content controls."""
    for child in element:  # type: ignore[attr-defined] # as above
        if child.tag in (qn("w:p"), qn("w:tbl")):
            yield child
        elif child.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:smartTag")):
            yield from _block_elements(child)


def _paragraph(paragraph: Paragraph, builder: BlockBuilder) -> None:
    text = _text(paragraph)
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    level = _level(style)
    if level and text.strip():
        builder.heading(text, level)
    elif style.startswith("List") or paragraph._p.find(f"./{qn('w:pPr')}/{qn('w:numPr')}") is not None:  # noqa: SLF001 - the library gives no other way to see numbering
        builder.add("list_item", text)
    else:
        builder.add("caption" if style == "Caption" else "paragraph", text)
    for box in paragraph._p.iter(qn("w:txbxContent")):  # noqa: SLF001 - text boxes have no public interface
        for inner in box.iter(qn("w:p")):
            builder.add("paragraph", _text(Paragraph(inner, paragraph._parent)))  # type: ignore[arg-type] # noqa: SLF001 - as above


def _text(paragraph: Paragraph) -> str:
    """All text runs in order, those of links, fields and insertions too; text boxes are added by themselves."""
    parts = []
    for node in paragraph._p.iter(qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")):  # noqa: SLF001 - `.text` leaves out insertions
        if _in_box(node, paragraph._p):  # noqa: SLF001 - as above
            continue
        if node.tag == qn("w:t"):
            parts.append(node.text or "")
        else:
            parts.append("\t" if node.tag == qn("w:tab") else "\n")
    return "".join(parts)


def _in_box(node: object, stop: object) -> bool:
    parent = node.getparent()  # type: ignore[attr-defined] # an lxml element
    while parent is not None and parent is not stop:
        if parent.tag in (qn("w:txbxContent"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"):
            return True
        parent = parent.getparent()
    return False


def _level(style: str) -> int:
    if style == "Title":
        return 1
    if style.startswith("Heading") and style[-1:].isdigit():
        return int(style[-1])
    return 0


def _table(table: Table, builder: BlockBuilder) -> None:
    rows = []
    nested: list[Table] = []
    for row in table.rows:
        cells, last = [], None
        for cell in row.cells:
            if last is not None and cell._tc is last:  # noqa: SLF001 - a merged cell is given once per column
                continue
            last = cell._tc  # noqa: SLF001 - as above
            cells.append(_cell(cell))
            nested.extend(cell.tables)
        rows.append(cells)
    builder.table(rows)
    for inner in nested:
        _table(inner, builder)


def _cell(cell: _Cell) -> str:
    return " ".join(_text(p) for p in cell.paragraphs).strip()


def _edges(document: Document, builder: BlockBuilder, which: str) -> None:
    """Headers or footers, each text once."""
    seen: set[str] = set()
    for section in document.sections:
        for name in (f"first_page_{which}", which, f"even_page_{which}"):
            edge = getattr(section, name)
            if edge.is_linked_to_previous:
                continue
            for paragraph in edge.paragraphs:
                text = _text(paragraph).strip()
                if text and text not in seen:
                    seen.add(text)
                    builder.add("header" if which == "header" else "footer", text)


def _notes(document: Document, builder: BlockBuilder) -> None:
    from lxml import etree  # noqa: PLC0415 - most documents have no notes

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if relation.is_external or kind not in NOTE_PARTS:
            continue
        root = etree.fromstring(relation.target_part.blob, parser)
        for note in root.iter(qn(NOTE_PARTS[kind])):
            builder.add("note", "".join(node.text or "" for node in note.iter(qn("w:t"))))
