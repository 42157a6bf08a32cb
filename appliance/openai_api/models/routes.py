"""`GET /v1/models` and `GET /v1/models/{id}`."""

from typing import Any, Literal

from litestar import Controller, Request, get
from msgspec import Struct

from appliance.answers import Assistants
from appliance.identity import KeyScope, Principal, requires_login
from appliance.inference import Engines
from appliance.openai_api.errors import ModelNotFound

Call = Request[Principal, Any, Any]


class ModelReply(Struct):
    """OpenAI's model object and what it has no place for."""

    id: str
    owned_by: str
    context_length: int
    task: str
    licence: str
    object: Literal["model"] = "model"
    created: int = 0


class ModelList(Struct):
    data: list[ModelReply]
    object: Literal["list"] = "list"


class ModelsController(Controller):
    path = "/v1/models"
    guards = [requires_login]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def list_models(self, request: Call, engines: Engines, assistants: Assistants) -> ModelList:
        """Those that the caller's key is for."""
        return ModelList(data=_all(request.user.key_scope, engines, assistants))

    @get("/{model_id:path}")
    async def one(self, request: Call, model_id: str, engines: Engines, assistants: Assistants) -> ModelReply:
        wanted = model_id.lstrip("/")
        for model in _all(request.user.key_scope, engines, assistants):
            if model.id == wanted:
                return model
        raise ModelNotFound(f"The model '{wanted}' does not exist.")


def _all(scope: KeyScope, engines: Engines, assistants: Assistants) -> list[ModelReply]:
    facts = {f.model_id: f for f in engines.list_facts()}
    models = [
        ModelReply(id=f.model_id, owned_by="engine", context_length=f.context_tokens, task=f.task, licence=f.licence)
        for f in facts.values()
        if scope.may_use_model(f.model_id)
    ]
    for assistant in assistants.all():
        if not scope.may_use_assistant(assistant.id):
            continue
        base = facts.get(assistant.model_id)
        models.append(
            ModelReply(
                id=assistant.id,
                owned_by="assistant",
                context_length=base.context_tokens if base else 0,
                task="chat",
                licence=base.licence if base else "",
            )
        )
    return models
