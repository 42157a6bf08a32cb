"""Web pages: the text that a reader sees, with headings, lists and tables. Nothing is fetched and no script runs."""

from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

from appliance.parsing.build import BlockBuilder
from appliance.parsing.decoding import decode, html_charset

SILENT = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "object"})
OWN_LINE = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form header "
    "html li main nav ol p pre section summary ul br hr table".split()
)
HEADINGS = {f"h{n}": n for n in range(1, 7)}


def parse(path: Path, builder: BlockBuilder) -> int:
    data = path.read_bytes()
    add_html(decode(data, html_charset(data)), builder)
    return 0


def add_html(markup: str, builder: BlockBuilder, label: str = "") -> None:
    """Add a page's blocks."""
    soup = BeautifulSoup(markup, "lxml")
    _Walker(builder, label).walk(soup.body or soup)


class _Walker:
    def __init__(self, builder: BlockBuilder, label: str) -> None:
        self._builder = builder
        self._label = label
        self._line: list[str] = []

    def walk(self, root: Tag) -> None:
        self._children(root)
        self._flush()

    def _children(self, tag: Tag) -> None:
        for child in tag.children:
            self._node(child)

    def _node(self, node: PageElement) -> None:
        if isinstance(node, NavigableString):
            if type(node) is NavigableString:  # comments and declarations are kinds of their own
                self._line.append(str(node))
            return
        if not isinstance(node, Tag) or node.name in SILENT:
            return
        if node.name in HEADINGS:
            self._flush()
            self._builder.heading(" ".join(node.get_text(" ").split()), HEADINGS[node.name])
        elif node.name == "table" and not node.find("table"):
            self._flush()
            self._table(node)
        elif node.name == "li":
            self._flush()
            self._children(node)
            self._flush("list_item")
        elif node.name == "pre":
            self._flush()
            self._builder.add("code", node.get_text(), label=self._label)
        elif node.name in OWN_LINE or node.name in ("tr", "td", "th"):
            self._flush()
            self._children(node)
            self._flush()
        else:
            self._children(node)

    def _table(self, table: Tag) -> None:
        rows = [
            [" ".join(cell.get_text(" ").split()) for cell in row.find_all(["td", "th"])]
            for row in table.find_all("tr")
        ]
        wide = max((sum(bool(c) for c in row) for row in rows), default=0)
        if wide >= 2:
            self._builder.table(([c for c in row if c] for row in rows), label=self._label)
        else:  # a table used for layout
            self._children(table)
            self._flush()

    def _flush(self, kind: str = "paragraph") -> None:
        text = " ".join("".join(self._line).split())
        self._line = []
        self._builder.add("list_item" if kind == "list_item" else "paragraph", text, label=self._label)
