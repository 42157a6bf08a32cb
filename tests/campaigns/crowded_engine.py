"""The stand-in engine, but slower for everybody with each request that it works on, as real ones are.

python -m tests.campaigns.crowded_engine
"""

import argparse
import asyncio

from aiohttp import web

from tests.fakes.engine import FakeEngine, serving

PREFILL_S = 0.03
STEP_S = 0.01
"""A step alone; each request in work makes it longer by `CROWD_S`: about a small model on a large GPU."""
CROWD_S = 0.0002


class CrowdedEngine(FakeEngine):
    running = 0

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.running += 1
        self.delay_s = STEP_S + CROWD_S * self.running
        try:
            body = await request.json()
            await asyncio.sleep(PREFILL_S + self.delay_s)
            if not body.get("stream"):
                await asyncio.sleep(self.delay_s * (body.get("max_tokens") or 16))
            return await super()._chat(request)
        finally:
            self.running -= 1
            self.delay_s = STEP_S + CROWD_S * self.running


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-s", type=float, default=0.0)
    async with serving(CrowdedEngine(), parser.parse_args().port) as engine:
        print(engine.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
