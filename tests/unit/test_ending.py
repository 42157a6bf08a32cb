"""A part that hangs does not keep the others from ending, and the log says where it hung."""

import asyncio
import time

import pytest

from appliance.foundation import configure_logging, end_within


@pytest.fixture(autouse=True)
def written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")


class Stubborn:
    """Does not end when it is cancelled either."""

    def __init__(self) -> None:
        self.freed = asyncio.Event()

    async def stop(self) -> None:
        while not self.freed.is_set():
            try:
                await self.freed.wait()
            except asyncio.CancelledError:
                continue


async def test_a_part_that_ends_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    async def stop() -> None:
        await asyncio.sleep(0)

    await end_within(5.0, "quick", stop)
    assert capsys.readouterr().err == ""


async def test_a_part_that_hangs_is_named_with_its_place_and_left_behind(capsys: pytest.CaptureFixture[str]) -> None:
    part = Stubborn()
    began = time.monotonic()
    await end_within(1.2, "hangs", part.stop)
    assert time.monotonic() - began < 5.0
    told = capsys.readouterr().err
    assert "does not end" in told
    assert "hangs" in told
    assert "Stubborn.stop:" in told
    assert "Event.wait:" in told
    part.freed.set()


async def test_a_slow_part_is_waited_for_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    done = False

    async def stop() -> None:
        nonlocal done
        await asyncio.sleep(1.2)
        done = True

    await end_within(10.0, "slow", stop)
    assert done
    assert "takes its time" in capsys.readouterr().err


async def test_what_a_part_raises_is_raised() -> None:
    async def stop() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        await end_within(5.0, "fails", stop)
