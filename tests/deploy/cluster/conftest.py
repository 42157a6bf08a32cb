"""One API server for all tests here; each test has a namespace of its own."""

import itertools
from collections.abc import Iterator

import pytest

from tests.support.apiserver import BUILT, Cluster, running
from tests.support.chart import HELM

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not HELM.exists() or not (BUILT / "kube-apiserver").exists():
        pytest.skip("SKIPPED: there is no API server here; 'script/test cluster' builds one")
    with running(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def space(cluster: Cluster) -> str:
    name = f"space-{next(NUMBERS)}"
    cluster.namespace(name)
    return name
