"""An answer goes on while somebody looks, by whichever way, and its engine is freed when nobody does."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from appliance.answers import AnswerEvent, AnswerFinished, TokenDelta, Turn, TurnCost
from appliance.chat import ChatService, ChatSettings
from appliance.chat.models import TurnRow
from appliance.identity import AccessScope, Principal
from appliance.identity.credentials import Credential
from tests.support.clocks import HANGS_S
from tests.support.gateway import Gateway

GRACE_S = 0.4
WORDS = 40


class SlowAnswers:
    """Writes for five times the grace."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self.left = asyncio.Event()
        self.pause_s = grace_s * 5 / WORDS

    def most(self, _turn: Turn) -> TurnCost:
        return TurnCost(prompt_tokens=1, completion_tokens=WORDS)

    async def answer(self, _scope: AccessScope, _turn: Turn) -> AsyncGenerator[AnswerEvent]:
        try:
            for _ in range(WORDS):
                yield TokenDelta("word ")
                await asyncio.sleep(self.pause_s)
            yield AnswerFinished("word " * WORDS, (), "no_search", "stop", 1, WORDS)
        finally:
            self.left.set()


def service(gateway: Gateway, answers: SlowAnswers, grace_s: float) -> ChatService:
    parts = gateway.parts
    settings, leases = ChatSettings(grace_s), parts.access.leases
    return ChatService(parts.chat._repository, answers, parts.assistants, parts.usage, settings, leases)  # type: ignore[arg-type]


@pytest.fixture
async def caller(running_gateway: Gateway) -> Principal:
    return await running_gateway.parts.access.caller(Credential("bearer", running_gateway.parts.access.operator_token))


@dataclass
class Page:
    """What a page saw that asked again and again until the answer had ended."""

    turn: TurnRow
    seen: set[str]
    longest_pause_s: float
    """Between two looks, at most."""


async def looked_at(chat: ChatService, caller: Principal, every_s: float) -> Page:
    row = await chat.create(caller)
    seen, before, longest = set[str](), time.monotonic(), 0.0
    live = await chat.ask(caller, row.id, question="Hello", assistant_id="assistant", collection_ids=None)
    async with asyncio.timeout(HANGS_S):
        while not live.done:
            began = time.monotonic()
            _, turns = await chat.conversation(caller, row.id)
            longest, before = max(longest, time.monotonic() - before), began
            seen.add(turns[0].answer)
            await asyncio.sleep(every_s)
    _, turns = await chat.conversation(caller, row.id)
    return Page(turns[0], seen, max(longest, time.monotonic() - before))


async def test_a_page_that_was_loaded_anew_keeps_the_answer_going(running_gateway: Gateway, caller: Principal) -> None:
    for grace_s in (GRACE_S, 5 * GRACE_S, 25 * GRACE_S):
        page = await looked_at(service(running_gateway, SlowAnswers(grace_s), grace_s), caller, grace_s / 4)
        if page.longest_pause_s < grace_s:  # a machine that stands still for longer looks like a page that was closed
            break
    assert page.turn.state == "finished"
    assert page.turn.answer.count("word") == WORDS
    assert len(page.seen) > 3, "the page sees it grow"


async def test_an_answer_that_nobody_looks_at_is_stopped_and_kept(running_gateway: Gateway, caller: Principal) -> None:
    answers = SlowAnswers()
    chat = service(running_gateway, answers, GRACE_S)
    row = await chat.create(caller)
    live = await chat.ask(caller, row.id, question="Hello", assistant_id="assistant", collection_ids=None)
    async with asyncio.timeout(HANGS_S):
        await answers.left.wait()
        await asyncio.wait({live.task} if live.task else set())
    _, turns = await chat.conversation(caller, row.id)
    assert turns[0].state == "stopped"
    assert 0 < turns[0].answer.count("word") < WORDS
