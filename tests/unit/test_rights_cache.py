"""What is remembered about credentials, and when it is not believed; how a request's credential is found."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.foundation import NotAuthenticated, new_id
from appliance.identity import ENDPOINTS, KeyScope, Permission, Principal, RightsCache, endpoint_of
from appliance.identity.admission import Admission
from appliance.identity.credentials import Credential, read_credential
from appliance.identity.errors import AuthenticationBusy, CredentialsMixed
from appliance.identity.rights import Known
from appliance.identity.secrets import new_api_key

START = datetime(2026, 1, 1, tzinfo=UTC)
COOKIE = b"appliance_session"


@dataclass
class Time:
    """Both clocks, moved by hand."""

    passed_s: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s


def known(until_s: float = 1000) -> Known:
    person = Principal(new_id(), "a@x.test", "A", frozenset({"user"}), frozenset(), "api_key")
    return Known(person, START + timedelta(seconds=until_s), person.user_id)


def cache(time: Time, **sizes: int) -> RightsCache:
    made = RightsCache(time, monotonic=time.monotonic, **sizes)  # type: ignore[arg-type]
    made.confirm(1, time.monotonic())
    return made


def digest(text: str) -> bytes:
    return Credential("bearer", text).digest()


def test_nothing_is_believed_before_the_database_was_asked() -> None:
    time = Time()
    rights = RightsCache(time, monotonic=time.monotonic)
    rights.keep(digest("a"), known(), rights.generation)
    assert rights.find(digest("a")) is None
    rights.confirm(1, 0.0)
    assert rights.find(digest("a")) is None, "it was read before anybody knew the count"


def test_what_was_read_is_found_until_rights_change() -> None:
    rights = cache(Time())
    one = known()
    rights.keep(digest("a"), one, rights.generation)
    rights.confirm(1, 0.0)
    assert rights.find(digest("a")) is one
    rights.confirm(2, 0.0)
    assert rights.find(digest("a")) is None


def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    rights = cache(Time())
    before = rights.generation
    rights.drop()
    rights.keep(digest("a"), known(), before)
    rights.keep_unknown(digest("b"), before)
    assert rights.find(digest("a")) is None
    assert not rights.is_unknown(digest("b"))


@pytest.mark.parametrize(("passed_s", "believed"), [(3.9, True), (4.1, False), (4000.0, False)])
def test_without_news_of_the_database_nothing_is_believed_for_five_seconds(passed_s: float, believed: bool) -> None:
    time = Time()
    rights = cache(time)
    rights.keep(digest("a"), known(until_s=10_000), rights.generation)
    time.passed_s = passed_s
    assert (rights.find(digest("a")) is not None) == believed


def test_a_failed_look_ends_belief_at_once_and_the_next_good_one_restores_it() -> None:
    rights = cache(Time())
    rights.keep(digest("a"), known(), rights.generation)
    rights.doubt()
    assert rights.find(digest("a")) is None
    rights.confirm(1, 0.0)
    assert rights.find(digest("a")) is not None


def test_an_expired_key_is_out_by_the_clock() -> None:
    time = Time()
    rights = cache(time)
    rights.keep(digest("a"), known(until_s=2), rights.generation)
    time.passed_s = 1.99
    assert rights.find(digest("a")) is not None
    time.passed_s = 2.0
    assert rights.find(digest("a")) is None


def test_it_is_bounded_and_forgets_what_was_not_used_for_longest() -> None:
    rights = cache(Time(), size=3, unknown_size=2)
    for name in "abc":
        rights.keep(digest(name), known(), rights.generation)
    assert rights.find(digest("a")) is not None
    rights.keep(digest("d"), known(), rights.generation)
    assert [rights.find(digest(n)) is not None for n in "abcd"] == [True, False, True, True]
    for name in "xyz":
        rights.keep_unknown(digest(name), rights.generation)
    assert [rights.is_unknown(digest(n)) for n in "xyz"] == [False, True, True]


def test_unknown_credentials_are_remembered_for_a_moment_only() -> None:
    time = Time()
    rights = cache(time)
    rights.keep_unknown(digest("a"), rights.generation)
    assert rights.is_unknown(digest("a"))
    time.passed_s = 5.1
    assert not rights.is_unknown(digest("a"))


def test_tokens_that_share_a_beginning_and_ways_that_share_a_token_are_different() -> None:
    token = new_api_key().text()
    rights = cache(Time())
    rights.keep(digest(token), known(), rights.generation)
    assert rights.find(digest(token[:-1])) is None
    assert rights.find(digest(token + " ")) is None
    assert rights.find(Credential("session", token).digest()) is None


async def test_one_question_serves_all_who_ask_the_same_and_one_who_leaves_takes_nothing() -> None:
    rights, asked, answer = cache(Time()), [], asyncio.Event()
    one = known()

    async def find(credential: Credential) -> Known | None:
        asked.append(credential.token)
        await answer.wait()
        return one

    admission = Admission(rights, find)
    waiting = [asyncio.create_task(admission.ask(digest("a"), Credential("bearer", "a"))) for _ in range(20)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    answer.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert asked == ["a"]
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [one] * 19


async def test_a_question_of_before_a_change_answers_nobody_who_comes_after_it() -> None:
    rights, asked, answer = cache(Time()), [], asyncio.Event()

    async def find(credential: Credential) -> Known | None:
        asked.append(credential.token)
        await answer.wait()
        return None

    admission = Admission(rights, find)
    before = asyncio.create_task(admission.ask(digest("a"), Credential("bearer", "a")))
    await asyncio.sleep(0.01)
    rights.drop()
    after = asyncio.create_task(admission.ask(digest("a"), Credential("bearer", "a")))
    await asyncio.sleep(0.01)
    answer.set()
    await asyncio.gather(before, after)
    assert asked == ["a", "a"]


async def test_a_flood_of_strangers_is_bounded_and_does_not_keep_out_the_familiar() -> None:
    rights, inside, most, answer = cache(Time()), [0], [0], asyncio.Event()
    friend = known()

    async def find(credential: Credential) -> Known | None:
        if credential.token == "friend":
            return friend
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        await answer.wait()
        inside[0] -= 1
        return None

    admission = Admission(rights, find, strangers=2, queue=5)
    rights.keep(digest("friend"), friend, rights.generation)
    rights.drop()
    flood = [asyncio.create_task(admission.ask(digest(str(i)), Credential("bearer", str(i)))) for i in range(20)]
    await asyncio.sleep(0.01)
    assert await admission.ask(digest("friend"), Credential("bearer", "friend")) is friend
    answer.set()
    results = await asyncio.gather(*flood, return_exceptions=True)
    assert most == [2]
    assert sum(isinstance(r, AuthenticationBusy) for r in results) == 13
    assert sum(r is None for r in results) == 7


def headers(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in pairs]


@pytest.mark.parametrize(
    ("sent", "path", "found"),
    [
        ([], "/v1/models", None),
        ([("authorization", "Bearer k")], "/v1/models", Credential("bearer", "k")),
        ([("authorization", "bEARER   k ")], "/v1/models", Credential("bearer", "k")),
        ([("cookie", "a=b; appliance_session=t; c=d")], "/api/me", Credential("session", "t")),
        ([("cookie", "not_appliance_session=t")], "/api/me", None),
        ([("x-api-key", "k")], "/v1/messages", Credential("bearer", "k")),
        ([("x-api-key", "k")], "/v1/messages/count_tokens", Credential("bearer", "k")),
        ([("x-api-key", "k")], "/v1/chat/completions", None),
        ([("x-api-key", "k")], "/v1/messagesx", None),
        ([("x-api-key", "k")], "/api/me", None),
        ([("api-key", "k")], "/v1/messages", None),
    ],
)
def test_a_credential_is_found_where_it_may_be(
    sent: list[tuple[str, str]], path: str, found: Credential | None
) -> None:
    assert read_credential(headers(*sent), COOKIE, path) == found


BEARER, KEY, SESSION = ("authorization", "Bearer k"), ("x-api-key", "k"), ("cookie", "appliance_session=t")


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/api/me"])
@pytest.mark.parametrize(
    "sent",
    [
        [BEARER, BEARER],
        [BEARER, ("authorization", "Bearer other")],
        [KEY, KEY],
        [SESSION, SESSION],
        [("cookie", "appliance_session=t; appliance_session=u")],
        [BEARER, KEY],
        [BEARER, SESSION],
        [KEY, SESSION],
        [BEARER, KEY, SESSION],
    ],
)
def test_more_than_one_credential_is_refused_everywhere(sent: list[tuple[str, str]], path: str) -> None:
    with pytest.raises(CredentialsMixed):
        read_credential(headers(*sent), COOKIE, path)


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "k", "Bearerk"])
def test_an_authorization_that_is_no_bearer_is_refused(value: str) -> None:
    with pytest.raises(NotAuthenticated):
        read_credential(headers(("authorization", value)), COOKIE, "/v1/models")


def test_what_cannot_be_ours_costs_no_question() -> None:
    good = new_api_key().text()
    assert Credential("bearer", good).is_well_formed()
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    for token in ("", wrong, good + "a", good[:-1], "pma_", "x" * 100_000, good.replace("_", "-"), "é" * 61, "a" * 43):
        assert not Credential("bearer", token).is_well_formed(), token[:80]
    assert Credential("session", "a" * 43).is_well_formed()
    assert not Credential("session", good).is_well_formed()


def test_every_path_has_one_endpoint() -> None:
    paths = {
        "/v1/chat/completions": "chat/completions",
        "/v1/completions": "completions",
        "/v1/responses/resp_1/cancel": "responses",
        "/v1/audio/transcriptions": "audio/transcriptions",
        "/v1/messages/count_tokens": "messages",
        "/v1/models/a/b": "models",
        "/api/ask": "api",
        "/auth/logout": "api",
        "/v1": "api",
    }
    assert {path: endpoint_of(path) for path in paths} == paths
    assert endpoint_of("/v1//chat/completions") not in ENDPOINTS


def test_a_scope_leaves_out_what_it_does_not_name() -> None:
    whole = KeyScope()
    assert [whole.may_use_model("m"), whole.may_use_assistant("a"), whole.may_call("e")] == [True] * 3
    assert not whole.is_narrow
    for scope in (KeyScope(models=frozenset()), KeyScope(endpoints=frozenset({"models"}))):
        assert scope.is_narrow
    assert not KeyScope(models=frozenset({"m"})).may_use_model("M")
    assert not KeyScope(endpoints=frozenset()).may_call("models")


def test_a_narrowed_key_of_an_administrator_administers_nothing() -> None:
    chief = replace(known().principal, roles=frozenset({"user", "administrator"}))
    assert chief.reach(Permission.ACCOUNTS_MANAGE) == "any"
    assert not replace(chief, key_scope=KeyScope(models=frozenset({"m"}))).may(Permission.ACCOUNTS_MANAGE)
