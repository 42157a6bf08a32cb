"""What may be used, and what was.

1. Before work, `Usage.reserve` takes what the call may cost from the limits of its user, groups and key.
2. After it, `Reservation.settle` books what it really cost, exactly once, and gives the rest back.

Rule: every door (chat, API, batches) goes through here, and none asks the database in the middle of a request.
"""

from appliance.usage.port import Ask, Reservation, Spent
from appliance.usage.service import Usage

__all__ = ["Ask", "Reservation", "Spent", "Usage"]
