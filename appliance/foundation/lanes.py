"""How urgent a piece of work is."""

from typing import Literal

Lane = Literal["interactive", "batch"]
"""`interactive`: somebody waits for it. `batch`: it may wait for whatever is left over."""
