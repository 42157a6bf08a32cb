"""The shared store in Valkey or Redis: one script per question, so that each is one step there."""

from collections.abc import Awaitable, Mapping
from typing import Any, cast
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from appliance.usage.pool import SHARE, Answer, Holding, PoolAway
from appliance.usage.values import LIMITS, CounterKey, Limit

TIMEOUT_S = 0.5
KEPT_S = 2 * 24 * 3600
"""A counter that nobody asks for is forgotten after this; it begins again from the database."""
GATEWAYS = "{pma-usage}:gateways"

DECLARE = f"""
local me, limit, need = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[6])
local spent, held, free = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local timeout, fresh = tonumber(ARGV[7]), ARGV[8] == '1'
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('HSET', KEYS[2], me, now)
if not fresh and redis.call('EXISTS', KEYS[1]) == 0 then return false end
local out, idle, busy, short = 0, 0, 0, false
local rows = redis.call('HGETALL', KEYS[1])
for i = 1, #rows, 2 do
  if rows[i] == 'short' then
    local by, untill = string.match(rows[i + 1], '^(%S+) (%S+)$')
    short = tonumber(untill) > now and by or false
  elseif rows[i] ~= me then
    local s, h, f = string.match(rows[i + 1], '^(%S+) (%S+) (%S+)$')
    out = out + tonumber(s)
    local seen = redis.call('HGET', KEYS[2], rows[i])
    if seen and now - tonumber(seen) < timeout then
      out, idle, busy = out + tonumber(h) + tonumber(f), idle + tonumber(f), busy + tonumber(h)
    end
  end
end
local left, granted = limit - out - spent - held - free, 0
if need > 0 and need <= left then
  granted = short and need or math.max(need, math.floor(left / {SHARE}))
elseif need > 0 then
  redis.call('HSET', KEYS[1], 'short', me .. ' ' .. (now + 1))
end
redis.call('HSET', KEYS[1], me, string.format('%.0f %.0f %.0f', spent, held, free + granted))
redis.call('EXPIRE', KEYS[1], {KEPT_S})
return {{granted, left - granted, idle, busy, (short and short ~= me) and 1 or 0}}
"""

RATE = """
local limit, need, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local interval = 60 / limit
local begin = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local fits = math.floor((60 - (begin - now) + 0.000001) / interval)
if need > fits then return {0, fits, tostring((need - fits) * interval)} end
local granted = need
if need > 0 then granted = math.max(need, math.min(fits, most)) end
redis.call('SET', KEYS[1], string.format('%.6f', begin + granted * interval), 'EX', 120)
return {granted, fits - granted, '0'}
"""


class ValkeyPool:
    """All limits: budgets, requests at once, and rates."""

    def __init__(self, url: str, gateway_id: UUID, *, lease_timeout_s: float) -> None:
        self._me = str(gateway_id)
        self._lease_timeout_s = lease_timeout_s
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
        )
        self._declare = self._redis.register_script(DECLARE)
        self._rate = self._redis.register_script(RATE)

    def covers(self, limit: Limit) -> bool:  # noqa: ARG002 - every kind
        return True

    async def declare(self, key: CounterKey, limit: int, have: Holding, need: int) -> Answer | None:
        """See `Pool`."""
        fresh = "0" if LIMITS[key.name].is_budget else "1"
        arguments: list[str | int | float] = [
            self._me,
            limit,
            have.spent,
            have.held,
            have.free,
            need,
            self._lease_timeout_s,
            fresh,
        ]
        found = await _sure(self._declare(keys=[_name(key), GATEWAYS], args=arguments))
        if not found:
            return None
        return Answer(int(found[0]), int(found[1]), int(found[2]), int(found[3]), wanted=bool(int(found[4])))

    async def begin(self, key: CounterKey, spent: Mapping[UUID, int]) -> None:
        """See `Pool`."""
        rows = {str(gateway): f"{amount} 0 0" for gateway, amount in spent.items()} or {self._me: "0 0 0"}
        pipe = self._redis.pipeline(transaction=True)
        for gateway, row in rows.items():
            pipe.hsetnx(_name(key), gateway, row)
        pipe.expire(_name(key), KEPT_S)
        await _sure(pipe.execute())

    async def take_rate(self, key: CounterKey, limit: int, need: int) -> Answer:
        """See `Pool`. A second's worth is taken at once."""
        if limit <= 0:
            return Answer(0, 0, 0, 0, wanted=False, wait_s=60.0)
        found = await _sure(self._rate(keys=[_name(key)], args=[limit, need, max(1, limit // 60)]))
        return Answer(int(found[0]), int(found[1]), 0, 0, wanted=False, wait_s=float(found[2]))

    async def sign(self) -> None:
        """See `Pool`. Whoever declares signs; this is for a gateway without work."""
        time = await _sure(self._redis.time())
        await _sure(cast("Awaitable[Any]", self._redis.hset(GATEWAYS, self._me, str(time[0] + time[1] / 1e6))))

    async def close(self) -> None:
        await self._redis.aclose()


def _name(key: CounterKey) -> str:
    return f"{{pma-usage}}:{key.who}:{key.name}:{key.label}"


async def _sure(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except (RedisError, OSError, TimeoutError) as error:
        raise PoolAway(type(error).__name__) from error
