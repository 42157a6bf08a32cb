"""State of the engines for the web UI and the command line, and their maintenance."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, get, post
from litestar.params import Parameter
from msgspec import Struct

from appliance.audit import Audit, Event
from appliance.identity import Permission, requires
from appliance.inference.port import Conformance, ReplicaFacts
from appliance.inference.repository import Conformances
from appliance.inference.service import Engines

ReplicaName = Annotated[str, Parameter(max_length=500, description="As `GET /api/engines` names it.")]


class CheckReply(Struct):
    name: str
    outcome: str
    detail: str
    seconds: float


class ConformanceReply(Struct):
    """What the model was last seen to do."""

    checked_at: datetime
    engine: str
    checks: list[CheckReply]


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
    abilities: list[str]
    conformance: ConformanceReply | None
    """None: nobody has checked."""


class ServedModelsController(Controller):
    path = "/api/models"
    guards = [requires(Permission.MODELS_USE)]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def list_models(self, engines: Engines, conformances: Conformances) -> list[ModelReply]:
        checked = await conformances.all()
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
                abilities=list(f.abilities),
                conformance=conformance_reply(checked.get(f.model_id)),
            )
            for f in engines.list_facts()
        ]


def conformance_reply(found: Conformance | None) -> ConformanceReply | None:
    """As it is shown."""
    if found is None:
        return None
    checks = [CheckReply(c.name, c.outcome, c.detail, c.seconds) for c in found.checks]
    return ConformanceReply(found.checked_at, found.engine, checks)


class ReplicaReply(Struct):
    """One replica; numbers are of this moment."""

    model: str
    replica: str
    address: str
    state: str
    detail: str
    takes: bool
    draining: bool
    requests: int
    batch_requests: int
    tokens: int
    limit: int


class EnginesReply(Struct):
    replicas: list[ReplicaReply]
    waiting: dict[str, dict[str, int]]
    """Requests in line, by model and lane."""


class EnginesController(Controller):
    path = "/api/engines"
    guards = [requires(Permission.MODELS_MANAGE)]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def list_replicas(self, engines: Engines) -> EnginesReply:
        replicas = engines.list_replicas()
        models = dict.fromkeys(r.model_id for r in replicas)
        waiting = {
            model: {"interactive": engines.waiting(model, "interactive"), "batch": engines.waiting(model, "batch")}
            for model in models
        }
        return EnginesReply([_replica(r) for r in replicas], waiting)

    @post("/{model_id:str}/drain", status_code=200)
    async def drain(self, engines: Engines, audit: Audit, model_id: str, replica: ReplicaName) -> ReplicaReply:
        """No new requests for the replica; those that run go on."""
        await _told(audit, "model.drained", engines, model_id, replica)
        return _replica(engines.drain(model_id, replica))

    @post("/{model_id:str}/undrain", status_code=200)
    async def undrain(self, engines: Engines, audit: Audit, model_id: str, replica: ReplicaName) -> ReplicaReply:
        """Requests for it again."""
        await _told(audit, "model.undrained", engines, model_id, replica)
        return _replica(engines.undrain(model_id, replica))


async def _told(audit: Audit, action: str, engines: Engines, model_id: str, name: str) -> None:
    """Before it is done, as it cannot be undone by a transaction; an unknown replica is no act."""
    if any((r.model_id, r.name) == (model_id, name) for r in engines.list_replicas()):
        await audit.record_alone(Event(action, f"model:{model_id}", details={"replica": name}))


def _replica(facts: ReplicaFacts) -> ReplicaReply:
    return ReplicaReply(
        model=facts.model_id,
        replica=facts.name,
        address=facts.address,
        state=facts.state,
        detail=facts.detail,
        takes=facts.takes,
        draining=facts.draining,
        requests=facts.requests,
        batch_requests=facts.batch_requests,
        tokens=facts.tokens,
        limit=facts.limit,
    )
