"""One row."""

from dataclasses import dataclass
from typing import Literal

Standing = Literal["works", "dropped", "refused"]
"""`works`: does what the specification says. `dropped`: taken, and the answer is the same without it. `refused`: a 400
that names the field, since the answer would not be what was asked for."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    standing: Standing
    note: str = ""
    """Bounds of a field that works; the reason why another is dropped or refused, as a sentence."""
