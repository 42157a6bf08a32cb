"""What leaves a host in a support bundle holds no secret, nobody's address and nothing that people wrote; and who tried
to get out is added up over loads of the rules.
"""

import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.operations import gather
from appliance.support import Collector, Redactor, look, statement
from appliance.support.egress import Kept, Rules, added

SECRET = "n0t-to-be-told-ever"
TEXT = "The merger with Globex closes in May"
PLANTED = (
    SECRET,
    "pma_AbCd1234_" + "Zx9" * 15,
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
    "ada.lovelace@acme.example",
    "hunter2hunter2",
    "AGE-SECRET-KEY-1QQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQQPQ9",
    TEXT,
)
LINES = (
    "timestamp='2026-11-26T02:52:53Z' level='error' event='failed' document='{0}' exception='Broken: {0} (a.py:1)'",
    "timestamp='2026-11-26T02:52:53Z' level='warning' event={0!r} logger='httpx'",
    "(APIServer pid=7) INFO 11-26 02:23:04 [logger.py:39] Received request chat-1: prompt: {0}, params: x",
    'INFO:     127.0.0.1:5010 - "POST /v1/chat?q={0} HTTP/1.1" 200 OK',
    '2026-11-26 02:38:39,254 WARN  [org.keycloak.events] (executor-9) type="LOGIN_ERROR", username="{0}"',
    '2026-11-26 02:46:27.558 UTC [4364] ERROR:  duplicate key value violates unique constraint "{0}"',
    "2026-11-26 02:46:27.558 UTC [4364] appliance@appliance STATEMENT:  INSERT INTO turns VALUES ({0})",
    '2026/11/26 02:24:02 [error] 6709#6709: *1 upstream timed out, request: "GET /api/search?q={0} HTTP/1.1"',
    'ts=2026-11-26T02:26:22.376Z caller=main.go:973 level=info msg="{0}"',
    "{0}",
    "password={0}",
)
NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("ours", [True, False])
def test_no_line_tells_what_was_planted(planted: str, line: str, ours: bool) -> None:
    told = Redactor([SECRET]).line(line.format(planted), ours=ours)
    assert planted not in told
    assert not [word for word in ("merger", "Globex", "lovelace", "hunter2") if word in told]


def test_what_helps_stays() -> None:
    redactor = Redactor([SECRET])
    ours = "timestamp='2026-11-26T02:52:53Z' level='warning' event='replica does no work' model='e5' status=503 ms=7.3"
    assert redactor.line(ours, ours=True) == ours
    theirs = "(EngineCore pid=8) ERROR 11-26 02:44:43 [core.py:283] Out of memory on device 0, 12 GiB wanted"
    assert redactor.line(theirs, ours=False) == theirs
    assert redactor.value("nginx 1.22.1-9 install ok") == "nginx 1.22.1-9 install ok"
    number = 'appliance_http_request_duration_seconds_bucket{le="0.5"} 17'
    assert redactor.value(number) == number
    assert redactor.value("Id=appliance-gateway.service MemoryCurrent=18446744073709551615").endswith("615")
    assert redactor.value("sha " + "0a" * 32) == "sha <long word>"
    assert 'type="LOGIN_ERROR"' in redactor.line(LINES[4].format("x"), ours=False)


@given(st.text(min_size=12, max_size=60), st.sampled_from(LINES), st.booleans())
def test_a_known_secret_leaves_in_no_line(secret: str, line: str, ours: bool) -> None:
    secret = "".join(c for c in secret if c.isprintable()).strip()
    if len(secret) < 8:
        return
    told = Redactor([secret]).line(line.replace("{0}", secret), ours=ours)
    assert secret not in told


