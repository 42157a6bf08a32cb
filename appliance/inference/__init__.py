"""The engines: which one serves a model, how it is kept alive, and how to talk to it.

1. `catalogue.py` knows the models, `environment.py` and `store.py` bring engine and files onto the machine, `gpus.py`
   divides its GPUs.
2. `supervisor.py` starts vLLM behind a guard process, waits for a right answer to a known question, watches and
   restarts it. `remote.py` is the same without the process.
3. `pool` holds the replicas of each model: slots, lanes, the choice of a replica, another one before the first byte.
4. `client.py` speaks to engines, over a `transport.py` (`http1` for plain http). Closing a reply aborts the request in
   the engine.

Rule: an engine listens on the loopback address only and gets no environment of ours; every request has a bound.
"""

from appliance.inference.catalogue import Catalogue, Entry, Task
from appliance.inference.command import EngineCommand, engine_command
from appliance.inference.describe import Wishes, describe, is_hub_id, save_entry
from appliance.inference.environment import engine_python, ensure_environment
from appliance.inference.errors import (
    EnginesBusy,
    EngineUnavailable,
    FallbackInvalid,
    GpuTooSmall,
    ModelFilesMissing,
    ModelUnknown,
    PromptTooLong,
    ReplicaUnknown,
    SetupFailed,
)
from appliance.inference.gpus import Gpu, GpuShare, read_gpus
from appliance.inference.plan import default_choices, local_shares
from appliance.inference.pool import NoWatcher, RoutedReply, Watcher
from appliance.inference.port import (
    ChatDelta,
    ChatEngine,
    ChatMessage,
    ChatRequest,
    CheckResult,
    Conformance,
    Embedder,
    EmbeddingProfile,
    Forward,
    ModelFacts,
    ReplicaFacts,
    UpstreamReply,
    Usage,
)
from appliance.inference.repository import Conformances
from appliance.inference.routes import ConformanceReply, EnginesController, ServedModelsController, conformance_reply
from appliance.inference.service import Engines
from appliance.inference.settings import InferenceSettings, ModelChoice
from appliance.inference.store import ModelStore

__all__ = [
    "Catalogue",
    "ChatDelta",
    "ChatEngine",
    "ChatMessage",
    "ChatRequest",
    "CheckResult",
    "Conformance",
    "ConformanceReply",
    "Conformances",
    "Embedder",
    "EmbeddingProfile",
    "EngineCommand",
    "EngineUnavailable",
    "Engines",
    "EnginesBusy",
    "EnginesController",
    "Entry",
    "FallbackInvalid",
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
    "NoWatcher",
    "PromptTooLong",
    "ReplicaFacts",
    "ReplicaUnknown",
    "RoutedReply",
    "ServedModelsController",
    "SetupFailed",
    "Task",
    "UpstreamReply",
    "Usage",
    "Watcher",
    "Wishes",
    "conformance_reply",
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
