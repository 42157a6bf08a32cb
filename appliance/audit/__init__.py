"""Who did what to which thing: an append-only, hash-chained record that shows when it was bent.

1. A room that acts calls `record(session, Event(…))` in the transaction of the act; without a transaction of its own,
   `Audit.record_alone`. Who, from where and for which request comes from the request in work.
2. Just before the commit the event is chained to the one before it and written (`append.py`). When that fails the act
   fails: there is no act without its event, and no event without its act.
3. Checkpoints outside the database, signed, say how far the chain was and what its hash was.
4. `appliance audit verify` holds the database against them.

Rule: an event never holds a secret, a prompt or text of a document, and what is personal only as `Audit.masked` gives
it. So nobody ever has a reason to erase one.
"""

from appliance.audit.actions import ACTIONS
from appliance.audit.append import record
from appliance.audit.checkpoints import Checkpoint
from appliance.audit.errors import AuditUnwritable, UnknownAction
from appliance.audit.events import Event
from appliance.audit.ocsf import to_ocsf
from appliance.audit.query import AuditReader, Filter, StoredEvent
from appliance.audit.service import Audit
from appliance.audit.settings import AuditSettings

__all__ = [
    "ACTIONS",
    "Audit",
    "AuditReader",
    "AuditSettings",
    "AuditUnwritable",
    "Checkpoint",
    "Event",
    "Filter",
    "StoredEvent",
    "UnknownAction",
    "record",
    "to_ocsf",
]
