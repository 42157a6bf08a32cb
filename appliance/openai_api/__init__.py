"""The OpenAI-compatible door: wire format in, wire format out.

1. `door.py` puts the endpoints together; each one's folder has `wire.py` (types) and `service.py`.
2. `hot.py` takes the busiest addresses as plain ASGI, ordinary routes the rest.
3. The service rebuilds the request from an allowlist of typed fields, or gives it to an assistant.
4. `calls.py` asks `usage` for the right and `inference` for an engine, lets the bytes pass and books what was used.

Rule: no field reaches an engine that is not named in a `wire.py`.
"""

from appliance.openai_api.batches.settings import BatchSettings
from appliance.openai_api.door import Beneath, DoorSettings, OpenAiDoor, kept_files
from appliance.openai_api.files.settings import FileSettings
from appliance.openai_api.responses.settings import ResponseSettings

__all__ = [
    "BatchSettings",
    "Beneath",
    "DoorSettings",
    "FileSettings",
    "OpenAiDoor",
    "ResponseSettings",
    "kept_files",
]
