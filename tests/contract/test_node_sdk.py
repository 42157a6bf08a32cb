"""The openai SDK for Node.js against the whole appliance, in exactly the version of `node/package-lock.json`."""

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CHECKS = ["models", "plain", "streamed", "forced_tool", "schema", "embeddings", "errors"]


def test_the_node_sdk_sees_what_the_python_one_sees(sdk: Path, node: str, base_url: str, key: str) -> None:
    arguments = [base_url, key, "smollm2-135m-instruct", "multilingual-e5-small"]
    done = subprocess.run(
        [node, "contract.js", *arguments], cwd=sdk, capture_output=True, text=True, timeout=500, check=False
    )
    passed = [json.loads(line)["check"] for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"after {passed}: {done.stderr[-3000:]}"
    assert passed == CHECKS
