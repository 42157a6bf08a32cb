"""The way to the provider: its certificate is checked, by authorities of our own choice, and nothing stands between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from appliance.identity.oidc import OidcSettings, ProviderUnavailable
from appliance.identity.oidc.fetch import Fetch
from appliance.identity.oidc.provider import Provider
from tests.fakes.provider import CLIENT, FakeProvider
from tests.support.authority import Authority


@dataclass
class Behind:
    """A provider behind TLS."""

    provider: FakeProvider
    authority: Authority

    async def reads(self, issuer: str = "", ca_file: Path | None = None) -> bool:
        settings = OidcSettings(issuer or self.provider.issuer, CLIENT, ca_file=ca_file, timeout_s=10).checked()
        fetch = Fetch(settings)
        try:
            await Provider(settings, fetch).metadata()
        except ProviderUnavailable as refused:
            print(refused.message)
            return False
        finally:
            await fetch.close()
        return True


@pytest.fixture
async def behind(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Behind]:
    authority, provider = Authority(tmp_path, "firm"), FakeProvider()
    runner = web.AppRunner(provider.application())
    await runner.setup()
    context = authority.server(valid=getattr(request, "param", True))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    provider.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield Behind(provider, authority)
    await runner.cleanup()


async def test_our_own_authorities_count_and_no_others(behind: Behind, tmp_path: Path) -> None:
    assert await behind.reads(ca_file=behind.authority.file)
    assert not await behind.reads(), "the machine's authorities do not know it"
    assert not await behind.reads(ca_file=Authority(tmp_path, "stranger").file)


async def test_the_certificate_must_be_for_this_host(behind: Behind) -> None:
    issuer = behind.provider.issuer.replace("127.0.0.1", "localhost")
    assert not await behind.reads(issuer, behind.authority.file)


@pytest.mark.parametrize("behind", [False], indirect=True)
async def test_a_certificate_that_is_over_is_refused(behind: Behind) -> None:
    assert not await behind.reads(ca_file=behind.authority.file)


async def test_no_proxy_of_the_environment_is_asked(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert await behind.reads(ca_file=behind.authority.file)
