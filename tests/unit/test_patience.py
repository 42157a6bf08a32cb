"""Waiting for capacity: no try is used up, and the end of the process is no failure."""

import errno
import threading

import pytest
from sqlalchemy.exc import OperationalError

from appliance.documents.patience import Patience, Stopping
from appliance.foundation import CapacityError, DefectError


class Step:
    """Fails with these errors, one after the other, then gives 7."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return 7


def test_a_lack_of_capacity_is_outwaited_and_told() -> None:
    told: list[str] = []
    busy = OperationalError("SELECT secret", {}, Exception("database is locked"))
    step = Step(*[CapacityError("The index does not answer.") for _ in range(20)], busy)
    assert Patience(0.001, 0.002).outwait(step, told.append) == 7
    assert told == ["waiting: The index does not answer."] * 20 + ["waiting: The database does not answer."]


def test_a_full_disk_is_outwaited_and_another_trouble_of_it_is_not() -> None:
    told: list[str] = []
    step = Step(OSError(errno.ENOSPC, "No space left on device"))
    assert Patience(0.001, 0.002).outwait(step, told.append) == 7
    assert told == ["waiting: The disk of the data folder is full."]
    with pytest.raises(OSError, match="Input/output"):
        Patience(60, 60).outwait(Step(OSError(errno.EIO, "Input/output error")), lambda _: None)


def test_a_defect_is_not_waited_for() -> None:
    with pytest.raises(DefectError):
        Patience(60, 60).outwait(Step(DefectError("broken")), lambda _: None)


def test_the_end_of_the_process_wakes_whoever_waits() -> None:
    patience, waits, ended = Patience(60, 60), threading.Event(), threading.Event()

    def work() -> None:
        with pytest.raises(Stopping):
            patience.outwait(Step(CapacityError("down")), lambda _: waits.set())
        ended.set()

    threading.Thread(target=work, daemon=True).start()
    assert waits.wait(5)
    patience.end()
    assert ended.wait(5)


def test_what_fails_because_the_process_ends_is_no_failure_of_the_step() -> None:
    patience = Patience()

    def interrupted() -> int:
        patience.end()
        raise RuntimeError("the loop is closed")

    with pytest.raises(Stopping):
        patience.outwait(interrupted, lambda _: None)
