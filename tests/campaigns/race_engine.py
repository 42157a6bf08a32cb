"""An engine that does what each request of the race says, and remembers what it really did."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.engine import FakeEngine

ASKED = re.compile(r"request (\d+) wants (\d+) words")
PROMPT_TOKENS = 7


def wish(number: int, words: int) -> str:
    return f"This is request {number} wants {words} words."


@dataclass
class RaceEngine(FakeEngine):
    begun: set[int] = field(default_factory=set)
    made: dict[int, int] = field(default_factory=dict)
    """Request → words that were generated for it, whoever read them."""
    whole: set[int] = field(default_factory=set)
    """Requests that came to their end."""

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        asked = ASKED.search(str(body["messages"][-1]["content"]))
        if asked is None:
            return await super()._chat(request)  # the appliance's own probes
        number, wanted = int(asked[1]), int(asked[2])
        self.begun.add(number)
        words = min(wanted, body.get("max_completion_tokens") or body.get("max_tokens") or wanted)
        usage = {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": words,
            "total_tokens": PROMPT_TOKENS + words,
        }
        reply = await self._answer(request, body, number, words, usage)
        self.whole.add(number)
        return reply

    async def _answer(
        self, request: web.Request, body: dict[str, Any], number: int, words: int, usage: dict[str, int]
    ) -> web.StreamResponse:
        if body.get("stream"):
            reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await reply.prepare(request)
            await self._stream(request, reply, body, ["word"] * words, usage)
            self.made[number] = words
            return reply
        for done in range(1, words + 1):
            await asyncio.sleep(self.delay_s)
            self.made[number] = done
        message = {"role": "assistant", "content": " ".join(["word"] * words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response(
            {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
            | {"usage": usage}
        )
