"""Pictures from words, where an engine that draws is configured."""

import msgspec
from msgspec import UNSET

from appliance.identity import Principal
from appliance.openai_api.calls import EngineCall, EngineCalls, Opened
from appliance.openai_api.errors import InvalidBody, invalid_body
from appliance.openai_api.fields import IMAGES, dropped
from appliance.openai_api.images.wire import ImagesReply, ImagesRequest
from appliance.openai_api.served import ServedModels
from appliance.openai_api.shaped import Shaped

DROPPED = dropped(IMAGES)
SMALLEST, LARGEST = 64, 2048


class Images:
    """Rebuilds requests from the allowlist."""

    def __init__(self, served: ServedModels, calls: EngineCalls) -> None:
        self._served = served
        self._calls = calls
        self._decoder = msgspec.json.Decoder(ImagesRequest)

    async def begin(self, principal: Principal, body: bytes) -> Opened:
        """Raises TaskNotServed, and as `ChatCompletions.open` does."""
        self._served.require_task("image")
        try:
            request = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error, IMAGES) from error
        self._served.get(request.model, "image")
        _refuse_size(request)
        for name in DROPPED:
            setattr(request, name, UNSET)
        request.response_format = "b64_json"  # nothing is kept that an address could lead to
        call = EngineCall(
            model_id=request.model,
            endpoint="images/generations",
            body=msgspec.json.encode(request),
            prompt_tokens=len(request.prompt) // 4 + 1,
            max_tokens=0,
        )
        return Shaped(await self._calls.open(principal, call), _pictures)


def _refuse_size(request: ImagesRequest) -> None:
    if request.size and request.size != "auto":
        if not all(SMALLEST <= int(side) <= LARGEST for side in request.size.split("x")):
            raise InvalidBody(f"The sides are {SMALLEST} to {LARGEST}.", param="size")
    else:
        request.size = UNSET


def _pictures(raw: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(raw, type=ImagesReply))
