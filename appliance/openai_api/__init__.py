"""The OpenAI-compatible door: wire format in, wire format out.

One folder per endpoint: `routes.py` (HTTP), `wire.py` (types), `service.py` (work). A request for an engine's model is
rebuilt from an allowlist of typed fields and passed through as bytes; a request for an assistant goes through
`answers`, and its citations come as annotations.

Rule: no field reaches an engine that is not named in a `wire.py`.
"""

from appliance.openai_api.chat_completions.routes import ChatCompletionsController
from appliance.openai_api.chat_completions.service import ChatCompletions
from appliance.openai_api.embeddings.routes import EmbeddingsController
from appliance.openai_api.models.routes import ModelsController

__all__ = ["ChatCompletions", "ChatCompletionsController", "EmbeddingsController", "ModelsController"]
