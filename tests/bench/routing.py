"""What it costs to decide where a request goes: three replicas, nothing else.

python -m tests.bench.routing
"""

import asyncio
import statistics
import time
from collections.abc import Callable

from appliance.inference.pool import ModelPool, NoWatcher, PoolRules, WatchRules
from appliance.inference.pool.admission import Admission
from appliance.inference.pool.policy import LeastTokens
from appliance.inference.pool.replica import Replica
from appliance.inference.port import Forward
from tests.fakes.backend import ScriptedBackend

COUNT = 20_000
REPLICAS = ("http://gpu1:8001/v1", "http://gpu2:8001/v1", "http://gpu3:8001/v1")


def microseconds(once: Callable[[], object]) -> float:
    """Median of seven rounds, of processor time, since others use the machine too."""
    rounds = []
    for _ in range(7):
        began = time.process_time()
        for _ in range(COUNT // 7):
            once()
        rounds.append((time.process_time() - began) / (COUNT // 7) * 1e6)
    return statistics.median(rounds)


async def slots(ask: Forward) -> float:
    """Enter, decide, leave: all that a request that does not wait pays, in µs."""
    replicas = [Replica(ScriptedBackend(name), 1024) for name in REPLICAS]
    admission = Admission("m", replicas, PoolRules(), NoWatcher())
    rounds = []
    for _ in range(7):
        began = time.process_time()
        for _ in range(COUNT // 7):
            (await admission.enter(ask)).free()
        rounds.append((time.process_time() - began) / (COUNT // 7) * 1e6)
    return statistics.median(rounds)


async def whole(ask: Forward) -> float:
    """Slot, replica, first byte, rest and end, over engines that answer at once: all of the pool's own cost, in µs."""
    made = ModelPool("m", [ScriptedBackend(name) for name in REPLICAS], PoolRules(), WatchRules(), NoWatcher())
    rounds = []
    for _ in range(7):
        began = time.process_time()
        for _ in range(COUNT // 7):
            reply = await made.forward(ask)
            while await reply.read():
                pass
            reply.close()
        rounds.append((time.process_time() - began) / (COUNT // 7) * 1e6)
    return statistics.median(rounds)


def main() -> None:
    now = time.monotonic()
    replicas = [Replica(ScriptedBackend(name), 1024) for name in REPLICAS]
    policy = LeastTokens()
    loads = [r.load(now) for r in replicas]
    print(f"policy alone, no affinity     {microseconds(lambda: policy.choose(loads, b'', ())):6.2f} µs")
    print(
        f"policy alone, affinity        {microseconds(lambda: policy.choose(loads, b'0123456789abcdef', ())):6.2f} µs"
    )
    for lane in ("interactive", "batch"):
        for affinity in (b"", b"0123456789abcdef"):
            ask = Forward("m", "/v1/chat/completions", b"{}", lane, 500, affinity)
            print(f"slot, {lane:11} {'affinity' if affinity else '':10}  {asyncio.run(slots(ask)):6.2f} µs")
    ask = Forward("m", "/v1/chat/completions", b"{}", "interactive", 500, b"0123456789abcdef")
    print(f"whole way, scripted engines   {asyncio.run(whole(ask)):6.2f} µs (with the script's own)")


if __name__ == "__main__":
    main()
