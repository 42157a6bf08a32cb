"""What a recording says, where an engine that hears is configured."""

import re
import secrets

from appliance.identity import Principal
from appliance.openai_api.audio.wire import Recording
from appliance.openai_api.calls import EngineCall, EngineCalls
from appliance.openai_api.errors import InvalidBody
from appliance.openai_api.served import ServedModels

MOST_BYTES = 25 * 1024 * 1024
BYTES_PER_TOKEN = 600
"""Of a recording, roughly: what it is counted as before it is heard."""
SUFFIX = re.compile(r"\.(flac|m4a|mp3|mp4|mpeg|mpga|oga|ogg|wav|webm)$", re.IGNORECASE)


class Transcriptions:
    """Builds the form for the engine anew: nothing of the caller's own bytes but the recording."""

    def __init__(self, served: ServedModels, calls: EngineCalls) -> None:
        self._served = served
        self._calls = calls

    def require(self) -> None:
        """Raises TaskNotServed."""
        self._served.require_task("transcribe")

    async def whole(self, principal: Principal, asked: Recording) -> bytes:
        """The engine's reply. Raises InvalidBody, and as `ChatCompletions.open` does."""
        self._served.get(asked.model, "transcribe")
        suffix = SUFFIX.search(asked.file.filename)
        if suffix is None:
            raise InvalidBody("The name of the recording does not say which kind it is.", param="file")
        sound = await asked.file.read(MOST_BYTES + 1)
        if not sound or len(sound) > MOST_BYTES:
            raise InvalidBody(f"A recording has 1 to {MOST_BYTES} bytes.", param="file")
        boundary = secrets.token_hex(16)
        fields = [("model", asked.model), *asked.fields]
        call = EngineCall(
            model_id=asked.model,
            endpoint="audio/transcriptions",
            body=form(fields, f"recording{suffix[0].lower()}", sound, boundary.encode()),
            prompt_tokens=len(sound) // BYTES_PER_TOKEN,
            max_tokens=0,
            content_type=f"multipart/form-data; boundary={boundary}".encode(),
        )
        return await (await self._calls.open(principal, call)).whole()


def form(fields: list[tuple[str, str]], filename: str, sound: bytes, boundary: bytes) -> bytes:
    """A multipart body. Names are ours; a value cannot end its part, since it does not know the boundary."""
    head = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="'
    parts = [head + name.encode() + b'"\r\n\r\n' + value.encode() + b"\r\n" for name, value in fields]
    named = head + b'file"; filename="' + filename.encode() + b'"\r\nContent-Type: application/octet-stream\r\n\r\n'
    return b"".join([*parts, named, sound, b"\r\n--", boundary, b"--\r\n"])
