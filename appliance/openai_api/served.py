"""Which engine's model a request names."""

from dataclasses import dataclass

from appliance.inference import Engines
from appliance.openai_api.errors import ModelNotFound, TaskNotServed, UnsupportedValue

DOES = {
    "chat": "does not chat",
    "embed": "makes no embeddings",
    "rerank": "does not judge documents",
    "transcribe": "does not hear",
    "image": "does not draw",
}


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What a request needs to know of its model."""

    id: str
    task: str
    context_tokens: int
    abilities: tuple[str, ...] = ()


class ServedModels:
    """The configured models by id. They are known from the start; only their state changes."""

    def __init__(self, engines: Engines) -> None:
        self._by_id = {
            f.model_id: ServedModel(f.model_id, f.task, f.context_tokens, f.abilities) for f in engines.list_facts()
        }

    def get(self, model_id: str, *tasks: str) -> ServedModel:
        """Raises ModelNotFound, or UnsupportedValue when it is there for something else."""
        model = self._by_id.get(model_id)
        if model is None:
            raise ModelNotFound(f"The model '{model_id}' does not exist.", param="model")
        if model.task not in tasks:
            does = DOES.get(tasks[0], "cannot do this")
            raise UnsupportedValue(f"'{model_id}' {does}; its task is {model.task}.", param="model")
        return model

    def require_task(self, task: str) -> None:
        """Raises TaskNotServed when no model is served for it, whichever is named."""
        if not any(m.task == task for m in self._by_id.values()):
            raise TaskNotServed(f"No model for the task '{task}' is served here.", param="model")
