"""Which store gateways share their limits in."""

from collections.abc import Callable
from uuid import UUID

from appliance.storage import Database
from appliance.usage.pool import Pool
from appliance.usage.postgres import PostgresPool
from appliance.usage.settings import UsageSettings

OpenPool = Callable[[UUID], Pool]
"""From a gateway's id to its side of the store."""


def shared_pool(database: Database, settings: UsageSettings) -> OpenPool | None:
    """Valkey when an address is set, else PostgreSQL when it is the database, else nothing: SQLite has one gateway."""
    timeout_s = settings.lease_timeout_s
    if settings.url:
        from appliance.usage.valkey import ValkeyPool  # noqa: PLC0415 - its client takes 20 MB, which few need

        return lambda gateway_id: ValkeyPool(settings.url, gateway_id, lease_timeout_s=timeout_s)
    if not database.is_sqlite:
        return lambda gateway_id: PostgresPool(database, gateway_id, lease_timeout_s=timeout_s)
    return None
