"""From a file's bytes to blocks and passages.

1. `parse_file` starts a child that can be killed (`cage.py`); it locks itself in before it reads a byte (`child.py`).
2. The child tells the type by the bytes (`detect.py`), looks at archives before unpacking (`archive.py`), and reads the
   file with the parser of its format (`formats/`).
3. `make_passages` cuts the blocks into passages, outside the cage, since it sees plain text only.

Every file ends as a `ParsedDocument`, whole or with problems named, or as `DocumentRefused` with a sentence for people.

Rule: nothing outside the cage opens a document with a parser's library. This room imports fast: it is what the child
loads first.
"""

from appliance.parsing.blocks import Block, Box, ParsedDocument, PassageDraft
from appliance.parsing.cage import parse_file, render_page
from appliance.parsing.errors import DocumentRefused
from appliance.parsing.limits import CageLimits
from appliance.parsing.passages import PassageRules, make_passages

__all__ = [
    "Block",
    "Box",
    "CageLimits",
    "DocumentRefused",
    "ParsedDocument",
    "PassageDraft",
    "PassageRules",
    "make_passages",
    "parse_file",
    "render_page",
]
