"""Requests and replies about people. Field lists are explicit: nothing leaks because a table grew."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.identity.roles import Role

Email = Annotated[str, Meta(min_length=3, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Password = Annotated[str, Meta(max_length=4096)]


class Named(Struct):
    id: UUID
    name: str


class LoginRequest(Struct, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=320)]
    password: Password


class PasswordChange(Struct, forbid_unknown_fields=True):
    current: Password
    new: Password


class Me(Struct):
    id: UUID
    email: str
    name: str
    roles: list[str]
    groups: list[Named]
    must_change_password: bool


class SessionState(Struct):
    user: Me | None
    """None: nobody is logged in."""
    single_sign_on: bool
    """Whether people log in at `/auth/oidc/login`; passwords are off then."""
    break_glass_open: bool
    """Told to those who manage accounts: the seal of the break-glass account is broken."""


class LoggedOut(Struct):
    continue_at: str | None
    """Where the browser must go to be logged out at the identity provider as well; None: it is."""


class Sealed(Struct):
    """The break-glass account, with the password that is shown this one time."""

    account: str
    password: str
    until: datetime | None
    """When it stops to work by itself; None: an hour after its first use."""


class UserCreate(Struct, forbid_unknown_fields=True):
    email: Email
    name: Name
    password: Password | None = None
    roles: tuple[Role, ...] = ("user",)


class UserChange(Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    roles: list[Role] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class User(Struct):
    id: UUID
    email: str
    name: str
    roles: list[str]
    groups: list[Named]
    disabled: bool
    created_at: datetime
    kind: Literal["person", "service"]
    password: str | UnsetType = UNSET
    """Shown once, when we made it."""


class GroupCreate(Struct, forbid_unknown_fields=True):
    name: Name


class Group(Struct):
    id: UUID
    name: str
    member_count: int
    source: str
    """Who keeps its members: `local`, `oidc` or `scim`."""
    parents: list[Named]
    """Groups that it is inside of; its members count as theirs too."""
