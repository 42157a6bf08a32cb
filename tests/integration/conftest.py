"""Which tests run on which database, and a gateway that takes a provider's tokens.

Rule: a test runs on SQLite and on PostgreSQL when it asks for `databases`, itself or through what it asks for, such as
`running_gateway`. What asks for `postgres_server` without them is about PostgreSQL and runs there only; the rest, and
what is marked `any_database`, runs on SQLite only.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.engine import FakeEngine
from tests.fakes.provider import FakeProvider, providing
from tests.support.databases import Databases
from tests.support.gateway import Gateway, settings_for
from tests.support.sso import sso_gateway, with_provider

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kind = config.getoption("--database")
    left_out = [item for item in items if item.path.is_relative_to(HERE) and kind not in _kinds(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _kinds(item: pytest.Item) -> tuple[str, ...]:
    asked = getattr(item, "fixturenames", ())
    if item.get_closest_marker("any_database"):
        return ("sqlite",)
    if "databases" in asked:
        return ("sqlite", "postgres")
    return ("postgres",) if "postgres_server" in asked else ("sqlite",)


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[FakeProvider]:
    async with providing(FakeProvider()) as running:
        running.user("ann")
        yield running


@pytest.fixture(scope="module")
async def door(
    databases: Databases, provider: FakeProvider, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """For whom the provider says who they are."""
    data = tmp_path_factory.mktemp("door")
    settings = settings_for(data, engine.url, engine.url, databases.setting(data))
    async with sso_gateway(with_provider(settings, provider)) as running:
        yield running
