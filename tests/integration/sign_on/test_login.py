"""Logging in and out: rows AUTH-13 to 20 and 24 of the plan, the break-glass account, and steps up."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, text

from appliance.identity.models import SessionRow, UserRow
from appliance.identity.sso.models import SsoSessionRow
from tests.fakes.provider import FakeProvider
from tests.support.gateway import Gateway
from tests.support.visitor import PUBLIC, Visitor, answer


async def refused(visitor: Visitor, path: str) -> None:
    """The answer opens no session; the page says so, and no error of the server."""
    before = visitor.session
    reply = await visitor.ask("GET", path)
    assert reply.status_code in (303, 400), reply.text
    if reply.status_code == 303:
        assert reply.headers["location"].startswith("/login?problem=refused")
    assert visitor.session == before


async def test_a_login_leads_to_the_page_that_was_asked_for(visitor: Visitor) -> None:
    assert await visitor.log_in("/library?x=1") == "/library?x=1"
    me = (await visitor.ask("GET", "/api/me")).json()
    assert me["email"] == "ann@firm.test"
    assert not [name for name in visitor.cookies if "login" in name], "the attempt's cookie is used up"


async def test_what_is_asked_of_the_provider(visitor: Visitor, provider: FakeProvider) -> None:
    asked = answer(await visitor.begin())
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    assert asked["redirect_uri"] == f"{PUBLIC}/auth/oidc/callback"
    again = answer(await visitor.begin())
    assert not {asked[n] for n in ("state", "nonce", "code_challenge")} & {again[n] for n in again}


async def test_auth_13_a_code_works_once_and_for_its_own_login(visitor: Visitor, door: Gateway) -> None:
    back = await visitor.at_provider(await visitor.begin())
    kept = dict(visitor.cookies)
    assert (await visitor.ask("GET", back)).headers["location"] == "/"
    replayed = Visitor(door, dict(kept))
    await refused(replayed, back)  # the same code, with the attempt's cookie kept
    other, mine = Visitor(door), Visitor(door)
    stolen = answer(await other.at_provider(await other.begin()))
    own = answer(await mine.at_provider(await mine.begin()))
    swapped = {**own, "code": stolen["code"]}
    await refused(mine, f"/auth/oidc/callback?{urlencode(swapped)}")  # the code of another login: other verifier
    await refused(Visitor(door), f"/auth/oidc/callback?{urlencode(stolen)}")  # in another browser
    for code in ("", "x" * 5000, "nonsense"):
        fresh = Visitor(door)
        state = answer(await fresh.at_provider(await fresh.begin()))
        await refused(fresh, f"/auth/oidc/callback?{urlencode({**state, 'code': code})}")


@pytest.mark.parametrize("state", ["", "x", "A" * 43, "../../etc", "\x00\x00", "missing"])
async def test_auth_14_a_state_of_nobody_is_refused(visitor: Visitor, state: str) -> None:
    back = answer(await visitor.at_provider(await visitor.begin()))
    if state == "missing":
        del back["state"]
    else:
        back["state"] = state
    await refused(visitor, f"/auth/oidc/callback?{urlencode(back)}")


async def test_auth_14_a_state_that_only_begins_alike_is_refused(visitor: Visitor) -> None:
    back = answer(await visitor.at_provider(await visitor.begin()))
    back["state"] = back["state"][:20] + "A" * 23
    await refused(visitor, f"/auth/oidc/callback?{urlencode(back)}")


async def test_auth_14_an_attempts_cookie_of_one_own_making_is_refused(visitor: Visitor) -> None:
    back = await visitor.at_provider(await visitor.begin())
    name = next(n for n in visitor.cookies if "login" in n)
    for value in ("", "AAAA", visitor.cookies[name][:-4] + "AAAA", "é", "A" * 4000):
        changed = Visitor(visitor.gateway, {**visitor.cookies, name: value.encode().decode("latin-1")})
        await refused(changed, back)


async def test_auth_14_two_tabs_log_in_beside_each_other(visitor: Visitor) -> None:
    first = await visitor.at_provider(await visitor.begin("/models"))
    second = await visitor.at_provider(await visitor.begin("/library"))
    assert (await visitor.ask("GET", first)).headers["location"] == "/models"
    assert (await visitor.ask("GET", second)).headers["location"] == "/library"
    assert await visitor.me() == 200


async def test_many_attempts_do_not_fill_the_browsers_header(visitor: Visitor) -> None:
    for _ in range(30):
        last = await visitor.begin()
    assert len([name for name in visitor.cookies if "login" in name]) <= 6
    await visitor.ask("GET", await visitor.at_provider(last))
    assert await visitor.me() == 200


@pytest.mark.parametrize("nonce", ["", "another", None])
async def test_auth_15_a_nonce_of_another_login_is_refused(
    visitor: Visitor, provider: FakeProvider, nonce: str | None
) -> None:
    back = await visitor.at_provider(await visitor.begin())
    code = provider.codes[answer(back)["code"]]
    code.nonce = nonce or ""
    if nonce is None:
        code.nonce = "x" * 43
    await refused(visitor, back)


@pytest.mark.parametrize("iss", ["https://evil.example/realms/firm", "other"])
async def test_auth_17_an_answer_of_another_provider_is_refused(visitor: Visitor, iss: str) -> None:
    back = {**answer(await visitor.at_provider(await visitor.begin())), "iss": iss}
    await refused(visitor, f"/auth/oidc/callback?{urlencode(back)}")


async def test_auth_19_a_session_from_before_is_dead_after_the_login(visitor: Visitor, door: Gateway) -> None:
    await visitor.log_in()
    before = dict(visitor.cookies)
    planted = visitor.session
    await visitor.log_in()
    assert visitor.session != planted
    assert await visitor.me() == 200
    assert await Visitor(door, before).me() == 401


async def test_auth_19_a_planted_cookie_is_not_taken_up(door: Gateway, as_: Callable[[str], None]) -> None:
    victim = Visitor(door, {"__Host-appliance_session": "a" * 43})
    await victim.log_in()
    assert victim.session != "a" * 43
    assert await Visitor(door, {"__Host-appliance_session": "a" * 43}).me() == 401


async def test_auth_20_cookies_are_pinned_to_host_and_tls(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.log_in()
    assert {name for name in visitor.attributes if not name.startswith("__Host-appliance_")} == set()
    for name, morsel in visitor.attributes.items():
        assert morsel["secure"], name
        assert morsel["httponly"], name
        assert morsel["samesite"].lower() == "lax", name
        assert morsel["path"] == "/", name
        assert not morsel["domain"], name


async def test_tokens_of_the_provider_never_reach_the_browser_or_the_database_in_clear(
    visitor: Visitor, door: Gateway, provider: FakeProvider
) -> None:
    await visitor.log_in()
    given = set(provider.refreshes)
    seen = json.dumps([visitor.cookies, (await visitor.ask("GET", "/auth/session")).text])
    async with door.parts.database.read() as session:
        kept = list(await session.scalars(select(SsoSessionRow.refresh)))
    assert kept
    assert not [token for token in given if token in seen or any(token in row for row in kept)]
    assert "eyJ" not in seen


async def test_somebody_of_no_admitted_group_gets_a_page_and_no_account(
    visitor: Visitor, door: Gateway, as_: Callable[[str], None]
) -> None:
    as_("eve")
    assert (await visitor.log_in()).startswith("/login?problem=not_admitted")
    assert visitor.session is None
    assert "eve@firm.test" not in {p.email for p in await door.parts.people.everybody()}


@pytest.mark.parametrize("fault", ["500", "garbage", "redirect", "huge"])
async def test_a_provider_that_is_down_is_said_on_a_page(visitor: Visitor, provider: FakeProvider, fault: str) -> None:
    back = await visitor.at_provider(await visitor.begin())
    provider.fault = fault
    try:
        reply = await visitor.ask("GET", back)
    finally:
        provider.fault = ""
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/login?problem=unavailable")
    assert visitor.session is None


async def test_auth_24_a_logout_ends_both_sides_at_once(visitor: Visitor, provider: FakeProvider) -> None:
    await visitor.log_in()
    kept = dict(visitor.cookies)
    asked = provider.asked.get("logout", 0)
    began = time.monotonic()
    reply = await visitor.ask("POST", "/auth/logout")
    assert reply.status_code == 200
    assert reply.headers["clear-site-data"] == '"cache", "storage"'
    assert visitor.session is None
    assert await Visitor(visitor.gateway, kept).me() == 401
    assert time.monotonic() - began < 1
    assert provider.asked["logout"] > asked


async def test_auth_24_an_outage_of_the_provider_keeps_nobody_logged_in(
    visitor: Visitor, provider: FakeProvider
) -> None:
    await visitor.log_in()
    kept, provider.fault = dict(visitor.cookies), "500"
    try:
        assert (await visitor.ask("POST", "/auth/logout")).json() == {"continue_at": None}
    finally:
        provider.fault = ""
    assert await Visitor(visitor.gateway, kept).me() == 401


async def test_no_password_of_the_appliances_own_works(visitor: Visitor) -> None:
    reply = await visitor.ask("POST", "/auth/login", json={"email": "first@localhost", "password": "x" * 12})
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "local_login_off"


async def test_a_session_of_a_password_is_over_when_passwords_are_off(visitor: Visitor, door: Gateway) -> None:
    person, password = await door.parts.people.create(email="old@firm.test", name="Old", password=None, roles=("user",))
    token, _ = await door.parts.access.log_in(person.email, password or "")
    assert await Visitor(door, {"__Host-appliance_session": token}).me() == 401


async def test_the_break_glass_account_is_loud_and_ends_by_itself(visitor: Visitor, door: Gateway) -> None:
    sealed = await door.parts.sealed_account.seal()
    assert not await door.parts.sealed_account.is_open()
    wrong = await visitor.ask("POST", "/auth/login", json={"email": "break-glass@localhost", "password": "x" * 32})
    assert wrong.status_code == 401
    assert not await door.parts.sealed_account.is_open(), "a wrong password breaks no seal"
    body = {"email": "break-glass@localhost", "password": sealed.password}
    assert (await visitor.ask("POST", "/auth/login", json=body)).status_code == 200
    state = (await visitor.ask("GET", "/auth/session")).json()
    assert state["break_glass_open"] is True
    assert state["single_sign_on"] is True
    assert (await visitor.ask("GET", "/api/users")).status_code == 200
    async with door.parts.database.read() as session:
        uses = text("SELECT count(*) FROM audit_events WHERE action = 'break_glass_account.used'")
        found = await session.scalar(uses)
        mine = select(SessionRow.expires_at).join(UserRow, UserRow.id == SessionRow.user_id)
        ends = await session.scalar(mine.where(UserRow.email == "break-glass@localhost"))
    assert found == 1
    assert ends is not None
    assert ends - datetime.now(UTC) <= timedelta(hours=1)
    await door.parts.sealed_account.seal()
    assert await visitor.me() == 401, "sealing again ends its sessions"


async def test_the_seal_is_the_operators_alone(visitor: Visitor, as_: Callable[[str], None]) -> None:
    as_("bob")
    await visitor.log_in()
    assert (await visitor.ask("POST", "/api/break-glass-account/seal")).status_code == 403


async def test_a_step_up_proves_the_person_anew(visitor: Visitor, provider: FakeProvider) -> None:
    await visitor.log_in()
    before = visitor.session
    asked = answer(await visitor.begin(step_up=True))
    assert asked["acr_values"] == "2"
    assert asked["max_age"] == "0"
    assert asked["prompt"] == "login"
    await visitor.log_in(step_up=True)
    assert visitor.session != before


async def test_accounts_are_changed_with_a_fresh_proof_only(
    visitor: Visitor, door: Gateway, as_: Callable[[str], None]
) -> None:
    as_("bob")
    await visitor.log_in()
    body = {"email": f"made{time.monotonic_ns()}@firm.test", "name": "Made", "password": "correct horse battery"}
    reply = await visitor.ask("POST", "/api/users", json=body)
    assert reply.status_code == 403
    assert reply.json()["error"]["code"] == "step_up_needed"
    assert (await visitor.ask("GET", "/api/users")).status_code == 200, "reading needs none"
    await visitor.log_in(step_up=True)
    assert (await visitor.ask("POST", "/api/users", json=body)).status_code == 201


async def test_a_logout_that_waits_for_the_provider_is_not_cut_by_the_end_of_its_own_session(
    visitor: Visitor, provider: FakeProvider
) -> None:
    await visitor.log_in()
    provider.slow_s = 1.5
    try:
        reply = await visitor.ask("POST", "/auth/logout")
    finally:
        provider.slow_s = 0.0
    assert reply.status_code == 200, reply.text
