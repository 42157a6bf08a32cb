"""Settings of an identity provider, and the keys and description that are read from it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.configuration import identity_settings
from appliance.foundation import ApplianceError, SecretUnusable, SystemClock
from appliance.identity.oidc import OidcMisconfigured, OidcSettings, ProviderUnavailable, TokenRefused
from appliance.identity.oidc.fetch import Fetch
from appliance.identity.oidc.jwks import SigningKeys
from appliance.identity.oidc.keys import read_keys
from appliance.identity.oidc.provider import Provider
from appliance.identity.oidc.tokens import TokenVerifier
from appliance.settings import IdentitySection, OidcSection, Settings, SettingsInvalid, load
from tests.fakes.forge import SigningKey, signed
from tests.fakes.provider import CLIENT, FakeProvider, providing

GOOD = OidcSection(issuer="https://id.firm.test/realms/firm", client_id="appliance")
UNSAFE: dict[str, dict[str, Any]] = {
    "plain http": {"issuer": "http://id.firm.test/realms/firm"},
    "no scheme": {"issuer": "id.firm.test"},
    "another scheme": {"issuer": "file:///etc/passwd"},
    "a password in it": {"issuer": "https://a:b@id.firm.test"},
    "a query": {"issuer": "https://id.firm.test/?x=1"},
    "a fragment": {"issuer": "https://id.firm.test/#x"},
    "spaces": {"issuer": "https://id.firm.test/a b"},
    "a name that begins like this machine's": {"issuer": "http://localhost.evil.test/"},
    "an address that is none": {"issuer": "https://[::1"},
    "no client": {"client_id": ""},
    "a client with spaces": {"client_id": "a b"},
    "any client": {"allowed_azp": ("*",)},
    "an unknown role": {"role_groups": {"boss": ("/it",)}},
    "no claim of groups": {"groups_claim": ""},
    "untyped tokens for the client itself": {"untyped_access_tokens": True},
    "authorities that are not there": {"ca_file": "/nowhere/ca.pem"},
    "authorities that are none": {"ca_file": __file__},
    "a secret that is not there": {"client_secret_file": "/nowhere/secret"},
}


def section(**other: Any) -> OidcSection:
    fields = {name: getattr(GOOD, name) for name in GOOD.__struct_fields__}
    return OidcSection(**{**fields, **other})


@pytest.mark.parametrize("what", UNSAFE)
def test_what_is_unsafe_is_refused_in_a_sentence_that_names_the_setting(what: str) -> None:
    settings = Settings(data_dir="/nowhere", identity=IdentitySection(mode="oidc", oidc=section(**UNSAFE[what])))
    with pytest.raises((OidcMisconfigured, SecretUnusable)) as refused:
        identity_settings(settings)
    assert "identity.oidc." in refused.value.message
    assert refused.value.way_out


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8080/realms/x", "http://localhost/x", "http://[::1]:1/"])
def test_this_machine_needs_no_tls(issuer: str) -> None:
    found = identity_settings(Settings(data_dir="/nowhere", identity=IdentitySection(oidc=section(issuer=issuer))))
    assert found.oidc is not None
    assert found.oidc.issuer == issuer
    assert found.mode == "local", "to be named is not to be switched on"


def test_a_mode_without_a_provider_is_refused() -> None:
    with pytest.raises(OidcMisconfigured):
        identity_settings(Settings(data_dir="/nowhere", identity=IdentitySection(mode="oidc")))


def test_sections_inside_sections_come_from_the_environment_too(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very secret\n")
    secret.chmod(0o600)
    found = load(
        None,
        {
            "HOME": str(tmp_path),
            "APPLIANCE_IDENTITY_MODE": "oidc",
            "APPLIANCE_IDENTITY_OIDC_ISSUER": GOOD.issuer,
            "APPLIANCE_IDENTITY_OIDC_CLIENT_ID": "appliance",
            "APPLIANCE_IDENTITY_OIDC_CLIENT_SECRET_FILE": str(secret),
        },
    )
    assert found.identity.oidc.issuer == GOOD.issuer
    oidc = identity_settings(found).oidc
    assert oidc is not None
    assert oidc.client_secret == "very secret"
    assert "very secret" not in repr(oidc)
    with pytest.raises(SettingsInvalid, match="identity.oidc.isuer"):
        load(None, {"HOME": str(tmp_path), "APPLIANCE_IDENTITY_OIDC_ISUER": "x"})


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    async with providing(FakeProvider()) as running:
        running.user("ann", groups=("/staff/it",), roles=("clerk",))
        yield running


class Time:
    passed_s = 1000.0

    def monotonic(self) -> float:
        return self.passed_s


Opened = Callable[..., tuple[TokenVerifier, SigningKeys, Time]]


@pytest.fixture
async def opened(provider: FakeProvider) -> AsyncIterator[Opened]:
    """A verifier of the provider's tokens, its keys, and the clock of their age; the keys are not kept fresh."""
    fetches = []

    def make(on_lost: Callable[[], None] = lambda: None, **other: Any) -> tuple[TokenVerifier, SigningKeys, Time]:
        settings = replace(OidcSettings(provider.issuer, CLIENT, timeout_s=1.5), **other)
        fetches.append(Fetch(settings))
        time = Time()
        keys = SigningKeys(Provider(settings, fetches[-1]), on_lost=on_lost, monotonic=time.monotonic)
        return TokenVerifier(settings, keys, SystemClock()), keys, time

    yield make
    for fetch in fetches:
        await fetch.close()


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"])
async def test_a_good_token_is_read_whatever_its_algorithm(
    provider: FakeProvider, opened: Opened, algorithm: str
) -> None:
    provider.rotate(SigningKey.made("k", algorithm))
    verifier, _, _ = opened()
    claims = await verifier.access_token(provider.mint(provider.users["ann"]))
    assert (claims.subject, claims.issuer, claims.azp) == ("sub-ann", provider.issuer, CLIENT)
    assert (claims.groups, claims.roles) == ({"/staff/it"}, {"clerk"})
    assert (claims.email, claims.email_verified, claims.is_service) == ("ann@firm.test", True, False)


