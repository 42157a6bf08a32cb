"""One appliance with real engines, one key, one client: for all contract tests of a run."""

from collections.abc import Iterator

import openai
import pytest

from tests.support.process import ApplianceProcess

CHAT, EMBED, ASSISTANT = "smollm2-135m-instruct", "multilingual-e5-small", "documents"


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
