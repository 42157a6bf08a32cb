"""`GET /v1/models` and `GET /v1/models/{id}`."""

from typing import Any, Literal

from litestar import Controller, Request, get
from msgspec import Struct

from appliance.answers import Assistants
from appliance.identity import KeyScope, Permission, Principal, requires
from appliance.inference import ConformanceReply, Conformances, Engines, ModelFacts, conformance_reply
from appliance.openai_api.errors import ModelNotFound

Call = Request[Principal, Any, Any]


class ModelReply(Struct):
    """OpenAI's model object and what it has no place for."""

    id: str
    owned_by: str
    context_length: int
    task: str
    licence: str
    abilities: list[str]
    conformance: ConformanceReply | None
    """What the model was last seen to do here; null when nobody has checked."""
    object: Literal["model"] = "model"
    created: int = 0


class ModelList(Struct):
    data: list[ModelReply]
    object: Literal["list"] = "list"


class ModelsController(Controller):
    path = "/v1/models"
    guards = [requires(Permission.MODELS_USE)]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def list_models(
        self, request: Call, engines: Engines, assistants: Assistants, conformances: Conformances
    ) -> ModelList:
        """Those that the caller's key is for."""
        return ModelList(data=await _all(request.user.key_scope, engines, assistants, conformances))

    @get("/{model_id:path}")
    async def one(
        self, request: Call, model_id: str, engines: Engines, assistants: Assistants, conformances: Conformances
    ) -> ModelReply:
        wanted = model_id.lstrip("/")
        for model in await _all(request.user.key_scope, engines, assistants, conformances):
            if model.id == wanted:
                return model
        raise ModelNotFound(f"The model '{wanted}' does not exist.", param="model")


async def _all(
    scope: KeyScope, engines: Engines, assistants: Assistants, conformances: Conformances
) -> list[ModelReply]:
    facts = {f.model_id: f for f in engines.list_facts()}
    checked = await conformances.all()
    models = [
        _model(f, "engine", conformance_reply(checked.get(f.model_id)))
        for f in facts.values()
        if scope.may_use_model(f.model_id)
    ]
    speaking = [a for a in assistants.all() if scope.may_use_assistant(a.id)]
    return [*models, *(_assistant(a.id, facts.get(a.model_id)) for a in speaking)]


def _model(facts: ModelFacts, owner: str, conformance: ConformanceReply | None) -> ModelReply:
    return ModelReply(
        id=facts.model_id,
        owned_by=owner,
        context_length=facts.context_tokens,
        task=facts.task,
        licence=facts.licence,
        abilities=list(facts.abilities),
        conformance=conformance,
    )


def _assistant(assistant_id: str, base: ModelFacts | None) -> ModelReply:
    return ModelReply(
        id=assistant_id,
        owned_by="assistant",
        context_length=base.context_tokens if base else 0,
        task="chat",
        licence=base.licence if base else "",
        abilities=[],
        conformance=None,
    )
