"""Tables of people: accounts, groups, sessions, keys.

Rule: a new column that decides about rights goes into the triggers of `migrations/rights.py`, or the cache misses it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage import Base, UtcDateTime


class UserRow(Base):
    """A local account. `email` is kept in lower case, so that it is unique as people mean it."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    roles: Mapped[str] = mapped_column(String(200))
    """Comma-separated."""
    password_hash: Mapped[str] = mapped_column(String(300))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(20), default="person", server_default="person")
    owner: Mapped[str | None] = mapped_column(String(60), default=None)
    """Of a service account: `user:<uuid>` or `group:<uuid>`, who may make its keys."""
    provisioned_by: Mapped[str] = mapped_column(String(20), default="local", server_default="local")
    """Who made it and answers for its facts: `local`, `oidc` or `scim`."""
    issuer: Mapped[str | None] = mapped_column(String(500), default=None)
    """With `subject`: who it is at an identity provider. Both or none; this pair is the account's key there."""
    subject: Mapped[str | None] = mapped_column(String(255), default=None)
    external_id: Mapped[str | None] = mapped_column(String(255), default=None)
    """SCIM's `externalId`: what the provisioning client calls it, which is the subject of its later logins."""
    withdrawn: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The provider no longer names a group that is let in: shut until it does again. Apart from `disabled`, which is
    the administrators' word and is never taken back by a login."""
    claims_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    """When the claims were made that its groups were last taken from; older ones change nothing."""
    scim: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """What a SCIM client told that we keep and do not use: name parts, phone numbers and the like."""

    __table_args__ = (
        Index("uq_users_issuer_subject", "issuer", "subject", unique=True),
        Index("ix_users_external_id", "external_id"),
    )


class GroupRow(Base):
    __tablename__ = "groups"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(20), default="local", server_default="local")
    """Who keeps its members: `local`, `oidc` (from the claims of logins) or `scim`."""
    path: Mapped[str | None] = mapped_column(String(500), default=None)
    """Of an `oidc` group: its full path there, `/staff/sales`, which is its key."""
    external_id: Mapped[str | None] = mapped_column(String(255), default=None)

    __table_args__ = (
        Index("uq_groups_path", "path", unique=True),
        Index("ix_groups_external_id", "external_id"),
    )


class GroupParentRow(Base):
    """A group inside another: members of `group_id` count as members of `parent_id` too (decision 0022)."""

    __tablename__ = "group_parents"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    parent_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True, index=True)


class MembershipRow(Base):
    __tablename__ = "memberships"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)


class GroupAdministratorRow(Base):
    """Whom somebody with the role of a group administrator may put into a group. Never remembered, so not counted."""

    __tablename__ = "group_administrators"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)


class SessionRow(Base):
    """A browser's login. Only the hash of its token is kept."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LoginTriesRow(Base):
    """Passwords that were tried and not yet forgotten, counted by what they have in common (throttle.py)."""

    __tablename__ = "login_tries"

    bucket: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of what they have in common."""
    account: Mapped[str] = mapped_column(String(64), index=True)
    """SHA-256 of the address that was typed, whether or not an account has it; empty where it is about no account."""
    tries: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class KnownPlaceRow(Base):
    """Where an account has logged in before."""

    __tablename__ = "known_places"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the network address."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BreakGlassRow(Base):
    """At most one row: the seal of the break-glass account."""

    __tablename__ = "break_glass_seal"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    """When the seal was broken."""


class ApiKeyRow(Base):
    """A program's key. The secret is shown once; only its hash is kept."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lookup: Mapped[str] = mapped_column(String(8), unique=True)
    """The public part of the key, by which it is found."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    secret_hash: Mapped[str] = mapped_column(String(64))
    previous_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of the secret before the last rotation, which works until `previous_until`."""
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    scope_models: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    scope_assistants: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    scope_collections: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    scope_endpoints: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)


class RightsVersionRow(Base):
    """One row, which triggers of the database count up with every change of rights, whoever makes it."""

    __tablename__ = "rights_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
