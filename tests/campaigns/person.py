"""One person who chats: asks, reads the answer, thinks, asks again. Prints the time to each first token as JSON.

    python -m tests.campaigns.person --url http://127.0.0.1:8080 --key pma_… --model M --count 40

A process of its own, so that what it measures is not the busy loop that it runs in.
"""

import argparse
import asyncio
import json
import random
import time

import aiohttp

WORDS = "budget travel hotel invoice holiday contract parking notebook expense report meeting visitor".split()


async def first_token_s(session: aiohttp.ClientSession, url: str, body: dict[str, object]) -> float:
    """Seconds to the first event with content; the answer is read to its end."""
    began, first = time.perf_counter(), None
    async with session.post(f"{url}/v1/chat/completions", json=body) as reply:
        assert reply.status == 200, await reply.text()
        async for line in reply.content:
            if first is None and b'"content":' in line.replace(b'": ', b'":') and b'"content":""' not in line:
                first = time.perf_counter() - began
    assert first is not None
    return first


async def chat(url: str, key: str, model: str, count: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    found = []
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}, timeout=timeout) as session:
        for _ in range(count):
            question = "Write two sentences about " + " and ".join(chance.sample(WORDS, 4)) + "."
            body = {
                "model": model,
                "stream": True,
                "max_tokens": 16,
                "temperature": 0,
                "messages": [{"role": "user", "content": question}],
            }
            found.append(await first_token_s(session, url, body))
            await asyncio.sleep(chance.uniform(0.05, 0.3))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(chat(chosen.url, chosen.key, chosen.model, chosen.count, chosen.seed))))


if __name__ == "__main__":
    main()
