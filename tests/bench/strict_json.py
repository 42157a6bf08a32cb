"""What the check of a JSON body costs, beside plain parsers; CPU time, best of several.

python -m tests.bench.strict_json
"""

import base64
import json
import os
import time
from collections.abc import Callable
from functools import partial

import msgspec

from appliance.edge import check_json

QUESTION = 'How much does the company pay per night for a hotel in Tokyo? 出張規程 "quoted"'


def chat_body(content: object) -> bytes:
    messages = [
        {"role": "system", "content": "You are a helpful assistant of the firm. Answer in short sentences: always."},
        {"role": "user", "content": content},
        {"role": "assistant", "content": "Up to 12,000 yen."},
        {"role": "user", "content": "And in Osaka?"},
    ]
    options = {"temperature": 0.7, "max_tokens": 200, "stream": True, "stream_options": {"include_usage": True}}
    return json.dumps({"model": "qwen3-8b", "messages": messages, **options}).encode()


def bodies() -> dict[str, bytes]:
    picture = "data:image/png;base64," + base64.b64encode(os.urandom(3 * 1024 * 1024)).decode()
    return {
        "chat": chat_body(QUESTION),
        "chat, spaces before colons": chat_body(QUESTION).replace(b":", b" :"),
        "chat, code of 2 kB": chat_body("if (a[i] == {b: [1, 2]}) { f(x[0]); }\n" * 50),
        "picture, 4 MiB": chat_body([{"type": "image_url", "image_url": {"url": picture}}]),
        "text, 4 MiB": chat_body("A sentence of the handbook, as it is: with commas. " * 82_000),
        "tokens, 1 MiB": json.dumps({"model": "e5", "input": [[i % 32_000 for i in range(150_000)]]}).encode(),
        "100,000 objects": b"[" + b'{"a" :1},' * 99_990 + b"0]",
    }


def cost_us(work: Callable[[], object]) -> float:
    """CPU of one call, microseconds: the best of 7 rounds, each of at least 20 ms."""
    count, best = 1, float("inf")
    for _ in range(7):
        while True:
            began = time.process_time()
            for _ in range(count):
                work()
            taken = time.process_time() - began
            if taken >= 0.02:
                break
            count *= 2
        best = min(best, taken / count)
    return best * 1e6


def main() -> None:
    print(f"{'body':28} {'bytes':>9} {'check us':>10} {'msgspec us':>10} {'json us':>10}")
    for name, body in bodies().items():
        checks: tuple[Callable[[bytes], object], ...] = (check_json, msgspec.json.decode, json.loads)
        costs = [cost_us(partial(check, body)) for check in checks]
        print(f"{name:28} {len(body):9} " + " ".join(f"{cost:10.1f}" for cost in costs))


if __name__ == "__main__":
    main()
