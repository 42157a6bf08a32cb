"""Lets in those whom an identity provider vouches for, and keeps their accounts and groups as the claims say."""

import contextlib
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity.directory.errors import AccountShut, IdentityTaken, NotAdmitted
from appliance.identity.directory.mirror import join_paths
from appliance.identity.directory.plan import Plan, make_plan
from appliance.identity.directory.values import AdmissionReport, AdmissionRules, ExternalIdentity
from appliance.identity.models import MembershipRow, SessionRow, UserRow
from appliance.identity.rights import RightsCache, changing_rights
from appliance.storage import Database

TRIES = 3
"""Two first logins of one person, or of two into a new group, can meet; the second finds what the first made."""


class Accounts:
    """Who is let in. A login that changes nothing about rights writes nothing about them, so no cache is dropped."""

    def __init__(self, database: Database, clock: Clock, rights: RightsCache, rules: AdmissionRules) -> None:
        self._database = database
        self._clock = clock
        self._rights = rights
        self._rules = rules

    async def explain(self, who: ExternalIdentity) -> AdmissionReport:
        """What `admit` would do, and why. Writes nothing."""
        async with self._database.read() as session:
            return (await make_plan(session, who, self._rules)).report

    async def admit(self, who: ExternalIdentity) -> UUID:
        """Make or update the account of these claims, and mirror its groups.

        Returns:
            The account's id.

        Raises:
            NotAdmitted: no admitted group and no provisioning names it, or its address is another account's. In strict
                mode an account that it had is withdrawn: its groups of the provider are left, its sessions are over.
            AccountShut: an administrator or SCIM has disabled it.
        """
        for _ in range(TRIES - 1):
            with contextlib.suppress(IntegrityError):
                return await self._admit(who)
        return await self._admit(who)

    async def tie(self, user_id: UUID, issuer: str, subject: str) -> None:
        """Let the owner of this identity log in to an account that exists: an administrator's decision, no login's.

        Raises:
            NotFound: no such account.
            IdentityTaken: another account has this identity.
        """
        try:
            async with changing_rights(self._database, self._rights) as session:
                row = await session.get(UserRow, user_id)
                if row is None:
                    raise NotFound("There is no such account.")
                row.issuer, row.subject = issuer, subject
                await session.flush()
                await record(session, Event("user.changed", f"user:{user_id}", details={"issuer": issuer}))
        except IntegrityError as error:
            raise IdentityTaken("Another account has this identity.") from error

    async def _admit(self, who: ExternalIdentity) -> UUID:
        async with self._database.read() as session:
            plan = await make_plan(session, who, self._rules)
        if plan.report.admitted and plan.row is not None and _is_settled(plan, plan.row, who):
            return await self._seen(plan.row, who)
        if plan.report.admitted or plan.withdraw:
            async with changing_rights(self._database, self._rights) as session:
                plan = await make_plan(session, who, self._rules)  # anew, inside the transaction that writes
                if plan.report.admitted:
                    return await self._written(session, plan, who)
                if plan.withdraw and plan.row is not None:
                    await _withdraw(session, plan.row, plan.leave)
                    plan.row.claims_at = who.issued_at or self._clock.now()
                    await record(session, _event("user.refused", plan.row.id, plan.report, outcome="denied"))
        if plan.row is not None and plan.row.disabled:
            raise AccountShut(plan.report.reason)
        raise NotAdmitted(plan.report.reason)

    async def _seen(self, row: UserRow, who: ExternalIdentity) -> UUID:
        """Note how new the claims are, which is no change of rights."""
        if who.issued_at is not None and (row.claims_at is None or row.claims_at < who.issued_at):
            at = UserRow.claims_at
            query = update(UserRow).where(UserRow.id == row.id, or_(at.is_(None), at < who.issued_at))
            async with self._database.write() as session:
                await session.execute(query.values(claims_at=who.issued_at))
        return row.id

    async def _written(self, session: AsyncSession, plan: Plan, who: ExternalIdentity) -> UUID:
        now, row = self._clock.now(), plan.row
        if row is None:
            row = UserRow(
                id=new_id(),
                password_hash="",  # matches no password
                created_at=now,
                kind=who.kind,
                provisioned_by="oidc",
            )
            session.add(row)
        row.issuer, row.subject, row.email = who.issuer, who.subject, plan.report.address
        row.name = plan.report.name
        row.roles, row.withdrawn = ",".join(sorted(plan.report.roles)), False
        row.claims_at = max(who.issued_at or now, row.claims_at or who.issued_at or now)
        await session.flush()
        await _leave(session, row.id, plan.leave)
        await join_paths(session, row.id, plan.join, now)
        await record(session, _event("user.admitted", row.id, plan.report))
        return row.id


def _event(action: str, user_id: UUID, report: AdmissionReport, outcome: Literal["done", "denied"] = "done") -> Event:
    details = {"account": report.account, "roles": sorted(report.roles), "joined": report.joined, "left": report.left}
    return Event(action, f"user:{user_id}", outcome, details)


def _is_settled(plan: Plan, row: UserRow, who: ExternalIdentity) -> bool:
    """Whether nothing about the account is to be changed."""
    report = plan.report
    return (
        (row.issuer, row.subject, row.email) == (who.issuer, who.subject, report.address)
        and not (plan.join or plan.leave or row.withdrawn)
        and row.roles == ",".join(sorted(report.roles))
        and row.name == report.name
    )


async def _withdraw(session: AsyncSession, row: UserRow, leave: tuple[UUID, ...]) -> None:
    row.withdrawn = True
    await session.execute(delete(SessionRow).where(SessionRow.user_id == row.id))
    await _leave(session, row.id, leave)


async def _leave(session: AsyncSession, user_id: UUID, groups: tuple[UUID, ...]) -> None:
    if groups:
        await session.execute(
            delete(MembershipRow).where(MembershipRow.user_id == user_id, MembershipRow.group_id.in_(groups))
        )
