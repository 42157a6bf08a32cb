"""Every test here needs helm, which `script/test chart` fetches."""

import pytest

from tests.support.chart import HELM


@pytest.fixture(autouse=True, scope="session")
def helm_is_there() -> None:
    if not HELM.exists():
        pytest.skip("SKIPPED: helm is not here; 'script/test chart' fetches it")
