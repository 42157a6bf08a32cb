"""Questions to the database about credentials: each asked once at a time, and strangers' only a few at a time.

A dropped cache makes every stream of a busy key ask at once; a flood of invented keys would make one query each. So
requests with the same credential share a question, and credentials that were never good here wait in a short queue,
which cannot keep those that were good from the database.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from appliance.identity.credentials import Credential
from appliance.identity.errors import AuthenticationBusy
from appliance.identity.rights import Known, RightsCache

Find = Callable[[Credential], Awaitable[Known | None]]

SHARED_S = 1.0
"""A question older than this is not waited for by newcomers: its answer might be of before a change."""


@dataclass(frozen=True, slots=True)
class Question:
    generation: int
    asked_at: float
    answer: "asyncio.Task[Known | None]"


class Admission:
    """The way from the cache to the database and back."""

    def __init__(self, rights: RightsCache, find: Find, *, strangers: int = 4, queue: int = 1000) -> None:
        """`strangers`: unfamiliar credentials looked up at a time; `queue`: how many more may wait."""
        self._rights = rights
        self._find = find
        self._asking: dict[bytes, Question] = {}
        self._slots = asyncio.Semaphore(strangers)
        self._strangers = 0
        self._most = strangers + queue

    async def ask(self, digest: bytes, credential: Credential) -> Known | None:
        """Who it is, from the database. Raises AuthenticationBusy."""
        question = self._asking.get(digest)
        if (
            question is None
            or question.generation != self._rights.generation
            or time.monotonic() - question.asked_at > SHARED_S
        ):
            task = asyncio.create_task(self._load(digest, credential))
            question = Question(self._rights.generation, time.monotonic(), task)
            self._asking[digest] = question
            task.add_done_callback(lambda done: self._answered(digest, done))
        return await asyncio.shield(question.answer)  # one caller who leaves does not take the answer from others

    async def _load(self, digest: bytes, credential: Credential) -> Known | None:
        async with self._turn(digest):
            generation = self._rights.generation
            known = await self._find(credential)
        if known is None:
            self._rights.keep_unknown(digest, generation)
        else:
            self._rights.keep(digest, known, generation)
        return known

    @asynccontextmanager
    async def _turn(self, digest: bytes) -> AsyncIterator[None]:
        if self._rights.is_familiar(digest):
            yield
            return
        if self._strangers >= self._most:
            raise AuthenticationBusy("Too many unknown credentials are being looked up.", retry_after_s=1.0)
        self._strangers += 1
        try:
            async with self._slots:
                yield
        finally:
            self._strangers -= 1

    def _answered(self, digest: bytes, done: "asyncio.Task[Known | None]") -> None:
        question = self._asking.get(digest)
        if question is not None and question.answer is done:
            del self._asking[digest]
        if not done.cancelled():
            done.exception()  # looked at here too: those who asked may have left
