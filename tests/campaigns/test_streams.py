"""The short part of `streams`: 100 streams, 50 clients that vanish."""

from pathlib import Path

import pytest

from tests.campaigns.streams import run
from tests.support.mock import bench_folder


def test_streams_are_whole_and_leavers_are_booked(tmp_path: Path) -> None:
    bench = bench_folder()
    if bench is None:
        pytest.skip("SKIPPED: the stand-in engine in C needs the shared bench folder and cc")
    assert run(bench, tmp_path, streams=100, leavers=50, gap_ms=20, tokens=50) == []
