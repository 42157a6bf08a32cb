"""The short part of the matrix, and that it sees what is broken; `python -m tests.campaigns.access_matrix` is long.

Each run is a process of its own: one process runs one job store, and what is broken in it stays there.
"""

import re
import subprocess
import sys

import pytest


def matrix(*options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tests.campaigns.access_matrix", "--rounds", "1", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False)
    print(ended.stdout, ended.stderr[-2000:])
    return ended.returncode, ended.stdout


@pytest.mark.timeout(560)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_answer_is_the_one_that_the_tables_say(database: str) -> None:
    code, said = matrix("--seed", "5", "--share", "0.1", "--database", database)
    counted = re.search(r"calls: (\d+)", said)
    assert code == 0, said
    assert counted is not None
    assert int(counted[1]) > 800


@pytest.mark.timeout(560)
@pytest.mark.parametrize(
    ("broken", "only", "share", "seen"),
    [
        ("guard", "/api/usage", "1", "MISMATCH: GET /api/usage/report, user, session"),
        ("owner", "/api/collections/{}", "0.3", "MISMATCH: PATCH /api/collections/{}, "),
        ("key", "/api/engines", "1", "MISMATCH: GET /api/engines, operator, key for some models"),
    ],
)
def test_a_broken_check_is_seen_by_the_calls_alone(broken: str, only: str, share: str, seen: str) -> None:
    code, said = matrix("--break", broken, "--only", only, "--share", share)
    assert code == 1
    assert seen in said
    code, said = matrix("--only", only, "--share", "0.05")
    assert code == 0, said


@pytest.mark.timeout(560)
def test_a_route_that_nobody_thought_about_is_seen() -> None:
    code, said = matrix("--break", "route", "--only", "/api/models")
    assert code == 1
    assert "GET /api/forgotten is not in the policy" in said
    assert "mismatches: 0" in said
