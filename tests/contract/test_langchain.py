"""LangChain's own classes for OpenAI, pointed at the appliance: base address and key, nothing else."""

from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

CHAT, EMBED = "smollm2-135m-instruct", "multilingual-e5-small"


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    unit: Literal["celsius", "fahrenheit"]


@tool
def get_weather(city: str, unit: Literal["celsius", "fahrenheit"]) -> str:
    """Weather of a city."""
    return f"18 degrees {unit} in {city}"


@pytest.fixture(scope="module")
def chat(base_url: str, key: str) -> ChatOpenAI:
    settings: dict[str, Any] = {"temperature": 0, "max_tokens": 200, "max_retries": 0}
    return ChatOpenAI(model=CHAT, base_url=base_url, api_key=SecretStr(key), **settings)


def test_invoke_and_stream_say_the_same(chat: ChatOpenAI) -> None:
    whole = chat.invoke("What is the capital of Germany?")
    assert "Berlin" in str(whole.content)
    assert isinstance(whole, AIMessage)
    assert whole.usage_metadata is not None
    streamed = list(chat.stream("What is the capital of Germany?"))
    assert "".join(str(c.content) for c in streamed) == whole.content


async def test_it_works_asynchronously(chat: ChatOpenAI) -> None:
    assert "Berlin" in str((await chat.ainvoke("What is the capital of Germany?")).content)


@pytest.mark.parametrize("choice", ["any", "get_weather"])
def test_a_bound_tool_is_called_with_arguments_that_fit(chat: ChatOpenAI, choice: str) -> None:
    bound = chat.bind_tools([get_weather], tool_choice=choice)
    for reply in (bound.invoke("Weather in Berlin?"), _sum(bound.stream("Weather in Berlin?"))):
        assert reply.tool_calls
        for call in reply.tool_calls:
            assert "18 degrees" in get_weather.invoke(call["args"])
    free = chat.bind_tools([get_weather]).invoke("Say hello.")
    assert free.content or free.tool_calls


def _sum(chunks: Any) -> Any:
    total = None
    for chunk in chunks:
        total = chunk if total is None else total + chunk
    return total


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat: ChatOpenAI, method: Any) -> None:
    found = chat.with_structured_output(Weather, method=method).invoke("The weather in Berlin in celsius.")
    assert isinstance(found, Weather)


def test_embeddings_of_text(base_url: str, key: str) -> None:
    options: dict[str, Any] = {"base_url": base_url, "api_key": SecretStr(key), "max_retries": 0}
    embeddings = OpenAIEmbeddings(model=EMBED, check_embedding_ctx_length=False, **options)
    near, far = embeddings.embed_documents(["passage: A hotel costs 140 euros.", "passage: Oil the pump."])
    asked = embeddings.embed_query("query: hotel costs")
    assert len(asked) == 384
    assert sum(a * b for a, b in zip(asked, near, strict=True)) > sum(a * b for a, b in zip(asked, far, strict=True))
