"""Parts of shared limits that this gateway has: asked for when short, told of now and then, given back when idle.

When the store is away, a gateway goes on with what it has, and may use a bounded part more of each limit by itself
(`LOAN`); then it refuses. What it used so is told when the store is back.
"""

import time
from collections.abc import Iterable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.foundation import Clock
from appliance.usage.allowance import Allowance
from appliance.usage.ledger import Ledger
from appliance.usage.pool import Answer, Holding, Pool, PoolAway

log = structlog.get_logger(__name__)

LOAN = 4
"""Without the store, a gateway may use the fourth part of what was left of a budget, or of a rate or number per
minute; so up to four gateways together exceed nothing."""
SURE_S = 0.1
"""So long an answer that there is nothing is believed: many requests that are refused at once ask once."""
AWAY_S = 1.0
"""So long a store that did not answer is not asked again."""
QUIET_S = 2.0
"""What was not touched for so long is given back."""


class Leases:
    """Between the allowances of this gateway and the store."""

    def __init__(self, pool: Pool, ledger: Ledger, clock: Clock) -> None:
        self._pool = pool
        self._ledger = ledger
        self._clock = clock
        self._away_until_s = 0.0
        self.is_away = False
        """Whether the store did not answer last time."""

    async def lease(self, allowance: Allowance, amount: int) -> Answer:
        """Get enough for `amount` into `free`, or learn why not. Raises PoolAway when even the loan is used up."""
        need = min(amount, allowance.most)
        async with allowance.asking:
            short = need - allowance.free
            if short <= 0:
                return allowance.answer
            now_s = time.monotonic()
            if allowance.answer_s + SURE_S > now_s and short > allowance.answer.left and not self.is_away:
                return allowance.answer
            limit = allowance.limit
            try:
                answer = await self._ask(allowance, short)
            except PoolAway:
                answer = await self._lend(allowance, short)
            else:
                allowance.loan = None
            allowance.free += answer.granted
            allowance.hear(answer, time.monotonic(), limit=limit)
            return answer

    async def tend(self, allowances: Iterable[Allowance]) -> None:
        """Tell the store what is new, and give back what others need or nobody here uses."""
        try:
            await self._pool.sign()
            for allowance in allowances:
                async with allowance.asking:
                    await self._tell(allowance)
            self._came_back()
        except PoolAway as away:
            self._went_away(away)

    async def give_back(self, allowances: Iterable[Allowance]) -> None:
        """Everything that is free, at an orderly end."""
        try:
            for allowance in allowances:
                async with allowance.asking:
                    await self._return(allowance)
        except PoolAway:
            log.warning("leases are not given back; others get them when this gateway has been silent for long enough")
        await self._pool.close()

    async def _ask(self, allowance: Allowance, need: int) -> Answer:
        """Raises PoolAway."""
        if time.monotonic() < self._away_until_s:
            raise PoolAway("it did not answer a moment ago")
        try:
            if allowance.is_rate:
                answer = await self._pool.take_rate(allowance.key, allowance.limit, need)
            else:
                answer = await self._declare(allowance, need)
        except PoolAway as away:
            self._went_away(away)
            raise
        self._came_back()
        return answer

    async def _declare(self, allowance: Allowance, need: int) -> Answer:
        allowance.told = (
            None  # until an answer says otherwise: it may have been heard, and granted, and the answer lost
        )
        answer = await self._pool.declare(allowance.key, allowance.limit, _have(allowance), need)
        if answer is None:
            spent = await self._ledger.spent(allowance.key.who, self._clock.now().date())
            sums = {g: by[allowance.rule.period][allowance.measure] for g, by in spent.items()}
            await self._pool.begin(allowance.key, sums)
            answer = await self._pool.declare(allowance.key, allowance.limit, _have(allowance), need)
        if answer is None:
            raise PoolAway("it forgets at once what it is told")
        have = _have(allowance)
        allowance.told = Holding(have.spent, have.held, have.free + answer.granted)
        return answer

    async def _tell(self, allowance: Allowance) -> None:
        now_s = time.monotonic()
        have = _have(allowance)
        if have != allowance.told:
            allowance.told_s = now_s
        elif allowance.free <= 0:
            return
        quiet = now_s - allowance.told_s > QUIET_S
        if allowance.is_rate:
            allowance.told = have
            if quiet:
                await self._return(allowance)
            return
        limit = allowance.limit
        answer = await self._declare(allowance, 0)
        allowance.hear(answer, now_s, limit=limit)
        if answer.wanted or quiet:
            await self._return(allowance)

    async def _return(self, allowance: Allowance) -> None:
        """First it is gone here, then it is told: an answer that is lost makes nothing twice."""
        back, allowance.free = max(0, allowance.free), min(0, allowance.free)
        if not back:
            return
        if allowance.is_rate:
            await self._pool.take_rate(allowance.key, allowance.limit, -back)
        else:
            limit = allowance.limit
            allowance.hear(await self._declare(allowance, 0), time.monotonic(), limit=limit)

    async def _lend(self, allowance: Allowance, need: int) -> Answer:
        """What may be used without the store. Raises PoolAway when that is used up."""
        now_s = time.monotonic()
        if allowance.rule.is_budget:
            if allowance.loan is None:
                allowance.loan = await self._left_by_ledger(allowance) // LOAN
        elif allowance.loan is None or (allowance.is_rate and now_s - allowance.loan_s > 60):
            allowance.loan, allowance.loan_s = max(1, allowance.limit // LOAN), now_s
        if need > allowance.loan:
            raise PoolAway("what may be used without it is used up")
        allowance.loan -= need
        return Answer(need, allowance.loan, 0, 0, wanted=False)

    async def _left_by_ledger(self, allowance: Allowance) -> int:
        try:
            spent = await self._ledger.spent(allowance.key.who, self._clock.now().date())
        except (SQLAlchemyError, OSError):
            return allowance.answer.left
        used = sum(by[allowance.rule.period][allowance.measure] for by in spent.values())
        return max(0, allowance.limit - used - allowance.held - allowance.free)

    def _went_away(self, away: PoolAway) -> None:
        self._away_until_s = time.monotonic() + AWAY_S
        if not self.is_away:
            self.is_away = True
            log.warning("the store of shared limits is away; each gateway goes on with a part", reason=str(away))

    def _came_back(self) -> None:
        if self.is_away:
            self.is_away = False
            log.warning("the store of shared limits is back")


def _have(allowance: Allowance) -> Holding:
    return Holding(allowance.spent, allowance.held, allowance.free)
