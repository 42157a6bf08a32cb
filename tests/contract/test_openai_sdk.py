"""The official SDK against the whole appliance with its real engines: what a program sees."""

import math

import openai
import pytest

from tests.support.process import ApplianceProcess

pytestmark = pytest.mark.engine

QUESTION = "How much does the company pay per night for a hotel?"
CHAT, EMBED, ASSISTANT = "smollm2-135m-instruct", "multilingual-e5-small", "documents"


def test_models_are_engines_and_assistants(client: openai.OpenAI) -> None:
    found = {model.id for model in client.models.list()}
    assert {CHAT, EMBED, ASSISTANT} <= found
    assert client.models.retrieve(CHAT).id == CHAT
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-nothing")


def test_a_plain_answer(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=CHAT,
        messages=[{"role": "user", "content": "What is the capital of Germany?"}],
        max_tokens=20,
        temperature=0,
    )
    assert "Berlin" in (reply.choices[0].message.content or "")
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_a_streamed_answer_is_the_plain_one(client: openai.OpenAI) -> None:
    asked = {
        "model": CHAT,
        "messages": [{"role": "user", "content": "What is the capital of Germany?"}],
        "max_tokens": 20,
        "temperature": 0,
    }
    plain = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    chunks = list(client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **asked))  # type: ignore[call-overload]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == plain.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].choices == []


def test_an_assistant_answers_with_annotations(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=ASSISTANT, messages=[{"role": "user", "content": QUESTION}])
    message = reply.choices[0].message
    assert "140 euros" in (message.content or "")
    assert message.annotations
    first = message.annotations[0].url_citation
    assert "handbook.pdf" in first.title
    assert "140 euros" in str(message.annotations[0].model_dump())


def test_a_streamed_assistant(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(model=ASSISTANT, messages=[{"role": "user", "content": QUESTION}], stream=True)
    )
    assert "140 euros" in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert chunks[-1].choices[0].finish_reason == "stop"
    annotated = [c for c in chunks if c.choices and (c.choices[0].delta.model_extra or {}).get("annotations")]
    assert annotated


def test_embeddings(client: openai.OpenAI) -> None:
    texts = [
        "query: hotel costs",
        "passage: A night in a hotel costs 140 euros.",
        "passage: Oil the pump twice a year.",
    ]
    reply = client.embeddings.create(model=EMBED, input=texts)
    asked, near, far = (item.embedding for item in reply.data)
    assert len(asked) == 384
    assert math.isclose(sum(x * x for x in asked), 1.0, abs_tol=1e-3)
    assert _dot(asked, near) > _dot(asked, far)
    plain = client.embeddings.create(model=EMBED, input=texts[0], encoding_format="float").data[0].embedding
    assert all(math.isclose(a, b, abs_tol=1e-4) for a, b in zip(asked, plain, strict=True))


def test_errors_are_the_sdk_s_own(product: ApplianceProcess, client: openai.OpenAI) -> None:
    hello = [{"role": "user", "content": "Hello"}]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nothing", messages=hello)  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=CHAT, messages=[])
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=ASSISTANT, messages=[])
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": "word " * 6000}], max_tokens=10
        )
    stranger = openai.OpenAI(base_url=f"{product.url}/v1", api_key="pma_wrong", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
