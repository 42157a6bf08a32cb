"""How long to wait before the next start."""

import random

FIRST_S = 1.0
LONGEST_S = 60.0


def delay_s(failures: int, *, jitter: float | None = None) -> float:
    """Doubling from one second to a minute, spread by ±20 % so that engines do not start in step.

    Args:
        failures: Failed starts in a row; 1 is the first.
        jitter: Share between -1 and 1; drawn when None.
    """
    spread = random.uniform(-1.0, 1.0) if jitter is None else jitter  # noqa: S311 - spreads load, guards nothing
    return float(min(LONGEST_S, FIRST_S * 2 ** max(0, failures - 1)) * (1 + 0.2 * spread))
