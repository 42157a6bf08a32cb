"""The audit as the parts hold it."""

import hashlib
import hmac

from appliance.audit.append import record
from appliance.audit.events import Event
from appliance.audit.settings import AuditSettings
from appliance.audit.store import read_or_make
from appliance.storage import Database


class Audit:
    """One per process."""

    def __init__(self, database: Database, settings: AuditSettings) -> None:
        self._database = database
        self._settings = settings

    async def record_alone(self, event: Event) -> None:
        """Write an event that belongs to no other transaction; it is kept when this returns. Raises AuditUnwritable."""
        async with self._database.write() as session:
            await record(session, event)

    def masked(self, text: str) -> str:
        """Something personal, such as an address that somebody typed, so that only who knows it can recognise it.

        The same text gives the same value for as long as the file `salt` stays.
        """
        salt = read_or_make(self._settings.folder / "salt", 32)
        return "hmac:" + hmac.new(salt, text.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]
