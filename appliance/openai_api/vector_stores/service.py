"""Vector stores: made, listed, changed, deleted as the collections that they are."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from msgspec import UNSET

from appliance.documents import DocumentService
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity import Principal
from appliance.inference import Engines
from appliance.library import CollectionInfo, CollectionNameTaken
from appliance.openai_api.ids import read_id
from appliance.openai_api.vector_stores.errors import NoSuchStore, StoreExpired
from appliance.openai_api.vector_stores.repository import StoreNote, VectorStoreRepository
from appliance.openai_api.vector_stores.shapes import vector_store
from appliance.openai_api.vector_stores.wire import StoreCreate, StoreUpdate, VectorStore
from appliance.storage import Page, PageAsk


class VectorStores:
    """Stores of the caller: every collection that they may read."""

    def __init__(
        self, documents: DocumentService, repository: VectorStoreRepository, engines: Engines, clock: Clock
    ) -> None:
        self._documents = documents
        self._repository = repository
        self._engines = engines
        self._clock = clock

    async def create(self, caller: Principal, asked: StoreCreate) -> VectorStore:
        """A collection that the caller owns and nobody else reads; files are attached by whoever called this."""
        given = (asked.name or "").strip()
        collection = await self._made(caller, given, asked.description or "")
        note = StoreNote(
            given_name=given,
            assigned_name=collection.name,
            labels=tuple((asked.metadata or {}).items()),
            expires_after_days=asked.expires_after.days if asked.expires_after else None,
        )
        await self._repository.keep(collection.id, note)
        return await self.show(caller, collection.id)

    async def page(self, caller: Principal, ask: PageAsk) -> Page[VectorStore]:
        found = await self._documents.collections_by_age(caller, ask)
        notes = await self._repository.notes([c.id for c in found.items])
        now = self._clock.now()
        return found.map(lambda c: vector_store(c, notes.get(c.id, StoreNote()), now))

    async def show(self, caller: Principal, collection_id: UUID) -> VectorStore:
        collection = await self._documents.collection(caller, collection_id)
        notes = await self._repository.notes([collection_id])
        return vector_store(collection, notes.get(collection_id, StoreNote()), self._clock.now())

    async def change(self, caller: Principal, store_id: str, asked: StoreUpdate) -> VectorStore:
        """What is not sent stays. Raises NoSuchStore, NotAllowed."""
        collection_id = await self.readable(caller, store_id)
        collection = await self._documents.managed(caller, collection_id)
        note = (await self._repository.notes([collection_id])).get(collection_id, StoreNote())
        if asked.name is not UNSET and asked.name is not None:
            given = asked.name.strip()
            renamed = await self._renamed(caller, collection, given)
            note = replace(note, given_name=given, assigned_name=renamed.name)
        if asked.metadata is not UNSET:
            note = replace(note, labels=tuple((asked.metadata or {}).items()))
        if asked.expires_after is not UNSET:
            note = replace(note, expires_after_days=asked.expires_after.days if asked.expires_after else None)
        await self._repository.keep(collection_id, note)
        return await self.show(caller, collection_id)

    async def delete(self, caller: Principal, store_id: str) -> None:
        """The collection, with everything in it. Raises NoSuchStore, NotAllowed."""
        await self._documents.delete_collection(caller, await self.readable(caller, store_id))

    async def readable(self, caller: Principal, store_id: str) -> UUID:
        """The collection of a store. Raises NoSuchStore, also for one that the caller may not read."""
        collection_id = read_id("vs", store_id)
        try:
            if collection_id is not None:
                return (await self._documents.collection(caller, collection_id)).id
        except NotFound as error:
            raise NoSuchStore("There is no such vector store.") from error
        raise NoSuchStore("There is no such vector store.")

    async def usable(self, caller: Principal, store_ids: Sequence[str]) -> list[UUID]:
        """Collections of stores that are there and have not expired; they are active now.

        Raises:
            NoSuchStore: one of them is not there, or not for the caller.
            StoreExpired: one of them was not used for too long.
        """
        collection_ids = [await self.readable(caller, store_id) for store_id in store_ids]
        now = self._clock.now()
        for note in (await self._repository.notes(collection_ids)).values():
            if note.expires_at is not None and note.expires_at <= now:
                raise StoreExpired("The vector store has expired.")
        await self._repository.touch(collection_ids)
        return collection_ids

    async def _made(self, caller: Principal, given: str, description: str) -> CollectionInfo:
        names = _names(given)
        profile = self._engines.default_embedding_profile()
        try:
            return await self._documents.create_collection(
                caller, name=names[0], description=description, readers=(), profile=profile
            )
        except CollectionNameTaken:
            return await self._documents.create_collection(
                caller, name=names[1], description=description, readers=(), profile=profile
            )

    async def _renamed(self, caller: Principal, collection: CollectionInfo, given: str) -> CollectionInfo:
        names = _names(given)
        change = self._documents.change_collection
        try:
            return await change(caller, collection.id, name=names[0], description=None, readers=None)
        except CollectionNameTaken:
            return await change(caller, collection.id, name=names[1], description=None, readers=None)


def _names(given: str) -> tuple[str, str]:
    """What a collection may be called for a store of this name, and what when that is taken: names of stores repeat."""
    mark = new_id().hex[:8]
    plain = given[:180]
    return (plain, f"{plain} ({mark})") if plain else (f"Vector store {mark}", f"Vector store {new_id().hex[:12]}")