def test_settings_keep_their_shape() -> None:
    given_settings = {
        "server": {"port": 8080, "public_url": "https://chat.acme.example"},
        "database": {"url_file": "/etc/appliance/secrets/database-url"},
        "limits": {"url": f"redis://:{SECRET}@h"},
        "metrics": {"token": "another-token-of-16"},
        "answers": {"instructions": TEXT, "admins": ["ada@acme.example"], "on": True},
    }
    told = Redactor([SECRET]).table(given_settings)
    assert told["server"] == given_settings["server"]
    assert told["database"] == given_settings["database"]
    assert told["metrics"] == {"token": "<secret>"}
    assert told["answers"] == {"instructions": "<text>", "admins": ["<mail>"], "on": True}
    assert SECRET not in json.dumps(told)


def rules(load: str, tried: dict[tuple[int, str, str, int], int], policy: str = "drop") -> Rules:
    return Rules(load, tried, dict.fromkeys(("input", "forward", "output"), policy), sum(tried.values()), "ab")


def test_attempts_are_added_up_over_looks_and_loads() -> None:
    web, name = (33, "192.0.2.1", "tcp", 443), (0, "192.0.2.2", "udp", 53)
    kept = added(Kept(since=NOW), rules("a", {web: 2}), NOW)
    kept = added(kept, rules("a", {web: 5, name: 1}), NOW + timedelta(minutes=5))
    assert {(t.uid, t.port): t.packets for t in kept.tried} == {(33, 443): 5, (0, 53): 1}
    kept = added(kept, rules("b", {}), NOW + timedelta(minutes=10))
    kept = added(kept, rules("b", {web: 1}), NOW + timedelta(minutes=15))
    (first,) = [t for t in kept.tried if t.uid == 33]
    assert first.packets == 6
    assert (first.first_seen, first.last_seen) == (NOW, NOW + timedelta(minutes=15))
    assert kept.since == NOW


def test_the_statement_says_who_and_whether_the_host_is_closed(tmp_path: Path) -> None:
    now_rules = rules("a", {(0, "192.0.2.1", "tcp", 443): 2})
    told = statement(look(tmp_path, now_rules, NOW), now_rules, "n1", NOW)
    assert told["denied_by_default"]
    (row,) = told["attempts"]
    assert (row["user"], row["address"], row["protocol"], row["port"]) == ("root", "192.0.2.1", "tcp", 443)
    assert told["sentence"].startswith("1 target was tried since")
    quiet = rules("b", {}, policy="accept")
    told = statement(look(tmp_path / "other", quiet, NOW), quiet, "n1", NOW)
    assert told["sentence"] == "0 attempts since 2026-11-26 03:00 UTC; what is not named is NOT refused."


def test_what_hosts_told_comes_into_one_file_and_who_is_missing_is_named(tmp_path: Path) -> None:
    sample = Path(__file__).resolve().parents[2] / "playbooks" / "inventory" / "sample" / "installation.yml"
    description = tmp_path / "installation.yml"
    description.write_text(sample.read_text(encoding="utf-8"))
    assert gather(description, tmp_path / "none", tmp_path).missing == ("n1",)
    part = tmp_path / "told" / "n1"
    part.mkdir(parents=True)
    (part / "egress.json").write_text('{"sentence": "0 attempts", "attempts": [], "denied_by_default": true}')
    (tmp_path / "appliance.toml").write_text(f'[answers]\nwords = "{TEXT}"\n')
    collector = Collector(tmp_path / "appliance.toml", ("echo", SECRET), "", "", 1)
    collector.write(part / "host.tar.gz", Redactor([SECRET]))
    (tmp_path / ".acme").mkdir()
    (tmp_path / ".acme" / "operations.jsonl").write_text(json.dumps({"operation": "install", "failed": f"T: {TEXT}"}))
    found = gather(description, tmp_path / "told", tmp_path)
    assert found.missing == ()
    assert list(found.statements) == ["n1"]
    with tarfile.open(found.file) as archive:
        content = {m.name: (archive.extractfile(m) or pytest.fail(m.name)).read().decode() for m in archive}
    assert {"n1/egress.json", "n1/units.txt", "n1/settings.json", "operations.jsonl", "missing.txt"} <= set(content)
    assert "<secret>" in content["n1/doctor.json"]
    assert not [name for name, text in content.items() if SECRET in text or TEXT in text]
