"""One's own collections with the eyes of somebody else."""

from dataclasses import dataclass, replace
from uuid import UUID

from appliance.audit import Audit, Event
from appliance.documents import DocumentService
from appliance.explain.people import Accounts
from appliance.explain.values import Named, Way
from appliance.explain.ways import ways_to
from appliance.identity import AccessScope, Permission, Principal
from appliance.identity.directory import ancestry_of
from appliance.library import CollectionInfo
from appliance.retrieval import Found, Retrieval
from appliance.storage import Database


@dataclass(frozen=True, slots=True)
class Seen:
    """A collection of the asker, and whether the other one sees it."""

    collection: Named
    visible: bool
    ways: tuple[Way, ...]


class ViewAs:
    """Never shows anything that the asker could not read: the two scopes are cut with each other."""

    def __init__(
        self, database: Database, accounts: Accounts, documents: DocumentService, retrieval: Retrieval, audit: Audit
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._documents = documents
        self._retrieval = retrieval
        self._audit = audit

    async def collections(self, asker: Principal, user: str) -> list[Seen]:
        """All that the asker manages, by name. Raises NotFound, OthersAccess: the account."""
        account_id, principal = await self._other(asker, user, "collections")
        async with self._database.read() as session:
            groups = await ancestry_of(session, account_id)
        readable = await self._documents.readable(principal) if principal is not None else frozenset()
        return [
            Seen(Named(c.id, c.name), c.id in readable, ways_to(c.owner_id, c.readers, account_id, groups))
            for c in await self._managed(asker)
        ]

    async def search(self, asker: Principal, user: str, query: str, limit: int) -> Found:
        """What the other one would find in the asker's collections. Raises NotFound, OthersAccess: the account."""
        _, principal = await self._other(asker, user, "search")
        if principal is None:
            return await self._retrieval.search(AccessScope(), query, collection_ids=None, limit=limit)
        own = frozenset(c.id for c in await self._managed(asker)) & await self._documents.readable(asker)
        scope = replace(principal.scope(), collections=own)
        return await self._retrieval.search(scope, query, collection_ids=None, limit=limit)

    async def _managed(self, asker: Principal) -> list[CollectionInfo]:
        of_all = asker.reach(Permission.ACCESS_SIMULATE) == "any"
        found = await self._documents.owned(None if of_all else asker.user_id)
        return [c for c in found if asker.scope().reaches(c.id)]

    async def _other(self, asker: Principal, user: str, what: str) -> tuple[UUID, Principal | None]:
        account_id = await self._accounts.find(asker, user)
        await self._audit.record_alone(Event("access.simulated", f"user:{account_id}", details={"looked_at": what}))
        return account_id, await self._accounts.as_now(account_id)
