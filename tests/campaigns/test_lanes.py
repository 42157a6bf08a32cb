"""The short part of the lanes campaign; `python -m tests.campaigns.lanes` runs the long one, real engines too."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.campaigns.lanes import RISE, Plan, run


@pytest.mark.timeout(200)
@pytest.mark.parametrize("through", ["pool", "batches"])
def test_a_batch_does_not_make_people_wait(through: str) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:  # one process runs one job store
        outcome = process.submit(run, Plan(batch=400, chats=25, seed=3, through=through)).result()
    print("\n".join(outcome.lines))
    assert outcome.failed == 0
    assert outcome.done > 0
    assert outcome.rise_of_median < RISE
    assert outcome.rise < 5 * RISE  # of 25 chats on a busy machine; without lanes it is hundreds of times as long
