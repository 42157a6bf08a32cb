"""State of the engines for the web UI and the command line."""

from litestar import Controller, get
from msgspec import Struct

from appliance.identity import requires_login
from appliance.inference.service import Engines


class ModelReply(Struct):
    id: str
    task: str
    state: str
    ready: bool
    detail: str
    context_tokens: int
    licence: str
    parameters_billion: float
    languages: list[str]


class EnginesController(Controller):
    path = "/api/models"
    guards = [requires_login]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def list_models(self, engines: Engines) -> list[ModelReply]:
        return [
            ModelReply(
                id=f.model_id,
                task=f.task,
                state=f.state,
                ready=f.ready,
                detail=f.detail,
                context_tokens=f.context_tokens,
                licence=f.licence,
                parameters_billion=f.parameters_billion,
                languages=list(f.languages),
            )
            for f in engines.list_facts()
        ]
