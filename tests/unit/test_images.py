"""Pictures, over a call that is scripted: what reaches the engine, and what comes back."""

import json
from typing import Any, cast

import pytest

from appliance.identity import Principal
from appliance.openai_api.calls import EngineCall, EngineCalls
from appliance.openai_api.errors import InvalidBody, UnsupportedParameter
from appliance.openai_api.images.service import Images
from appliance.openai_api.served import ServedModel, ServedModels

CALLER = cast("Principal", None)


class OnePainter(ServedModels):
    def __init__(self) -> None:
        self._by_id = {"painter": ServedModel("painter", "image", 0)}


class Reply:
    headers: tuple[tuple[bytes, bytes], ...] = ()
    streams = False

    async def read(self) -> bytes:
        return b""

    async def whole(self) -> bytes:
        return b'{"created": 5, "data": [{"b64_json": "aGk=", "revised_prompt": null, "seed": 3}], "more": 1}'

    async def aclose(self) -> None:
        return None


class Calls(EngineCalls):
    def __init__(self) -> None:
        self.seen: list[EngineCall] = []

    async def open(self, principal: Principal, call: EngineCall) -> Any:
        self.seen.append(call)
        return Reply()


def body(**more: Any) -> bytes:
    return json.dumps({"model": "painter", "prompt": "A boat", **more}).encode()


async def test_a_picture_comes_in_the_documented_shape() -> None:
    calls = Calls()
    opened = await Images(OnePainter(), calls).begin(CALLER, body(size="1024x512", style="vivid", user="x"))
    assert json.loads(await opened.whole()) == {"created": 5, "data": [{"b64_json": "aGk="}]}
    assert json.loads(calls.seen[0].body) == {
        "model": "painter",
        "prompt": "A boat",
        "size": "1024x512",
        "response_format": "b64_json",
    }


async def test_bounds_and_refusals() -> None:
    images = Images(OnePainter(), Calls())
    for more in ({"size": "9999x64"}, {"size": "big"}, {"n": 9}, {"response_format": "url"}):
        with pytest.raises(InvalidBody):
            await images.begin(CALLER, body(**more))
    with pytest.raises(UnsupportedParameter) as refused:
        await images.begin(CALLER, body(background="transparent"))
    assert refused.value.param == "background"
