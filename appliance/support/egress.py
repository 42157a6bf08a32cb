"""Who on this host tried to connect to where nothing is allowed.

nftables drops it and remembers user, address, protocol and port in two sets. These are gone with each load of the rules
and each start of the host, so a timer, and whatever loads the rules, first adds them up in a file.
"""

import fcntl
import hashlib
import json
import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from appliance.support.errors import SupportFailed

FOLDER = Path("/var/lib/appliance-egress")
TABLE = ("inet", "appliance")
SETS = ("tried_out", "tried_out6")
CHAINS = ("input", "forward", "output")
BOOT = Path("/proc/sys/kernel/random/boot_id")
NFT = ("nft", "--json", "list")


class Tried(Struct, frozen=True):
    """One user, one target. Times are those of the looks that found it: some minutes later than it happened."""

    uid: int
    address: str
    protocol: str
    port: int
    packets: int
    first_seen: datetime
    last_seen: datetime


class Kept(Struct, frozen=True):
    """What the file holds."""

    since: datetime
    """Nobody looked before."""
    tried: list[Tried] = []
    load: str = ""
    """Which load of the rules `counted` belongs to."""
    counted: dict[str, int] = {}
    """Packets of each set's element at the last look."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the kernel says now."""

    load: str
    tried: Mapping[tuple[int, str, str, int], int]
    """User, address, protocol and port → packets since the rules were loaded."""
    policies: Mapping[str, str]
    refused: int
    """Packets that were refused since then, of whatever kind."""
    digest: str
    """SHA-256 of the rules, without what they counted."""


def look(folder: Path, rules: Rules, now: datetime) -> Kept:
    """Add what was tried since the last look, on the disk when this returns. Raises SupportFailed: the disk."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder):
            kept = added(_read(folder / "tried.json", now), rules, now)
            draft = folder / "tried.json.new"
            draft.write_bytes(msgspec.json.encode(kept))
            os.sync()
            draft.replace(folder / "tried.json")
    except OSError as error:
        raise SupportFailed(f"{error.filename or folder}: {error.strerror}.") from error
    return kept


def added(kept: Kept, rules: Rules, now: datetime) -> Kept:
    """The sum of both; pure."""
    before = kept.counted if kept.load == rules.load else {}
    tried = {(t.uid, t.address, t.protocol, t.port): t for t in kept.tried}
    for key, packets in rules.tried.items():
        more = packets - before.get(_word(key), 0)
        old = tried.get(key)
        if old is None:
            tried[key] = Tried(*key, packets=more, first_seen=now, last_seen=now)
        elif more > 0:
            tried[key] = msgspec.structs.replace(old, packets=old.packets + more, last_seen=now)
    counted = {_word(key): packets for key, packets in rules.tried.items()}
    return Kept(kept.since, sorted(tried.values(), key=lambda t: (t.first_seen, t.address)), rules.load, counted)


def statement(kept: Kept, rules: Rules, host: str, now: datetime) -> dict[str, Any]:
    """What this host answers for: whether everything is refused that is not named, and every attempt."""
    closed = all(rules.policies.get(chain) == "drop" for chain in CHAINS)
    count = len(kept.tried)
    word = f"{count} target{' was' if count == 1 else 's were'} tried" if count else "0 attempts"
    return {
        "host": host,
        "machine": _text(Path("/etc/machine-id")),
        "boot": _text(BOOT),
        "at": now.isoformat(timespec="seconds"),
        "since": kept.since.isoformat(timespec="seconds"),
        "denied_by_default": closed,
        "policies": dict(rules.policies),
        "rules_sha256": rules.digest,
        "refused_packets": rules.refused,
        "attempts": [_attempt(tried) for tried in kept.tried],
        "sentence": f"{word} since {kept.since:%Y-%m-%d %H:%M} UTC; "
        f"what is not named is {'refused' if closed else 'NOT refused'}.",
    }


def read_rules() -> Rules:
    """Ask the kernel. Raises SupportFailed: the rules of the appliance are not loaded."""
    listed = _nft("table", *TABLE)
    chains = {row["chain"]["name"]: row["chain"] for row in listed if "chain" in row}
    counters = {row["counter"]["name"]: row["counter"]["packets"] for row in listed if "counter" in row}
    table: dict[str, Any] = next((row["table"] for row in listed if "table" in row), {})
    tried: dict[tuple[int, str, str, int], int] = {}
    for row in listed:
        if row.get("set", {}).get("name") in SETS:
            tried.update(_elements(row["set"].get("elem", [])))
    rules = [_plain(row["rule"]["expr"]) for row in listed if "rule" in row]
    return Rules(
        load=f"{_text(BOOT)}:{table.get('handle', 0)}",
        tried=tried,
        policies={name: str(chains.get(name, {}).get("policy", "none")) for name in CHAINS},
        refused=int(counters.get("refused_out", 0)),
        digest=hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest(),
    )


def _elements(elements: list[Any]) -> Iterator[tuple[tuple[int, str, str, int], int]]:
    for element in elements:
        inner = element["elem"]
        uid, address, protocol, port = inner["val"]["concat"]
        yield (int(uid), str(address), str(protocol), int(port)), int(inner.get("counter", {}).get("packets", 1))


def _plain(value: Any) -> Any:
    """A rule without its counts."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key not in ("packets", "bytes", "handle")}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _nft(*words: str) -> list[dict[str, Any]]:
    try:
        done = subprocess.run([*NFT, *words], capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    except FileNotFoundError as error:
        raise SupportFailed("nft is missing, so nothing is refused on this host.") from error
    if done.returncode != 0:
        raise SupportFailed("The appliance's rules are not loaded, so nothing is refused on this host.")
    found: list[dict[str, Any]] = json.loads(done.stdout)["nftables"]
    return found


def _attempt(tried: Tried) -> dict[str, Any]:
    try:
        user = pwd.getpwuid(tried.uid).pw_name
    except KeyError:
        user = str(tried.uid)
    return {"user": user, **msgspec.to_builtins(tried)}


def _read(file: Path, now: datetime) -> Kept:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Kept)
    except FileNotFoundError:
        return Kept(since=now)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _word(key: tuple[int, str, str, int]) -> str:
    return " ".join(map(str, key))


def _text(file: Path) -> str:
    return file.read_text(encoding="ascii").strip() if file.exists() else ""
