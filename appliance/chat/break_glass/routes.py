"""Breaking the glass over HTTP, and the notices of those whom it is about."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post

from appliance.chat.break_glass.service import BreakGlass
from appliance.chat.break_glass.wire import (
    BreakGlassAsk,
    BreakGlassNotice,
    BreakGlassReply,
    notice_reply,
    request_reply,
)
from appliance.chat.wire import Conversation, ConversationWithTurns, conversation_reply, turn_reply
from appliance.identity import Permission, Principal, requires

Call = Request[Principal, Any, Any]
ASK, APPROVE = requires(Permission.BREAK_GLASS_ASK, "any"), requires(Permission.BREAK_GLASS_APPROVE, "any")


class BreakGlassController(Controller):
    path = "/api/break-glass"

    @get(guards=[APPROVE])
    async def requests(self, break_glass: BreakGlass) -> list[BreakGlassReply]:
        """All requests, newest first."""
        found = await break_glass.all()
        names = await break_glass.names(found)
        return [request_reply(request, names) for request in found]

    @post(guards=[ASK])
    async def ask(self, request: Call, data: BreakGlassAsk, break_glass: BreakGlass) -> BreakGlassReply:
        made = await break_glass.ask(request.user, data.person_id, data.reason, data.minutes)
        return request_reply(made, await break_glass.names([made]))

    @post("/{request_id:uuid}/approve", guards=[APPROVE], status_code=200)
    async def approve(self, request: Call, request_id: UUID, break_glass: BreakGlass) -> BreakGlassReply:
        """The time runs from now on, and the person is told."""
        changed = await break_glass.decide(request.user, request_id, approve=True)
        return request_reply(changed, await break_glass.names([changed]))

    @post("/{request_id:uuid}/refuse", guards=[APPROVE], status_code=200)
    async def refuse(self, request: Call, request_id: UUID, break_glass: BreakGlass) -> BreakGlassReply:
        changed = await break_glass.decide(request.user, request_id, approve=False)
        return request_reply(changed, await break_glass.names([changed]))

    @post("/{request_id:uuid}/end", guards=[APPROVE], status_code=200)
    async def end(self, request: Call, request_id: UUID, break_glass: BreakGlass) -> BreakGlassReply:
        changed = await break_glass.end(request.user, request_id)
        return request_reply(changed, await break_glass.names([changed]))

    @get("/{request_id:uuid}/conversations", guards=[ASK])
    async def conversations(self, request: Call, request_id: UUID, break_glass: BreakGlass) -> list[Conversation]:
        """Titles; only for whoever asked, while it is open. Each look is in the audit."""
        return [conversation_reply(row) for row in await break_glass.conversations(request.user, request_id)]

    @get("/{request_id:uuid}/conversations/{conversation_id:uuid}", guards=[ASK])
    async def conversation(
        self, request: Call, request_id: UUID, conversation_id: UUID, break_glass: BreakGlass
    ) -> ConversationWithTurns:
        row, turns = await break_glass.conversation(request.user, request_id, conversation_id)
        shown = [turn_reply(turn) for turn in turns]
        return ConversationWithTurns(id=row.id, title=row.title, updated_at=row.updated_at, turns=shown)


class NoticesController(Controller):
    path = "/api/me/notices"
    guards = [requires(Permission.ACCOUNT_USE)]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def notices(self, request: Call, break_glass: BreakGlass) -> list[BreakGlassNotice]:
        """Who may read, or could read, the caller's conversations, and why."""
        found = await break_glass.notices(request.user)
        names = await break_glass.names(found)
        return [notice_reply(notice, names) for notice in found]

    @post("/{notice_id:uuid}/seen", status_code=204)
    async def seen(self, request: Call, notice_id: UUID, break_glass: BreakGlass) -> None:
        await break_glass.seen(request.user, notice_id)
