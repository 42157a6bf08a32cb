"""`/api/access`."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post

from appliance.explain.errors import OneObject
from appliance.explain.service import Explain
from appliance.explain.values import Target
from appliance.explain.view import ViewAs
from appliance.explain.wire import (
    ExplanationReply,
    FoundAs,
    NamedReply,
    SearchAs,
    SeenReply,
    explanation_reply,
    ways_reply,
)
from appliance.identity import Permission, Principal, requires

Call = Request[Principal, Any, Any]


class AccessController(Controller):
    path = "/api/access"

    @get("/explain", guards=[requires(Permission.ACCESS_EXPLAIN)])
    async def explain(
        self,
        request: Call,
        explain: Explain,
        user: str | None = None,
        key: UUID | None = None,
        document: str | None = None,
        collection: str | None = None,
        conversation: str | None = None,
        assistant: str | None = None,
    ) -> ExplanationReply:
        """Why an account sees an object, or why not. `user`: an id or an address; the caller without it."""
        told = await explain.explain(request.user, user, _target(document, collection, conversation, assistant), key)
        return explanation_reply(told, is_self=told.account.id == request.user.user_id)

    @get("/view", guards=[requires(Permission.ACCESS_SIMULATE)])
    async def view(self, request: Call, view_as: ViewAs, user: str) -> list[SeenReply]:
        """The caller's collections, and which of them the account would see."""
        seen = await view_as.collections(request.user, user)
        return [
            SeenReply(s.collection.id, s.collection.name, s.visible, ways_reply(s.ways, "This account is"))
            for s in seen
        ]

    @post("/search", guards=[requires(Permission.ACCESS_SIMULATE)], status_code=200)
    async def search(self, request: Call, data: SearchAs, view_as: ViewAs) -> list[FoundAs]:
        """What the account would find in the caller's collections."""
        found = await view_as.search(request.user, data.user, data.query, data.limit)
        return [
            FoundAs(
                passage_id=p.passage.id,
                document=NamedReply(p.passage.document_id, p.passage.document_name),
                collection=NamedReply(p.passage.collection_id, p.passage.collection_name),
                page=p.passage.page,
                text=p.passage.text,
                score=p.score,
            )
            for p in found.passages
        ]


def _target(document: str | None, collection: str | None, conversation: str | None, assistant: str | None) -> Target:
    """Raises OneObject."""
    named = [
        target
        for target in (
            Target("document", document or ""),
            Target("collection", collection or ""),
            Target("conversation", conversation or ""),
            Target("assistant", assistant or ""),
        )
        if target.id
    ]
    if len(named) != 1:
        raise OneObject("It is not clear what is asked about.")
    return named[0]
