"""What watching costs: the frame, the request's line and the meters; CPU time, best of several.

python -m tests.bench.observation
"""

import asyncio
from typing import Any
from uuid import uuid4

from appliance.edge.requestlog import RequestLog
from appliance.edge.requests import RequestFrame
from appliance.foundation import Trail
from appliance.metrics import Meters
from tests.bench.strict_json import cost_us

HEADERS = [
    (b"host", b"chat.example.org"),
    (b"authorization", b"Bearer pma_x"),
    (b"content-type", b"application/json"),
    (b"content-length", b"474"),
    (b"user-agent", b"openai/3.57"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip"),
    (b"x-stainless-lang", b"python"),
]
REPLY = ((b"content-type", b"application/json"), (b"content-length", b"2"))


class Caller:
    user_id, key_id = uuid4(), uuid4()


async def answer(scope: Any, _receive: Any, send: Any) -> None:
    """The least that an application does."""
    scope["path_template"], scope["user"] = "/v1/chat/completions", Caller
    await send({"type": "http.response.start", "status": 200, "headers": REPLY})
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


async def nowhere(_message: Any) -> None:
    """Throws away."""


def run(application: Any) -> None:
    """One request without an event loop: nothing here waits."""
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": HEADERS, "state": {}}
    try:
        application(scope, None, nowhere).send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


async def main() -> None:
    meters = Meters()
    meters.know(models=["small"], assistants=[])
    lines: list[str] = []
    frames = {level: RequestFrame(answer, meters.requests, RequestLog(level, lines.append)) for level in ("off", "all")}
    scope = {"method": "POST", "path_template": "/v1/chat/completions", "user": Caller}
    log = RequestLog("all", lambda text: None)
    waiting = meters.calls.begin("small", "chat/completions")

    def call() -> None:
        meter = meters.calls.begin("small", "chat/completions")
        meter.came()
        meter.ended(10, 20, "done")

    def line() -> None:
        log.note(scope, Trail("0123456789abcdef", model_id="small"), 200, 0.1, whole=True)  # type: ignore[arg-type]

    bare = cost_us(lambda: run(answer))
    print(f"frame, ids, headers, HTTP meters   {cost_us(lambda: run(frames['off'])) - bare:6.2f} us a request")
    print(f"the request's line, written too    {cost_us(line):6.2f} us a request")
    print(f"meters of a call                   {cost_us(call):6.2f} us a call")
    print(f"meters of a token                  {cost_us(waiting.came):6.2f} us a token")
    print(f"the page of metrics                {cost_us(meters.text) / 1000:6.2f} ms a scrape")


if __name__ == "__main__":
    asyncio.run(main())
