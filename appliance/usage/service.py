"""Reserve before, settle after; in memory, with the journal as the only thing written."""

import asyncio
import time
from collections.abc import Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.foundation import TRAIL, Clock
from appliance.identity import Principal
from appliance.usage.batch import counted
from appliance.usage.counters import Counters
from appliance.usage.errors import JournalUnwritable
from appliance.usage.headers import rate_headers, standings
from appliance.usage.leases import Leases
from appliance.usage.ledger import Ledger
from appliance.usage.limits import LimitBook
from appliance.usage.pace import Pace
from appliance.usage.plan import Amounts, Plan
from appliance.usage.plans import Plans
from appliance.usage.pool import Pool
from appliance.usage.pools import OpenPool
from appliance.usage.port import Ask, Spent
from appliance.usage.queueing import Queueing
from appliance.usage.records import Reserved, Settled
from appliance.usage.reservation import Reservation
from appliance.usage.settings import UsageSettings
from appliance.usage.store import UsageStore
from appliance.usage.values import Limit
from appliance.usage.wire import Standing

log = structlog.get_logger(__name__)

STOP_S = 5.0
"""Longest wait at the end for a question to a store that does not answer."""


class Usage:
    """Limits, budgets and the ledger of this process. Used from one event loop."""

    def __init__(
        self, store: UsageStore, clock: Clock, settings: UsageSettings, open_pool: OpenPool | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._store = store
        self._pace = Pace()
        self.ledger = Ledger(store, settings)
        self.book = LimitBook(store, concurrent_requests=settings.concurrent_requests)
        self._open_pool = open_pool
        self._pool: Pool | None = None
        self._leases: Leases | None = None
        self._counters = Counters(self.book, is_shared=self._is_shared)
        self._plans = Plans(self.book, self._counters, self.ledger, clock)
        self._queueing = Queueing(self._plans, None, clock, settings)
        self._day = clock.now().date()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take over what the last run left. Raises what the database raises: without it there are no limits."""
        await self.book.refresh()
        await self.ledger.start()
        loops = [self._watch_limits(), self._tend()]
        if self._open_pool is not None:
            self._pool = self._open_pool(self.ledger.gateway_id)
            self._leases = Leases(self._pool, self.ledger, self._clock)
            self._queueing = Queueing(self._plans, self._leases, self._clock, self._settings)
            loops.append(self._tend_leases(self._leases))
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Write everything into the database, and give back what other gateways can use."""
        self._stopping = (
            True  # a driver may turn a cancellation into a time-out of its own, which the loops go on after
        )
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_S)
        await self.ledger.stop()
        if self._leases is not None:
            await self._leases.give_back(self._counters.shared())

    async def reserve(self, principal: Principal, ask: Ask) -> Reservation:
        """Hold what a request may use, before it goes on.

        Nothing is asked of the database, but at the first request of a caller, a period or a changed limit.

        Raises:
            LimitExceeded: 429; a rate, a budget or the requests at once of the user, a group or the key.
            LimitsUnavailable: 503; the store that gateways share is away, and this one's part is used up.
            JournalUnwritable: 503.
        """
        now_s = time.monotonic()
        plan = self._plans.kept(principal, now_s)
        if plan is not None:
            amounts = self._amounts(ask, plan)
            if plan.short_of(amounts, now_s) is None:
                plan.take(amounts, now_s)
                return self._begin(ask, plan, amounts, ask.max_tokens, now_s)
        plan, amounts, max_tokens = await self._queueing.admit(principal, ask, self._amounts)
        return self._begin(ask, plan, amounts, max_tokens, time.monotonic())

    async def limits_changed(self) -> None:
        """Read the limits now, not at the next look."""
        if await self.book.refresh():
            self._counters.apply_limits(self._clock.now().date())
            self._plans.forget()

    async def set_limits(self, who: str, values: Mapping[str, int | None]) -> None:
        """Change limits; they count here from now on, on other gateways from their next look on."""
        await self._store.change_limits(who, values)
        await self.limits_changed()

    async def remove_limits(self, who: str) -> bool:
        """Whether there were any."""
        gone = await self._store.remove_limits(who)
        await self.limits_changed()
        return gone

    async def standing(self, principal: Principal) -> list[Standing]:
        """Each limit that counts for a caller, and what is left of it as far as this gateway knows."""
        plan = await self._plans.plan(principal)
        return standings(plan, time.monotonic())

    def _amounts(self, ask: Ask, plan: Plan) -> Amounts:
        tokens = ask.prompt_tokens + ask.max_tokens
        return (1, tokens, self._pace.expected_ms(ask.model_id, tokens) if plan.counts_time else 0, 1)

    def _begin(self, ask: Ask, plan: Plan, amounts: Amounts, max_tokens: int, now_s: float) -> Reservation:
        trail = TRAIL.get()
        reserved = Reserved(
            plan.day,
            plan.user,
            plan.key,
            plan.groups,
            ask.model_id,
            ask.endpoint,
            ask.lane,
            ask.prompt_tokens,
            max_tokens,
            amounts[2],
            trail.request_id if trail is not None else "",
            trail.source if trail is not None else "",
        )
        try:
            number = self.ledger.reserve(reserved)
        except JournalUnwritable:
            plan.settle(amounts, (0, 0, 0, 0))
            raise
        return Reservation(ask, plan, amounts, reserved, number, rate_headers(plan, now_s), self._settle)

    def _settle(self, reservation: Reservation, spent: Spent) -> None:
        settled = Settled(
            reservation.number,
            spent.prompt_tokens,
            spent.completion_tokens,
            round(spent.seconds * 1000),
            spent.outcome,
        )
        if not counted(settled):
            settled = Settled(reservation.number, 0, 0, 0, "failed")
        plan = reservation.plan
        self.ledger.settle(reservation.number, reservation.reserved, settled, plan.subjects)
        tokens = settled.prompt_tokens + settled.completion_tokens
        used = (counted(settled), tokens, settled.milliseconds, 0)
        plan.settle(reservation.amounts, used)
        if not self._plans.is_kept(plan):
            self._counters.charge_missed(plan, used)
        if spent.outcome == "done" and tokens:
            self._pace.learn(reservation.ask.model_id, settled.milliseconds, tokens)

    @property
    def store_is_away(self) -> bool:
        """Whether the store that gateways share did not answer last time."""
        return self._leases is not None and self._leases.is_away

    def _is_shared(self, limit: Limit) -> bool:
        return self._pool is not None and self._pool.covers(limit)

    async def _watch_limits(self) -> None:
        while not self._stopping:
            await asyncio.sleep(self._settings.limits_poll_s)
            try:
                await self.limits_changed()
            except (SQLAlchemyError, OSError) as error:
                log.warning("limits cannot be read; those of before count on", reason=type(error).__name__)

    async def _tend(self) -> None:
        while not self._stopping:
            await asyncio.sleep(self._settings.flush_s)
            try:
                await self.ledger.tend()
            except OSError as error:
                log.warning("the usage journal is not on the disk yet", reason=error.strerror)
            self._plans.forget_old(time.monotonic())
            today = self._clock.now().date()
            if today != self._day:
                self._day = today
                self._counters.apply_limits(today)

    async def _tend_leases(self, leases: Leases) -> None:
        while not self._stopping:
            await asyncio.sleep(self._settings.lease_report_s)
            try:
                await leases.tend(self._counters.shared())
            except (SQLAlchemyError, OSError) as error:
                log.warning("leases cannot be told", reason=type(error).__name__)
