"""Ids as OpenAI writes them: a word for the kind, then 32 hexadecimal digits of our own UUID."""

import re
from typing import Literal
from uuid import UUID

Kind = Literal["file", "vs", "vsfb", "batch", "resp"]
MARKS: dict[Kind, str] = {"file": "file-", "vs": "vs_", "vsfb": "vsfb_", "batch": "batch_", "resp": "resp_"}
HEX = re.compile(r"[0-9a-f]{32}")


def public_id(kind: Kind, key: UUID) -> str:
    return MARKS[kind] + key.hex


def read_id(kind: Kind, text: str) -> UUID | None:
    """None when it is no id of this kind: then there is no such object either."""
    mark = MARKS[kind]
    digits = text.removeprefix(mark)
    return UUID(digits) if text.startswith(mark) and HEX.fullmatch(digits) else None
