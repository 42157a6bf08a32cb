"""`POST /v1/audio/transcriptions`."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from appliance.edge import while_connected
from appliance.identity import Permission, Principal, requires
from appliance.openai_api.audio.service import MOST_BYTES, Transcriptions
from appliance.openai_api.audio.wire import read_form


class TranscriptionsController(Controller):
    path = "/v1/audio/transcriptions"

    @post(guards=[requires(Permission.MODELS_USE)], status_code=200, request_max_body_size=MOST_BYTES + 64 * 1024)
    async def create(
        self,
        request: Request[Principal, Any, Any],
        data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)],
        transcriptions: Transcriptions,
    ) -> Response[bytes]:
        """The text, as JSON or plain."""
        transcriptions.require()
        asked = read_form(data)
        body = await while_connected(request, transcriptions.whole(request.user, asked))
        kind = "text/plain" if asked.response_format == "text" else "application/json"
        return Response(body, media_type=kind)
