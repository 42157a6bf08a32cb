"""Runs the checks of a model and keeps what came out."""

import time

import structlog

from appliance.foundation import ApplianceError, Clock
from appliance.identity import Principal
from appliance.inference import CheckResult, Conformance, Conformances, Engines
from appliance.openai_api.conformance.asking import Asker
from appliance.openai_api.conformance.checks import BY_TASK, NEEDS, Check, Endpoints, Failed

log = structlog.get_logger(__name__)


class ConformanceChecks:
    """One model at a time; the work counts as the caller's."""

    def __init__(self, engines: Engines, endpoints: Endpoints, kept: Conformances, clock: Clock) -> None:
        self._engines = engines
        self._endpoints = endpoints
        self._kept = kept
        self._clock = clock

    async def run(self, principal: Principal, model_id: str) -> Conformance:
        """Every check of the model's task; returns when the result is kept.

        Raises:
            ModelUnknown: it is not served.
            EngineUnavailable: its engine is not ready, so there is nothing to measure.
        """
        await self._engines.wait_ready(model_id, timeout_s=2.0)
        facts = self._engines.facts(model_id)
        asker = Asker(principal, model_id)
        results = []
        for name, check in BY_TASK.get(facts.task, {}).items():
            needed = NEEDS.get(name)
            if needed is not None and needed not in facts.abilities:
                results.append(CheckResult(name, "not_applicable", f"the model has no {needed}"))
                continue
            results.append(await self._one(name, check, asker))
        version = await self._engines.version(model_id)
        found = Conformance(model_id, self._clock.now(), version, tuple(results))
        await self._kept.save(found)
        return found

    async def _one(self, name: str, check: Check, asker: Asker) -> CheckResult:
        began = time.monotonic()
        outcome, detail = "passed", ""
        try:
            await check(asker, self._endpoints)
        except Failed as failed:
            outcome, detail = "failed", str(failed)
        except ApplianceError as error:
            outcome, detail = "failed", error.message
        except (KeyError, IndexError, TypeError, ValueError) as error:
            outcome, detail = "failed", f"the reply is not of its shape ({type(error).__name__})"
        seconds = round(time.monotonic() - began, 1)
        log.info("model checked", model=asker.model, check=name, outcome=outcome, seconds=seconds)
        return CheckResult(name, "passed" if outcome == "passed" else "failed", detail[:300], seconds)
