"""A lease: taken back it ends the work with its reason, once, and never somebody else's cancellation."""

import asyncio
import uuid
from typing import cast

import pytest

from appliance.foundation import (
    LEASE,
    Lease,
    NotAllowed,
    NotAuthenticated,
    SystemClock,
    explain_cancelled,
    rests_on,
)
from appliance.identity import Principal, RightsCache
from appliance.identity.errors import RightsUnknown
from appliance.identity.leases import Leases
from appliance.storage import Database

ENDED = NotAuthenticated("ended")


async def _work(begun: asyncio.Event, told: list[str]) -> str:
    lease = Lease(None)
    LEASE.set(lease)
    begun.lease = lease  # type: ignore[attr-defined]
    begun.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        try:
            explain_cancelled()
        except NotAuthenticated as error:
            told.append(str(error))
            await asyncio.sleep(0)  # the task goes on: its cancellation is taken back
            return "told"
        raise
    return "went on"


async def started(told: list[str]) -> tuple["asyncio.Task[str]", Lease]:
    begun = asyncio.Event()
    task = asyncio.create_task(_work(begun, told))
    await begun.wait()
    return task, begun.lease  # type: ignore[attr-defined]


async def test_taken_back_it_ends_the_work_with_its_reason() -> None:
    told: list[str] = []
    task, lease = await started(told)
    lease.end(ENDED)
    lease.end(NotAuthenticated("later"))
    assert await task == "told"
    assert told == ["ended"]
    assert not task.cancelling()


async def test_a_client_who_leaves_is_no_lease_that_ended() -> None:
    told: list[str] = []
    task, _ = await started(told)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == []


async def test_when_both_happen_the_client_is_gone() -> None:
    told: list[str] = []
    task, lease = await started(told)
    lease.end(ENDED)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == []


async def test_it_tells_its_reason_once() -> None:
    lease = Lease(None)
    lease.end(ENDED)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(1)
    with pytest.raises(NotAuthenticated):
        lease.explain()
    lease.explain()


async def test_a_stream_that_another_task_sends_is_ended_there() -> None:
    lease = Lease(None)
    ended = asyncio.Event()

    async def send() -> None:
        lease.follow()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            with pytest.raises(NotAuthenticated):
                lease.explain()
            ended.set()

    task = asyncio.create_task(send())
    await asyncio.sleep(0)
    lease.end(ENDED)
    await task
    assert ended.is_set()


async def test_with_fewer_rights_nothing_new_is_used() -> None:
    lease = Lease(None)
    token = LEASE.set(lease)
    first, second = uuid.uuid4(), uuid.uuid4()
    rests_on({first})
    lease.narrow(NotAllowed("less"))
    with pytest.raises(NotAllowed):
        rests_on({second})
    assert lease.resting == {first}
    LEASE.reset(token)
    rests_on({second})  # outside of any work with a lease there is nothing to note


def refused(lease: Lease) -> bool:
    return isinstance(lease.error, RightsUnknown)


class Silent:
    """A database that does not answer."""

    def read(self) -> None:
        raise OSError("no route")


async def test_a_process_that_stood_still_asks_again_before_it_ends_its_work() -> None:
    leases = Leases(cast("Database", Silent()), SystemClock(), RightsCache(SystemClock()))
    ann = Principal(uuid.uuid4(), "ann@x.test", "Ann", frozenset({"user"}), frozenset(), "session")
    with leases.held(ann) as lease:
        leases._sure_at -= 10
        leases._stood_still(10)
        await leases._judge_or_doubt(everything=True)
        assert not refused(lease)
        leases._sure_at -= 10  # now the database was silent for ten seconds while the process ran
        await leases._judge_or_doubt(everything=True)
        assert refused(lease)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(1)
        with pytest.raises(RightsUnknown):
            lease.explain()
