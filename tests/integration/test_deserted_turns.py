"""An answer goes on while somebody looks, by whichever way, and its engine is freed when nobody does."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from appliance.answers import AnswerEvent, AnswerFinished, TokenDelta, Turn, TurnCost
from appliance.chat import ChatService, ChatSettings
from appliance.identity import AccessScope, Principal
from appliance.identity.credentials import Credential
from tests.support.gateway import Gateway

GRACE_S = 0.4
WORDS = 40


class SlowAnswers:
    """Writes a word every 50 ms, two seconds in all: five times the grace."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    def most(self, _turn: Turn) -> TurnCost:
        return TurnCost(prompt_tokens=1, completion_tokens=WORDS)

    async def answer(self, _scope: AccessScope, _turn: Turn) -> AsyncGenerator[AnswerEvent]:
        try:
            for _ in range(WORDS):
                yield TokenDelta("word ")
                await asyncio.sleep(0.05)
            yield AnswerFinished("word " * WORDS, (), "no_search", "stop", 1, WORDS)
        finally:
            self.left.set()


@pytest.fixture
def answers() -> SlowAnswers:
    return SlowAnswers()


@pytest.fixture
def chat(running_gateway: Gateway, answers: SlowAnswers) -> ChatService:
    parts = running_gateway.parts
    settings, leases = ChatSettings(GRACE_S), parts.access.leases
    return ChatService(parts.chat._repository, answers, parts.assistants, parts.usage, settings, leases)  # type: ignore[arg-type]


@pytest.fixture
async def caller(running_gateway: Gateway) -> Principal:
    return await running_gateway.parts.access.caller(Credential("bearer", running_gateway.parts.access.operator_token))


async def test_a_page_that_was_loaded_anew_keeps_the_answer_going(chat: ChatService, caller: Principal) -> None:
    row = await chat.create(caller)
    live = await chat.ask(caller, row.id, question="Hello", assistant_id="assistant", collection_ids=None)
    seen = []
    async with asyncio.timeout(20):
        while not live.done:
            _, turns = await chat.conversation(caller, row.id)
            seen.append(turns[0].answer)
            await asyncio.sleep(GRACE_S / 4)
    _, turns = await chat.conversation(caller, row.id)
    assert turns[0].state == "finished"
    assert turns[0].answer.count("word") == WORDS
    assert len(set(seen)) > 3, "the page sees it grow"


async def test_an_answer_that_nobody_looks_at_is_stopped_and_kept(
    chat: ChatService, caller: Principal, answers: SlowAnswers
) -> None:
    row = await chat.create(caller)
    live = await chat.ask(caller, row.id, question="Hello", assistant_id="assistant", collection_ids=None)
    async with asyncio.timeout(20):
        await answers.left.wait()
        await asyncio.wait({live.task} if live.task else set())
    _, turns = await chat.conversation(caller, row.id)
    assert turns[0].state == "stopped"
    assert 0 < turns[0].answer.count("word") < WORDS
