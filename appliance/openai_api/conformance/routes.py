"""`POST /api/models/{id}/checks`."""

from typing import Any

from litestar import Controller, Request, post

from appliance.edge import while_connected
from appliance.identity import Permission, Principal, requires
from appliance.inference import ConformanceReply, conformance_reply
from appliance.openai_api.conformance.service import ConformanceChecks


class ConformanceController(Controller):
    path = "/api/models/{model_id:str}/checks"
    guards = [requires(Permission.MODELS_CHECK)]  # noqa: RUF012 - the framework's declaration style

    @post(status_code=200)
    async def run(
        self, request: Request[Principal, Any, Any], model_id: str, conformance_checks: ConformanceChecks
    ) -> ConformanceReply | None:
        """Measure a model; takes as long as its answers do."""
        found = await while_connected(request, conformance_checks.run(request.user, model_id))
        return conformance_reply(found)
