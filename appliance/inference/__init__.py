"""The engines: which one serves a model, how it is kept alive, and how to talk to it.

1. `catalogue.py` knows the models, `environment.py` and `store.py` bring engine and files onto the machine, `gpus.py`
   divides its GPUs.
2. `supervisor.py` starts vLLM behind a guard process, waits for a right answer to a known question, watches and
   restarts it. A remote engine is the same without the process.
3. `client.py` streams. Closing a stream aborts the request in the engine.

Rule: an engine listens on the loopback address only and gets no environment of ours; every request has a bound.
"""

from appliance.inference.catalogue import Catalogue, Entry, Task
from appliance.inference.command import EngineCommand, engine_command
from appliance.inference.describe import Wishes, describe, is_hub_id, save_entry
from appliance.inference.environment import engine_python, ensure_environment
from appliance.inference.errors import (
    EngineUnavailable,
    GpuTooSmall,
    ModelFilesMissing,
    ModelUnknown,
    PromptTooLong,
    SetupFailed,
)
from appliance.inference.gpus import Gpu, GpuShare, read_gpus
from appliance.inference.port import (
    ChatDelta,
    ChatEngine,
    ChatMessage,
    ChatRequest,
    Embedder,
    EmbeddingProfile,
    Forward,
    ModelFacts,
    UpstreamReply,
    Usage,
)
from appliance.inference.routes import EnginesController
from appliance.inference.service import Engines, default_choices, local_shares
from appliance.inference.settings import InferenceSettings, ModelChoice
from appliance.inference.store import ModelStore

__all__ = [
    "Catalogue",
    "ChatDelta",
    "ChatEngine",
    "ChatMessage",
    "ChatRequest",
    "Embedder",
    "EmbeddingProfile",
    "EngineCommand",
    "EngineUnavailable",
    "Engines",
    "EnginesController",
    "Entry",
    "Forward",
    "Gpu",
    "GpuShare",
    "GpuTooSmall",
    "InferenceSettings",
    "ModelChoice",
    "ModelFacts",
    "ModelFilesMissing",
    "ModelStore",
    "ModelUnknown",
    "PromptTooLong",
    "SetupFailed",
    "Task",
    "UpstreamReply",
    "Usage",
    "Wishes",
    "default_choices",
    "describe",
    "engine_command",
    "engine_python",
    "ensure_environment",
    "is_hub_id",
    "local_shares",
    "read_gpus",
    "save_entry",
]
