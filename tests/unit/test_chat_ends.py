"""The end of a turn, when the database is away just then."""

import asyncio
from typing import Any, cast
from uuid import uuid4

from appliance.answers import AnswerFailed, TokenDelta
from appliance.chat.live import LiveTurn
from appliance.chat.service import ChatService, ChatSettings
from appliance.storage import DatabaseUnavailable


class Shelf:
    """Refuses the first `away` times, then keeps."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.kept: list[tuple[str, str]] = []

    async def fail(self, _turn_id: object, text: str, event: AnswerFailed) -> None:
        if self.away:
            self.away -= 1
            raise DatabaseUnavailable("The database does not answer.", retry_after_s=0.05)
        self.kept.append((text, event.code))


def service(shelf: Shelf) -> ChatService:
    rest = cast("Any", None)
    return ChatService(cast("Any", shelf), rest, rest, rest, ChatSettings(), rest)


async def test_a_reader_is_told_at_once_and_the_text_is_kept_when_the_database_is_back() -> None:
    shelf, live = Shelf(away=3), LiveTurn(turn_id=uuid4(), user_id=uuid4())
    live.add(TokenDelta("half of it"))
    end = AnswerFailed("engine_unavailable", "It went away.")
    keeping = asyncio.create_task(service(shelf)._end(live, end))
    async with live.reading() as events:
        seen = [event async for event in events]
    assert seen[-1] == end
    assert shelf.kept == [], "told before it was kept"
    await keeping
    assert shelf.kept == [("half of it", "engine_unavailable")]
    assert live.events.count(end) == 1


async def test_with_a_database_it_is_kept_before_it_is_told() -> None:
    shelf, live = Shelf(away=0), LiveTurn(turn_id=uuid4(), user_id=uuid4())
    end = AnswerFailed("timeout", "Too long.")
    await service(shelf)._end(live, end)
    assert shelf.kept == [("", "timeout")]
    assert live.events == [end]
    assert not live.done, "whoever writes it says so last"
