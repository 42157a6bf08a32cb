"""Limits and usage over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, delete, get, put
from litestar.params import Parameter
from msgspec import UNSET

from appliance.audit import Audit, Event
from appliance.foundation import Clock, InvalidInput, NotFound, SystemClock
from appliance.identity import People, Permission, Principal, requires
from appliance.usage.errors import UnknownSubject
from appliance.usage.reports import By, Span, UsageReports, Used
from appliance.usage.service import Usage
from appliance.usage.values import EVERYONE, NO_KEY
from appliance.usage.wire import LimitChange, OwnUsage, SubjectLimits, UsageReport, UsedReply

KINDS = ("user", "group", "key")
NAMELESS = {EVERYONE: "each user without an own limit"}

Call = Request[Principal, Any, Any]
FirstDay = Annotated[date | None, Parameter(description="First day, UTC; default: the first of this month.")]
LastDay = Annotated[date | None, Parameter(description="Last day, UTC, included; default: today.")]


class LimitsController(Controller):
    path = "/api/limits"
    guards = [requires(Permission.LIMITS_MANAGE)]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def all(self, usage: Usage, people: People) -> list[SubjectLimits]:
        """Everything that is set."""
        await usage.limits_changed()
        limits = usage.book.all()
        names = await _names(people, list(limits))
        return [SubjectLimits(who, names.get(who, ""), dict(values)) for who, values in limits.items()]

    @put("/{who:str}")
    async def change(self, who: str, data: LimitChange, usage: Usage, people: People) -> SubjectLimits:
        """Set or remove single limits of a subject; they count on every gateway within five seconds."""
        name = await _checked(people, who)
        values = {n: v for n, v in msgspec.structs.asdict(data).items() if v is not UNSET}
        await usage.set_limits(who, values)
        return SubjectLimits(who, name, dict(usage.book.all().get(who, {})))

    @delete("/{who:str}")
    async def remove(self, who: str, usage: Usage) -> None:
        """Remove all limits of a subject. Raises NotFound when there are none."""
        if not await usage.remove_limits(who):
            raise NotFound(f"No limit is set for '{who}'.")


class UsageController(Controller):
    path = "/api/usage"

    @get(guards=[requires(Permission.USAGE_READ)])
    async def own(
        self,
        request: Call,
        usage: Usage,
        usage_reports: UsageReports,
        first: FirstDay = None,
        last: LastDay = None,
    ) -> OwnUsage:
        """What the caller used, and what is left of each limit that counts for them."""
        span = _span(first, last, SystemClock())
        await usage.ledger.flush()
        models = await usage_reports.by("model", span, user_id=request.user.user_id)
        total = Used("", *(sum(column) for column in zip(*(_sums(m) for m in models), strict=True))) if models else None
        return OwnUsage(
            first=span.first,
            last=span.last,
            total=_reply(total or Used("", 0, 0, 0, 0, 0, 0), "total"),
            models=[_reply(m, m.what) for m in models],
            limits=await usage.standing(request.user),
        )

    @get("/report", guards=[requires(Permission.USAGE_READ, "any")])
    async def report(
        self,
        usage: Usage,
        usage_reports: UsageReports,
        people: People,
        audit: Audit,
        by: By = "user",
        first: FirstDay = None,
        last: LastDay = None,
    ) -> UsageReport:
        """What everybody used, by user, group, key, model or day."""
        span = _span(first, last, SystemClock())
        details = {"by": by, "first": span.first.isoformat(), "last": span.last.isoformat()}
        await audit.record_alone(Event("usage.exported", details=details))
        await usage.ledger.flush()
        rows = await usage_reports.by(by, span)
        names = await self._row_names(by, rows, span, usage_reports, people)
        return UsageReport(by, span.first, span.last, [_reply(row, names.get(row.what, row.what)) for row in rows])

    async def _row_names(
        self, by: By, rows: Sequence[Used], span: Span, reports: UsageReports, people: People
    ) -> dict[str, str]:
        """A key is named after its owner."""
        if by in ("model", "day"):
            return {}
        if by != "key":
            return {str(i): name for i, name in (await people.names(UUID(row.what) for row in rows)).items()}
        owners = await reports.owners_of_keys(span)
        names = await people.names(owners.values())
        return {k: "without a key" if k == str(NO_KEY) else names.get(owner, "") for k, owner in owners.items()}


def _span(first: date | None, last: date | None, clock: Clock) -> Span:
    today = clock.now().date()
    span = Span(first or (last or today).replace(day=1), last or today)
    if span.first > span.last:
        raise InvalidInput("The first day is after the last.", remedy="Exchange them.")
    return span


async def _checked(people: People, who: str) -> str:
    """The name of a subject. Raises UnknownSubject."""
    names = await _names(people, [who])
    if who not in names:
        raise UnknownSubject(f"'{who}' is nobody who can have limits.")
    return names[who]


async def _names(people: People, subjects: Sequence[str]) -> dict[str, str]:
    """Names of subjects, without those that do not exist. A key is known by its id only."""
    found = {who: NAMELESS[who] for who in subjects if who in NAMELESS}
    by_id: dict[UUID, str] = {}
    for who in subjects:
        kind, _, text = who.partition(":")
        try:
            subject_id = UUID(text)
        except ValueError:
            continue
        if kind in KINDS and who == f"{kind}:{subject_id}":
            by_id[subject_id] = who
    known = await people.names(by_id)
    for subject_id, who in by_id.items():
        if who.startswith("key:"):
            found[who] = ""
        elif subject_id in known:
            found[who] = known[subject_id]
    return found


def _sums(used: Used) -> tuple[int, int, int, int, int, int]:
    return (
        used.requests,
        used.failed,
        used.unsettled,
        used.prompt_tokens,
        used.completion_tokens,
        used.milliseconds,
    )


def _reply(used: Used, name: str) -> UsedReply:
    requests, failed, unsettled, prompt, completion, milliseconds = _sums(used)
    return UsedReply(used.what, name, requests, failed, unsettled, prompt, completion, milliseconds / 1000)
