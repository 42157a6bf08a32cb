"""A real Keycloak, bootstrapped with the product's own command."""

from collections.abc import Iterator

import pytest

from tests.support import keycloak as support
from tests.support.keycloak import Keycloak


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    with support.running(tmp_path_factory.mktemp("keycloak")) as running:
        yield running
