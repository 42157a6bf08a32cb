"""What a turn may cost, and what it did cost: the same ledger as the API's."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from appliance.answers.events import AnswerEvent, AnswerFailed, AnswerFinished, StageChanged, TokenDelta
from appliance.answers.service import Answers
from appliance.answers.turn import Turn
from appliance.identity import Principal
from appliance.usage import Ask, Reservation, Spent, Usage


class TurnMeter:
    """Watches one turn and books it, once, however it ends."""

    def __init__(self, reservation: Reservation, turn: Turn) -> None:
        self.turn = turn
        """As it may be asked: shorter when a budget has no more."""
        self._reservation = reservation
        self._deltas = 0
        self._began_s: float | None = None
        self._finished: AnswerFinished | None = None
        self._failed = False

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """`x-ratelimit-*`."""
        return self._reservation.headers

    def see(self, event: AnswerEvent) -> None:
        if isinstance(event, StageChanged) and event.stage == "writing":
            self._began_s = time.monotonic()
        elif isinstance(event, TokenDelta):
            self._deltas += 1
        elif isinstance(event, AnswerFinished):
            self._finished = event
        elif isinstance(event, AnswerFailed):
            self._failed = True

    def settle(self) -> None:
        """A turn that was cut off is charged its prompt, once the engine had it, and the pieces that came."""
        seconds = 0.0 if self._began_s is None else time.monotonic() - self._began_s
        if self._finished is not None:
            spent = Spent(self._finished.prompt_tokens, self._finished.completion_tokens, seconds)
        else:
            prompt = self._reservation.ask.prompt_tokens if self._deltas else 0
            spent = Spent(prompt, self._deltas, seconds, "failed" if self._failed else "cancelled")
        self._reservation.settle(spent)


async def metered_turn(usage: Usage, answers: Answers, caller: Principal, turn: Turn, endpoint: str) -> TurnMeter:
    """Take what a turn may cost from the caller's limits; `endpoint` is its door's name in the ledger.

    Raises:
        LimitExceeded: a limit of the caller is reached.
    """
    cost = answers.most(turn)
    ask = Ask(turn.assistant.model_id, endpoint, cost.prompt_tokens, cost.completion_tokens)
    reservation = await usage.reserve(caller, ask)
    return TurnMeter(reservation, replace(turn, most_tokens=reservation.max_tokens))


async def metered_events(meter: TurnMeter, events: AsyncIterator[AnswerEvent]) -> AsyncGenerator[AnswerEvent]:
    """All events of a turn, which is booked when they end or nobody wants more."""
    try:
        async with aclosing(events) as source:  # type: ignore[type-var] # the service gives a generator
            async for event in source:
                meter.see(event)
                yield event
    finally:
        meter.settle()
