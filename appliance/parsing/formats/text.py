"""Plain text and XML read as text."""

import re
from pathlib import Path

from appliance.parsing.build import BlockBuilder
from appliance.parsing.decoding import decode

TAG = re.compile(r"<[^<>]{0,2000}>")
ENTITY = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}


def parse(path: Path, builder: BlockBuilder) -> int:
    text = decode(path.read_bytes())
    if text.lstrip().startswith("<?xml"):
        text = _without_tags(text)
    add_paragraphs(text, builder)
    return 0


def add_paragraphs(text: str, builder: BlockBuilder, label: str = "") -> None:
    """Blank lines part paragraphs; a long run without any is one."""
    for part in re.split(r"\n\s*\n", text):
        builder.add("paragraph", part, label=label)


def _without_tags(text: str) -> str:
    """No XML parser: entities and external definitions cannot do anything here."""
    text = re.sub(r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[|\]\]>|<!DOCTYPE[^>]*>", " ", text, flags=re.DOTALL)
    plain = TAG.sub(" ", text)
    for entity, character in ENTITY.items():
        plain = plain.replace(entity, character)
    return "\n".join(" ".join(line.split()) for line in plain.splitlines())
