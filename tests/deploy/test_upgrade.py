"""From one release to the next on a host with data: nothing lost, nobody refused, and no half release after a kill.

All steps and all broken releases, instead of a few by the seed: APPLIANCE_UPGRADE_ALL=1. Another choice:
APPLIANCE_UPGRADE_SEED=NUMBER.
"""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.conftest import ADDRESS, BUNDLE_THERE, CODENAMES, PASSWORD, Installation, tell
from tests.deploy.releases import BROKEN, GROWN
from tests.deploy.upgrading import AS_GATEWAY, BACK, FORWARD, Site, asking, killed_in

ALL = bool(os.environ.get("APPLIANCE_UPGRADE_ALL"))
SEED = int(os.environ.get("APPLIANCE_UPGRADE_SEED", "5"))
WHY = {
    "does not start": "this release was made to fail at its start",
    "breaks the API": "has not its form",
    "migration fails": "no_such_table",
}
"""What the operator must be told of each broken release."""

pytestmark = [pytest.mark.timeout(3600), pytest.mark.parametrize("single", CODENAMES[:1], indirect=True)]


def chosen(of: tuple[str, ...], count: int) -> list[str]:
    """All, or a few by the seed, in their order."""
    picked = set(of if ALL else random.Random(SEED).sample(of, count))
    return [word for word in of if word in picked]


@pytest.fixture(scope="module")
def site(single: Installation) -> Iterator[Site]:
    """With people, a document, a conversation and a key; on the first release again when it is over."""
    single.person("grace", PASSWORD, "/staff", "/it/admins")
    for name in ("ada", "grace"):
        single.visit(name, PASSWORD, ADDRESS)
    node = single.nodes["n1"]
    key = json.loads(node.done(f"{AS_GATEWAY} keys create loop --json"))["key"]
    made = Site(single, key)
    first = made.release()
    yield made
    if made.release() != first:
        done = single.operate("rollback", BUNDLE_THERE)
        assert done.returncode == 0, done.stdout + done.stderr
    assert made.release() == first


@pytest.fixture(scope="module")
def grown(site: Site) -> Path:
    return site.bundle("grown", "0.2.0", GROWN)


def test_an_older_release_is_refused_with_the_way_out(site: Site) -> None:
    bundle = site.bundle("older", "0.0.9", {})
    done = site.installation.operate("upgrade", bundle, "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "operation_failed"
    assert "[downgrade]" in error["message"]
    assert "appliance rollback" in error["message"]


def test_an_install_does_not_change_the_release_by_the_way(site: Site, grown: Path) -> None:
    done = site.installation.operate("install", grown, "--json")
    assert done.returncode == 1
    assert "appliance upgrade" in json.loads(done.stdout)["error"]["message"]


@pytest.mark.parametrize("kind", chosen(tuple(WHY), 1))
def test_a_broken_release_is_taken_back_and_says_why(site: Site, kind: str) -> None:
    before, counts = site.release(), site.counts()
    bundle = site.bundle(kind.replace(" ", "-"), f"0.1.{5 + list(BROKEN).index(kind)}", BROKEN[kind])
    done = site.installation.operate("upgrade", bundle, "--json")
    assert done.returncode == 1, done.stdout
    error = json.loads(done.stdout)["error"]
    print(f"\n{kind}: {error['message']}")
    assert error["code"] == "upgrade_taken_back"
    assert WHY[kind] in error["message"]
    assert site.release() == before
    assert site.counts() == counts
    assert site.node.shell(f"test -e /opt/appliance/releases/{bundle.name}").returncode != 0


@pytest.mark.skipif(not ALL, reason="stages one release more; with APPLIANCE_UPGRADE_ALL=1")
def test_a_release_that_takes_away_is_refused_unless_one_says_so(site: Site) -> None:
    bundle = site.bundle("takes-away", "0.1.9", BROKEN["takes away"])
    done = site.installation.operate("upgrade", bundle, "--json")
    assert done.returncode == 1
    assert "[one-way]" in json.loads(done.stdout)["error"]["message"]


def test_an_upgrade_refuses_nobody_and_loses_nothing(site: Site, grown: Path) -> None:
    counts, began = site.counts(), site.begun_at()
    with asking(site) as seen:
        done = site.installation.operate("upgrade", grown, "--json")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads(done.stdout)
    print("\nupgraded")
    tell(found)
    restarted = site.begun_at()
    assert restarted > began
    over = [1 for opened, ended in seen["streams"] if opened < restarted - 1 < ended]
    print(f"asked {seen['asked']}, longest {seen['longest_s']} s, {len(over)} streams were open over the restart")
    assert seen["failed"] == []
    assert all(count >= 10 for count in seen["asked"].values())
    assert over, "no stream was open while the gateway restarted"
    assert site.release() == "0.2.0"
    assert site.counts() == counts
    again = site.installation.visit("ada", PASSWORD, ADDRESS)
    assert "140 euros" in again["answer"]["text"]


def test_a_second_upgrade_changes_nothing(site: Site, grown: Path) -> None:
    done = site.installation.operate("upgrade", grown, "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["changed"] == 0


def test_it_goes_back_by_hand_with_the_data_of_now(site: Site, grown: Path) -> None:
    counts = site.counts()
    with asking(site) as seen:
        done = site.installation.operate("rollback", grown, "--json")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    print("\ngone back")
    tell(json.loads(done.stdout))
    assert seen["failed"] == []
    assert site.release() == "0.1.0"
    assert site.counts() == counts


@pytest.mark.parametrize(("word", "phases", "ends_at"), [("upgrade", FORWARD, "0.2.0"), ("rollback", BACK, "0.1.0")])
def test_killed_in_one_step_after_the_other_it_ends_well(
    site: Site, grown: Path, word: str, phases: tuple[str, ...], ends_at: str
) -> None:
    """Each run goes on where the one before was killed, and is killed in the next step; the last one may end."""
    chance, counts = random.Random(SEED), site.counts()
    killed = []
    for phase in chosen(phases, 2):
        if killed_in(site, word, grown, phase, chance):
            killed.append(phase)
            if chance.random() < 0.5:
                site.node.shell("systemctl kill --signal KILL appliance-gateway.service")
    print(f"\n{word} killed in {len(killed)} steps: {', '.join(killed)}")
    assert killed
    done = site.installation.operate(word, grown, "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert site.release() == ends_at
    assert site.counts() == counts
    ready = "python3 -c \"import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/health/ready').status)\""
    assert site.node.done(ready).strip() == "200"
