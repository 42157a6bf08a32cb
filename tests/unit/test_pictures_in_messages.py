"""Pictures inside messages: which reach a model that sees, and which are refused by their place."""

import base64
import io
from typing import Any

import msgspec
import pytest
from PIL import Image

from appliance.openai_api.chat_completions.messages import IMAGE_TOKENS, measured
from appliance.openai_api.chat_completions.prepare import prepare
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest
from appliance.openai_api.errors import UnsupportedValue
from appliance.openai_api.served import ServedModel

SEEING = ServedModel("seeing", "chat", 8192, ("vision",))
BLIND = ServedModel("blind", "chat", 8192)


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> str:
    drawn = io.BytesIO()
    Image.new("L", size).save(drawn, kind)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(drawn.getvalue()).decode()


def asked(url: str) -> ChatCompletionRequest:
    content: list[Any] = [
        {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]
    body = {"model": "seeing", "messages": [{"role": "user", "content": content}]}
    return msgspec.convert(body, ChatCompletionRequest)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_reaches_a_model_that_sees(kind: str) -> None:
    url = picture(kind)
    request = asked(url)
    assert measured(request, SEEING) > IMAGE_TOKENS
    sent = msgspec.json.decode(msgspec.json.encode(prepare(request, SEEING).request))
    assert sent["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]


def test_a_model_without_eyes_says_so() -> None:
    with pytest.raises(UnsupportedValue) as refused:
        measured(asked(picture()), BLIND)
    assert "does not see" in refused.value.message
    assert refused.value.param == "messages[0].content[1].image_url"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "http://127.0.0.1:9/a.png",
        "file:///etc/passwd",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:text/html;base64,aGk=",
        "data:image/png;base64,not base64!",
        "data:image/png;base64,aGVsbG8=",
        "data:image/png,plain",
    ],
)
def test_nothing_is_fetched_and_only_pictures_pass(url: str) -> None:
    with pytest.raises(UnsupportedValue) as refused:
        measured(asked(url), SEEING)
    assert refused.value.param == "messages[0].content[1].image_url.url"


def test_a_small_file_may_not_unpack_into_a_huge_picture() -> None:
    huge = picture("PNG", (8000, 8000))
    assert len(huge) < 200_000
    with pytest.raises(UnsupportedValue):
        measured(asked(huge), SEEING)
