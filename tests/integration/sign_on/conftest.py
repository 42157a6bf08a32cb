"""A gateway whose people come from a provider that lies and fails as it is told."""

from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from appliance.settings import ServerSection
from tests.fakes.engine import FakeEngine
from tests.fakes.provider import SECRET, FakeProvider, providing
from tests.support.databases import Databases
from tests.support.gateway import Gateway, settings_for
from tests.support.sso import sso_gateway, with_provider
from tests.support.visitor import PUBLIC, Visitor


@pytest.fixture(scope="package")
async def provider() -> AsyncIterator[FakeProvider]:
    async with providing(FakeProvider()) as running:
        running.user("ann", groups=("/staff",))
        running.user("bob", groups=("/staff", "/admins"))
        running.user("eve", groups=("/guests",))
        yield running


@pytest.fixture(scope="package")
async def door(
    databases: Databases,
    provider: FakeProvider,
    engine: FakeEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    folder = tmp_path_factory.mktemp("sso")
    url = databases.setting(folder / "data")
    (folder / "client-secret").touch(0o600)
    (folder / "client-secret").write_text(SECRET)
    settings = with_provider(
        msgspec.structs.replace(
            settings_for(folder / "data", engine.url, engine.url, url), server=ServerSection(public_url=PUBLIC)
        ),
        provider,
        client_secret_file=str(folder / "client-secret"),
        step_up_acr="2",
        check_interval_s=1.0,
    )
    async with sso_gateway(settings) as running:
        yield running


@pytest.fixture
def as_(provider: FakeProvider) -> Callable[[str], None]:
    """Who stands before the provider's page."""

    def stand(name: str) -> None:
        provider.signs_in = name

    stand("ann")
    return stand


@pytest.fixture
def visitor(door: Gateway, as_: Callable[[str], None]) -> Visitor:
    return Visitor(door)