async def test_an_id_token_holds_for_its_own_login_only(provider: FakeProvider, opened: Opened) -> None:
    verifier, _, _ = opened()
    token = provider.id_token(provider.users["ann"], "n1")
    assert (await verifier.id_token(token, nonce="n1")).kind == "id"
    for nonce in ("n2", "", "N1"):
        with pytest.raises(TokenRefused):
            await verifier.id_token(token, nonce=nonce)
    with pytest.raises(TokenRefused):
        await verifier.id_token(provider.mint(provider.users["ann"], nonce="n1"), nonce="n1")


async def test_keys_are_read_once_and_again_at_most_every_thirty_seconds(
    provider: FakeProvider, opened: Opened
) -> None:
    verifier, _, time = opened()
    good = provider.mint(provider.users["ann"])
    stranger = SigningKey.made("stranger")
    for _ in range(50):
        await verifier.access_token(good)
        with pytest.raises(TokenRefused, match="unknown_key"):
            await verifier.access_token(signed(provider.header(kid="x"), {}, stranger))
    assert provider.asked["certs"] == 1
    for _ in range(10):
        time.passed_s += 31
        for i in range(20):
            with pytest.raises(TokenRefused, match="unknown_key"):
                await verifier.access_token(signed(provider.header(kid=f"x{i}"), {}, stranger))
    assert provider.asked["certs"] == 11
    assert provider.asked["openid-configuration"] == 1


@pytest.mark.parametrize("fault", ["hang", "500", "garbage", "redirect", "empty", "huge"])
async def test_keys_stay_while_the_provider_fails(provider: FakeProvider, opened: Opened, fault: str) -> None:
    verifier, keys, time = opened()
    old = provider.mint(provider.users["ann"])
    await verifier.access_token(old)
    provider.rotate()
    new = provider.mint(provider.users["ann"])
    provider.fault = fault
    time.passed_s += 31
    with pytest.raises(TokenRefused, match="unknown_key"):
        await verifier.access_token(new)
    await keys.refresh()
    await verifier.access_token(old)
    provider.fault = ""
    time.passed_s += 31
    await verifier.access_token(new)


