"""What passes between the cage and its child."""

from typing import Literal

from msgspec import Struct

EXIT_REFUSED = 3


class Task(Struct, frozen=True):
    kind: Literal["parse", "render"]
    path: str
    name: str
    page: int = 0


class Refusal(Struct, frozen=True):
    reason: str
    remedy: str
