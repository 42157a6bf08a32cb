"""What passes between the cage and its child."""

from typing import Literal

from msgspec import Struct

from appliance.parsing.limits import CageLimits

EXIT_REFUSED = 3


class Task(Struct, frozen=True):
    kind: Literal["parse", "render"]
    path: str
    name: str
    page: int = 0


class Order(Struct, frozen=True):
    """What the child reads from its standard input: arguments are shown to everybody on the machine."""

    task: Task
    limits: CageLimits
    cpu_s: int


class Refusal(Struct, frozen=True):
    reason: str
    remedy: str
