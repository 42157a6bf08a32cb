"""What may be used, and what was.

1. Before work, `Usage.reserve` takes what the call may cost from the limits of its user, groups and key: in memory
   (`plan.py`, `allowance.py`, `window.py`), after a wait where running calls may give something back (`queueing.py`).
2. The reservation is in the journal before the call goes on (`journal.py`).
3. After it, `Reservation.settle` books what it really cost, exactly once, and gives the rest back.
4. Every second, what was settled goes into the database (`ledger.py`); a restart replays what did not.

Rule: every door (chat, API, batches) goes through here, and none asks the database in the middle of a request.
"""

from appliance.usage.errors import LimitExceeded
from appliance.usage.pools import shared_pool
from appliance.usage.port import Ask, Spent
from appliance.usage.reports import UsageReports
from appliance.usage.reservation import Reservation
from appliance.usage.routes import LimitsController, UsageController
from appliance.usage.service import Usage
from appliance.usage.settings import UsageSettings
from appliance.usage.store import UsageStore

__all__ = [
    "Ask",
    "LimitExceeded",
    "LimitsController",
    "Reservation",
    "Spent",
    "Usage",
    "UsageController",
    "UsageReports",
    "UsageSettings",
    "UsageStore",
    "shared_pool",
]
