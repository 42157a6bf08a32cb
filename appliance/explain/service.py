"""Explains one account's access to one object."""

from collections.abc import Iterable
from uuid import UUID

from appliance.answers import Assistants
from appliance.audit import Audit, Event
from appliance.chat import ConversationRepository
from appliance.documents import DocumentService
from appliance.explain.errors import OthersAccess
from appliance.explain.people import Accounts
from appliance.explain.values import Explanation, LimitKind, Named, Target, Way
from appliance.explain.ways import ways_to
from appliance.foundation import NotFound
from appliance.identity import EVERYONE, People, Permission, Principal
from appliance.identity.directory import Ancestry, ancestry_of
from appliance.library import CollectionInfo
from appliance.storage import Database


class Explain:
    """Answers whoever may know; for others the object is not there."""

    def __init__(
        self,
        database: Database,
        people: People,
        accounts: Accounts,
        documents: DocumentService,
        conversations: ConversationRepository,
        assistants: Assistants,
        audit: Audit,
    ) -> None:
        self._database = database
        self._people = people
        self._accounts = accounts
        self._documents = documents
        self._conversations = conversations
        self._assistants = assistants
        self._audit = audit

    async def explain(
        self, asker: Principal, user: str | None, target: Target, key_id: UUID | None = None
    ) -> Explanation:
        """Why the account sees the object, or why not; with a key of it, also what the key leaves out.

        Raises:
            NotFound: no such object for this asker, or no such account.
            OthersAccess: the asker sees the object, and asks about somebody else.
        """
        account_id = await self._accounts.find(asker, user)
        asks_self = account_id == asker.user_id
        key_id = asker.key_id if asks_self and key_id is None else key_id
        if target.kind == "conversation":
            told = await self._conversation(asker, account_id, target)
        elif target.kind == "assistant":
            told = await self._assistant(asker, account_id, target, key_id)
        else:
            told = await self._shelf(asker, account_id, target, key_id)
        if not asks_self:
            about: dict[str, str | bool] = {"about": f"user:{account_id}", "allowed": told.allowed}
            await self._audit.record_alone(Event("access.explained", f"{target.kind}:{target.id}", details=about))
        return told

    async def _shelf(self, asker: Principal, account_id: UUID, target: Target, key_id: UUID | None) -> Explanation:
        is_document = target.kind == "document"
        collection, name = await self._documents.known(_uuid(target), is_document=is_document)
        manages = self._manages(asker, collection.owner_id) and asker.scope().reaches(collection.id)
        if not manages:
            if not await self._documents.is_readable(asker, collection.id):
                raise NotFound(f"There is no such {target.kind}.")
            _only_self(asker, account_id)
        principal = await self._accounts.as_now(account_id, key_id)
        groups = await self._groups(account_id)
        is_read = principal is not None and await self._documents.is_readable(principal, collection.id)
        limits: list[LimitKind] = []
        if principal is None:
            limits.append("account_shut")
        elif not principal.scope().reaches(collection.id):
            limits.append("key_scope")
        return Explanation(
            account=await self._named(account_id),
            target=target,
            name=name,
            collection=Named(collection.id, collection.name),
            allowed=is_read,
            ways=ways_to(collection.owner_id, collection.readers, account_id, groups),
            limits=tuple(limits),
            readers=await self._reader_names(collection) if manages else None,
        )

    async def _conversation(self, asker: Principal, account_id: UUID, target: Target) -> Explanation:
        """Nobody but its owner reads one, whatever roles they have."""
        found = await self._conversations.owner_of(_uuid(target))
        owns = found is not None and found[0] == asker.user_id and not asker.key_scope.is_narrow
        if found is None or not (owns or asker.reach(Permission.ACCESS_EXPLAIN) == "any"):
            raise NotFound("There is no such conversation.")
        is_owner = found[0] == account_id
        is_shut = await self._accounts.as_now(account_id) is None
        return Explanation(
            account=await self._named(account_id),
            target=target,
            name=found[1] if owns else "",
            collection=None,
            allowed=is_owner and not is_shut,
            ways=(Way("owner"),) if is_owner else (),
            limits=("account_shut",) if is_shut else () if is_owner else ("private",),
            readers=((await self._named(found[0])).name,),
        )

    async def _assistant(self, asker: Principal, account_id: UUID, target: Target, key_id: UUID | None) -> Explanation:
        """Everybody has every assistant, but for keys that name others."""
        assistant = self._assistants.get(target.id)
        if asker.reach(Permission.ACCESS_EXPLAIN) != "any":
            _only_self(asker, account_id)
        principal = await self._accounts.as_now(account_id, key_id)
        limits: tuple[LimitKind, ...] = ()
        if principal is None:
            limits = ("account_shut",)
        elif not principal.key_scope.may_use_assistant(assistant.id):
            limits = ("key_scope",)
        return Explanation(
            account=await self._named(account_id),
            target=target,
            name=assistant.name,
            collection=None,
            allowed=not limits,
            ways=(Way("everyone"),),
            limits=limits,
            readers=(EVERYONE,),
        )

    def _manages(self, asker: Principal, owner_id: UUID) -> bool:
        return owner_id == asker.user_id or asker.reach(Permission.ACCESS_EXPLAIN) == "any"

    async def _named(self, account_id: UUID) -> Named:
        """Raises NotFound."""
        return Named(account_id, (await self._people.get(account_id)).name)

    async def _groups(self, account_id: UUID) -> Ancestry:
        async with self._database.read() as session:
            return await ancestry_of(session, account_id)

    async def _reader_names(self, collection: CollectionInfo) -> tuple[str, ...]:
        names = await self._people.names(_ids(collection.readers))
        shown = [EVERYONE] if EVERYONE in collection.readers else []
        return (*shown, *sorted(names.values()))


def _only_self(asker: Principal, account_id: UUID) -> None:
    if account_id != asker.user_id:
        raise OthersAccess("Only who manages it may ask why somebody else sees it.")


def _ids(readers: Iterable[str]) -> list[UUID]:
    return [UUID(reader.partition(":")[2]) for reader in readers if reader != EVERYONE]


def _uuid(target: Target) -> UUID:
    try:
        return UUID(target.id)
    except ValueError:
        raise NotFound(f"There is no such {target.kind}.") from None
