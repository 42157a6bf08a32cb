"""Accounts as resources of SCIM, and back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.models import GroupRow, MembershipRow, UserRow
from appliance.identity.scim.errors import ScimRefused, ScimTaken
from appliance.identity.scim.resources import ScimUser

OURS = ("id", "meta", "groups", "password", "active", "userName", "externalId")
"""Attributes that have a place of their own, or none: a password is taken and thrown away, as logins are elsewhere."""
RESERVED = ("service:", "subject:")
"""Begin addresses that we make."""


async def users_of(session: AsyncSession, rows: Sequence[UserRow], base: str) -> list[ScimUser]:
    """With the groups of SCIM that each is in."""
    query = (
        select(MembershipRow.user_id, GroupRow.id, GroupRow.name)
        .join(GroupRow, GroupRow.id == MembershipRow.group_id)
        .where(MembershipRow.user_id.in_([row.id for row in rows]), GroupRow.source == "scim")
        .order_by(GroupRow.name)
    )
    groups: dict[UUID, list[dict[str, Any]]] = {}
    for user_id, group_id, name in await session.execute(query):
        entry = {"value": str(group_id), "display": name, "type": "direct", "$ref": f"{base}/Groups/{group_id}"}
        groups.setdefault(user_id, []).append(entry)
    return [_user(row, groups.get(row.id, []), base) for row in rows]


async def take_user(session: AsyncSession, row: UserRow, user: ScimUser, now: datetime) -> None:
    """Make the account what the resource says. Raises ScimTaken, ScimRefused."""
    name = (user.user_name or "").strip()
    if not name or len(name) > 320 or name.lower().startswith(RESERVED):
        raise ScimRefused("userName must have 1 to 320 characters, and be no address of the appliance's own.")
    if user.external_id is not None and len(user.external_id) > 255:
        raise ScimRefused("externalId must have at most 255 characters.")
    await _refuse_taken(session, row, name.lower(), user.external_id)
    kept = user.model_dump()
    row.email, row.external_id = name.lower(), user.external_id
    row.name = _shown(user, name)[:200]
    row.disabled = row.disabled if user.active is None else not user.active
    row.scim = {
        "userName": name,
        "active": user.active is not None,
        "modified": now.isoformat(),
        "rest": {key: value for key, value in kept.items() if key not in OURS and value is not None},
    }


async def _refuse_taken(session: AsyncSession, row: UserRow, address: str, external_id: str | None) -> None:
    taken = [UserRow.email == address]
    if external_id is not None:
        taken += [UserRow.external_id == external_id, UserRow.subject == external_id]
    found = await session.scalar(select(UserRow.id).where(or_(*taken), UserRow.id != row.id).limit(1))
    if found is not None:
        raise ScimTaken("Another account has this userName or externalId; it may be one that SCIM did not make.")


def _shown(user: ScimUser, name: str) -> str:
    if user.display_name and user.display_name.strip():
        return user.display_name.strip()
    if user.name is not None:
        formatted = user.name.formatted or " ".join(filter(None, (user.name.given_name, user.name.family_name)))
        if formatted.strip():
            return formatted.strip()
    return name


def _user(row: UserRow, groups: Sequence[Mapping[str, Any]], base: str) -> ScimUser:
    kept: dict[str, Any] = dict(row.scim or {})
    meta = {
        "resourceType": "User",
        "created": row.created_at.isoformat(),
        "lastModified": kept.get("modified", row.created_at.isoformat()),
        "location": f"{base}/Users/{row.id}",
    }
    own = {
        "id": str(row.id),
        "userName": kept.get("userName", row.email),
        "externalId": row.external_id,
        "active": not row.disabled if kept.get("active", True) else None,
        "groups": groups or None,
        "meta": meta,
    }
    return ScimUser.model_validate({**kept.get("rest", {}), **{k: v for k, v in own.items() if v is not None}})