async def test_a_key_that_was_taken_back_is_dead_with_the_next_reading(provider: FakeProvider, opened: Opened) -> None:
    told: list[None] = []
    verifier, keys, _ = opened(on_lost=lambda: told.append(None))
    old = provider.mint(provider.users["ann"])
    await verifier.access_token(old)
    provider.rotate(keep=True)
    await keys.refresh()
    assert told == []
    await verifier.access_token(old)
    provider.rotate()
    await keys.refresh()
    assert told == [None]
    with pytest.raises(TokenRefused, match="unknown_key"):
        await verifier.access_token(old)


@pytest.mark.parametrize("fault", ["hang", "500", "garbage", "redirect", "huge"])
async def test_without_any_keys_it_is_said_that_the_provider_is_away(
    provider: FakeProvider, opened: Opened, fault: str
) -> None:
    provider.fault = fault
    verifier, _, time = opened()
    token = provider.mint(provider.users["ann"])
    with pytest.raises(ProviderUnavailable):
        await verifier.access_token(token)
    provider.fault = ""
    time.passed_s += 3
    await verifier.access_token(token)


async def test_a_provider_of_another_name_is_not_taken(provider: FakeProvider, opened: Opened) -> None:
    provider.issuer_claimed = provider.issuer + "/"
    verifier, _, _ = opened()
    with pytest.raises(ApplianceError):
        await verifier.access_token(provider.mint(provider.users["ann"]))


BAD_KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no id": lambda jwk: {k: v for k, v in jwk.items() if k != "kid"},
    "an id that is a list": lambda jwk: {**jwk, "kid": ["a"]},
    "for encryption": lambda jwk: {**jwk, "use": "enc"},
    "for signing only": lambda jwk: {**jwk, "key_ops": ["sign"]},
    "operations that are text": lambda jwk: {**jwk, "key_ops": "verify"},
    "a shared secret": lambda jwk: {"kty": "oct", "kid": "a", "alg": "HS256", "k": "c2VjcmV0"},
    "a shared secret's algorithm": lambda jwk: {**jwk, "alg": "HS256"},
    "no algorithm at all": lambda jwk: {**jwk, "alg": "none"},
    "an algorithm that is a list": lambda jwk: {**jwk, "alg": ["RS256"]},
    "another kind's algorithm": lambda jwk: {**jwk, "alg": "ES256"},
    "the secret half too": lambda jwk: {**jwk, "d": "AQAB"},
    "too short": lambda jwk: SigningKey.made("short", bits=1024).jwk(),
    "endless": lambda jwk: {**jwk, "n": "_" * 20_000},
    "not base64": lambda jwk: {**jwk, "n": "ü"},
    "no modulus": lambda jwk: {**jwk, "n": None},
    "an even exponent": lambda jwk: {**jwk, "e": "Ag"},
    "an unknown kind": lambda jwk: {**jwk, "kty": "XY"},
    "a point off the curve": lambda jwk: {"kty": "EC", "crv": "P-256", "kid": "a", "x": "AQ", "y": "AQ"},
    "an unknown curve": lambda jwk: {"kty": "EC", "crv": "P-1", "kid": "a", "x": "AQ", "y": "AQ"},
    "text": lambda jwk: "key",
    "nothing": lambda jwk: None,
}


@pytest.mark.parametrize("what", BAD_KEYS)
def test_a_key_that_cannot_be_used_is_left_out(what: str) -> None:
    good = SigningKey.made("good", "ES256").jwk()
    entry = BAD_KEYS[what](SigningKey.made("bad").jwk())
    assert read_keys({"keys": [entry, good]}).kids() == {"good"}
    with pytest.raises(ValueError, match="no key"):
        read_keys({"keys": [entry]})


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": [{}] * 101}])
def test_a_set_without_keys_is_none(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no "):
        read_keys(document)
