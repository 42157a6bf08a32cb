"""The OpenAI-compatible door: wire format in, wire format out.

1. `hot.py` takes the busiest addresses as plain ASGI; each endpoint's folder has `wire.py` (types) and `service.py`.
2. The service rebuilds the request from an allowlist of typed fields, or gives it to an assistant.
3. `calls.py` asks `usage` for the right and `inference` for an engine, lets the bytes pass and books what was used.

Rule: no field reaches an engine that is not named in a `wire.py`.
"""

from appliance.openai_api.calls import EngineCalls
from appliance.openai_api.chat_completions.assistants import AssistantCalls
from appliance.openai_api.chat_completions.service import ChatCompletions
from appliance.openai_api.completions.service import Completions
from appliance.openai_api.embeddings.service import Embeddings
from appliance.openai_api.files.repository import FileRepository
from appliance.openai_api.files.routes import FilesController
from appliance.openai_api.files.service import ApiFiles
from appliance.openai_api.files.settings import FileSettings
from appliance.openai_api.hot import hot_route
from appliance.openai_api.models.routes import ModelsController
from appliance.openai_api.responses.repository import ResponseRepository
from appliance.openai_api.responses.routes import ResponsesController
from appliance.openai_api.responses.search import FileSearch
from appliance.openai_api.responses.service import Responses
from appliance.openai_api.responses.settings import ResponseSettings
from appliance.openai_api.responses.window import Window
from appliance.openai_api.served import ServedModels
from appliance.openai_api.translation import TokenCounter

__all__ = [
    "ApiFiles",
    "AssistantCalls",
    "ChatCompletions",
    "Completions",
    "Embeddings",
    "EngineCalls",
    "FileRepository",
    "FileSearch",
    "FileSettings",
    "FilesController",
    "ModelsController",
    "ResponseRepository",
    "ResponseSettings",
    "Responses",
    "ResponsesController",
    "ServedModels",
    "TokenCounter",
    "Window",
    "hot_route",
]
