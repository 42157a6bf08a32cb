"""The stand-in engine, but passages take their time as with a real one: what is half there is half there for longer.

python -m tests.campaigns.slow_engine
"""

import asyncio

from aiohttp import web

from tests.fakes.engine import FakeEngine, serving

BATCH_S = 0.25


class SlowEngine(FakeEngine):
    async def _embeddings(self, request: web.Request) -> web.Response:
        body = await request.json()  # kept by aiohttp, so that it can be read again
        if any(text.startswith("passage: ") for text in body["input"]):
            await asyncio.sleep(BATCH_S)
        return await super()._embeddings(request)


async def main() -> None:
    async with serving(SlowEngine()) as engine:
        print(engine.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
