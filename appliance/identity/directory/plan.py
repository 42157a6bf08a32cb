"""Decides what a login comes to, without writing anything: the same for doing it and for explaining it."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.directory.values import AdmissionReport, AdmissionRules, ExternalIdentity
from appliance.identity.models import GroupRow, MembershipRow, UserRow
from appliance.identity.people import read_roles
from appliance.identity.values import EVERYBODYS

LONGEST_PATH = 500
Account = Literal["new", "known", "provisioned", "none"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. `row` is attached to the session that the plan was made with."""

    report: AdmissionReport
    row: UserRow | None
    join: tuple[str, ...]
    leave: tuple[UUID, ...]
    withdraw: bool
    """Whether the account loses what it had: the provider made it, and names no group any more that is let in."""


async def make_plan(session: AsyncSession, who: ExternalIdentity, rules: AdmissionRules) -> Plan:
    """What is so, and what a login would change."""
    row, account = await _account(session, who)
    address, taken = await _address(session, who, row)
    if taken and row is None:  # by itself, when an equal login made the account between these two questions
        row, account = await _account(session, who)
        address, taken = await _address(session, who, row)
    is_old = row is not None and _is_old(who, row)
    refusal = _refusal(who, rules, row, account, taken)
    join, leave = ((), {}) if is_old else await _mirror(session, who, rules, row, admitted=refusal is None)
    keeps_roles = is_old or not rules.role_groups
    roles = read_roles(row.roles if row else "user") if keeps_roles else rules.roles(who.groups)
    report = AdmissionReport(
        admitted=refusal is None,
        reason=refusal or _welcome(who, rules, account),
        account="new" if refusal is None and row is None else account,
        user_id=None if row is None else row.id,
        address=address,
        name=row.name if row is not None and row.provisioned_by != "oidc" else (who.name.strip() or address)[:200],
        roles=roles & EVERYBODYS if who.kind == "service" else roles,  # a program administers nothing
        joined=join,
        left=tuple(sorted(leave.values())),
        notes=_notes(who, row, taken),
    )
    withdraw = row is not None and not is_old and _is_lost(row, rules) and not rules.admits(who.groups)
    return Plan(report, row, join, tuple(leave), withdraw)


async def _account(session: AsyncSession, who: ExternalIdentity) -> tuple[UserRow | None, Account]:
    """By issuer and subject; else the one that SCIM made for this subject, before its first login. Never by mail."""
    row = await session.scalar(select(UserRow).where(UserRow.issuer == who.issuer, UserRow.subject == who.subject))
    if row is not None:
        return row, "known"
    query = select(UserRow).where(
        UserRow.external_id == who.subject, UserRow.provisioned_by == "scim", UserRow.issuer.is_(None)
    )
    made = (await session.scalars(query)).all()
    return (made[0], "provisioned") if len(made) == 1 else (None, "none")


async def _address(session: AsyncSession, who: ExternalIdentity, row: UserRow | None) -> tuple[str, bool]:
    """The address that the account will have, and whether the claimed one is another account's."""
    own = row.email if row is not None else f"{'service' if who.kind == 'service' else 'subject'}:{who.subject}".lower()
    claimed = who.email.strip().lower() if who.email and who.email_verified and who.kind == "person" else None
    if claimed is None or claimed == own or (row is not None and (row.provisioned_by != "oidc" or _is_old(who, row))):
        return own, False
    other = await session.scalar(select(UserRow.id).where(UserRow.email == claimed))
    return (claimed, False) if other is None else (own, True)


def _refusal(
    who: ExternalIdentity, rules: AdmissionRules, row: UserRow | None, account: Account, taken: bool
) -> str | None:
    """Why not, in a sentence; None: let in."""
    if row is not None and row.disabled:
        return "The account is disabled."
    if row is not None and row.withdrawn and _is_old(who, row):
        return "Newer claims than these have taken the account back."
    if row is not None and row.kind != who.kind:
        return "A program and a person cannot share an account."
    if not rules.admits(who.groups) and not (row is not None and row.provisioned_by in ("scim", "local")):
        has = ", ".join(sorted(who.groups)) or "none"
        needs = ", ".join(sorted(rules.admitted_groups)) or "none is named in the settings"
        return f"None of the groups is let in. The claims have: {has}. Let in are: {needs}."
    if account == "none" and taken:
        return f"Another account has the address {who.email}. An administrator can tie it to this login."
    return None


def _welcome(who: ExternalIdentity, rules: AdmissionRules, account: Account) -> str:
    if rules.admits(who.groups):
        counted = sorted(g for g in who.groups if rules.admits(frozenset({g})))
        return f"Let in by the group {counted[0]}."
    return "Let in as provisioned by SCIM." if account == "provisioned" else "Let in: the account was made for it here."


async def _mirror(
    session: AsyncSession, who: ExternalIdentity, rules: AdmissionRules, row: UserRow | None, *, admitted: bool
) -> tuple[tuple[str, ...], dict[UUID, str]]:
    """Paths to join, and groups to leave by id and path."""
    wanted = {path for path in who.groups if _is_path(path)} if admitted else set()
    held: dict[str, UUID] = {}
    if row is not None:
        query = select(GroupRow.path, GroupRow.id).join(MembershipRow, MembershipRow.group_id == GroupRow.id)
        rows = await session.execute(query.where(MembershipRow.user_id == row.id, GroupRow.source == "oidc"))
        held = {path: group_id for path, group_id in rows if path is not None}
    leave = {held[path]: path for path in held.keys() - wanted} if rules.strict_groups else {}
    return tuple(sorted(wanted - held.keys())), leave


def _is_path(path: str) -> bool:
    """Whether it can be kept as a group: absolute, without empty parts."""
    return len(path) <= LONGEST_PATH and path.startswith("/") and all(part.strip() for part in path[1:].split("/"))


def _is_lost(row: UserRow, rules: AdmissionRules) -> bool:
    """Whether an account that no admitted group names is withdrawn: not when it was let in by another way."""
    return rules.strict_groups and row.provisioned_by == "oidc" and not row.disabled and not row.withdrawn


def _is_old(who: ExternalIdentity, row: UserRow) -> bool:
    return who.issued_at is not None and row.claims_at is not None and who.issued_at < row.claims_at


def _notes(who: ExternalIdentity, row: UserRow | None, taken: bool) -> tuple[str, ...]:
    notes = [
        f"The group {path!r} cannot be kept: it is no full path." for path in sorted(who.groups) if not _is_path(path)
    ]
    if who.email and not who.email_verified:
        notes.append("The address does not count: the provider has not verified it.")
    if taken and row is not None:
        notes.append(f"The address stays: another account has {who.email}.")
    if row is not None and _is_old(who, row):
        notes.append("The groups stay: newer claims have been seen.")
    return tuple(notes)
