"""Logging in, one's own account, and the administration of people."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.datastructures import Cookie
from msgspec import UNSET

from appliance.foundation import LEASE, InvalidInput
from appliance.identity.access import Access
from appliance.identity.errors import RoleNotYours
from appliance.identity.guards import (
    public,
    requires,
    requires_session,
    requires_step_up,
)
from appliance.identity.people import GroupInfo, People, Person, PersonChange
from appliance.identity.roles import Permission, Role, covers
from appliance.identity.sealed_account import SealedAccount
from appliance.identity.secrets import fingerprint
from appliance.identity.settings import IdentitySettings
from appliance.identity.values import EVERYBODYS, Principal
from appliance.identity.wire import (
    Group,
    GroupCreate,
    LoggedOut,
    LoginRequest,
    Me,
    Named,
    PasswordChange,
    SessionState,
    User,
    UserChange,
    UserCreate,
)

Call = Request[Principal, Any, Any]


class LoginController(Controller):
    path = "/auth"

    @post("/login", opt=public(), status_code=200)
    async def log_in(
        self,
        data: LoginRequest,
        access: Access,
        people: People,
        sealed_account: SealedAccount,
        identity_settings: IdentitySettings,
    ) -> Response[Me]:
        """Open a session by a password and set its cookie; with single sign-on, of the break-glass account only."""
        is_sealed = await sealed_account.check(data.email)
        token, principal = await access.log_in(data.email, data.password)
        if is_sealed:
            await sealed_account.used(token)
        cookie = Cookie(
            key=identity_settings.cookie_name,
            value=token,
            path="/",
            httponly=True,
            secure=identity_settings.secure_cookie,
            samesite="lax",
            max_age=int(identity_settings.session_longest.total_seconds()),
        )
        return Response(_me(await people.get(principal.user_id)), cookies=[cookie])

    @get("/session", opt=public())
    async def session(
        self,
        request: Request[Principal | None, Any, Any],
        people: People,
        sealed_account: SealedAccount,
        identity_settings: IdentitySettings,
    ) -> SessionState:
        """Who is logged in, if anybody: a page asks this first, and nobody being there is no error."""
        caller = request.scope.get("user")
        manages = caller is not None and caller.may(Permission.ACCOUNTS_MANAGE)
        return SessionState(
            user=_me(await people.get(caller.user_id)) if caller else None,
            single_sign_on=identity_settings.mode == "oidc",
            break_glass_open=manages and await sealed_account.is_open(),
        )

    @post("/logout", guards=[requires(Permission.ACCOUNT_USE), requires_session], status_code=200)
    async def log_out(
        self, request: Call, access: Access, sso: Any, identity_settings: IdentitySettings
    ) -> Response[LoggedOut]:
        """End this session, here and at the identity provider; the browser also drops what it kept."""
        token, go_on = request.cookies.get(identity_settings.cookie_name), None
        if token is not None:
            refresh = "" if sso is None else await sso.sessions.take_refresh(token)
            lease = LEASE.get()
            if lease is not None:  # it ends its own session, and must not be ended by that
                access.leases.close(lease)
            await access.log_out(token)
            go_on = await sso.service.log_out(refresh) if refresh else None
        reply = Response(LoggedOut(go_on), headers={"Clear-Site-Data": '"cache", "storage"'})
        reply.set_cookie(
            Cookie(
                key=identity_settings.cookie_name,
                value="",
                path="/",
                max_age=0,
                httponly=True,
                secure=identity_settings.secure_cookie,
                samesite="lax",
            )
        )
        return reply


class MeController(Controller):
    path = "/api"

    @get("/me", guards=[requires(Permission.ACCOUNT_USE)])
    async def me(self, request: Call, people: People) -> Me:
        return _me(await people.get(request.user.user_id))

    @post("/me/password", guards=[requires(Permission.ACCOUNT_USE), requires_session], status_code=204)
    async def change_password(
        self, request: Call, data: PasswordChange, access: Access, people: People, identity_settings: IdentitySettings
    ) -> None:
        if not await access.password_is(request.user.user_id, data.current):
            raise InvalidInput("The current password is wrong.", remedy="Type it once more.")
        token = request.cookies.get(identity_settings.cookie_name)
        await people.set_own_password(request.user.user_id, data.new, fingerprint(token) if token else None)


class PeopleController(Controller):
    path = "/api"

    @get("/users", guards=[requires(Permission.ACCOUNTS_READ)])
    async def users(self, people: People) -> list[User]:
        return [_user(p) for p in await people.everybody()]

    @post("/users", guards=[requires(Permission.ACCOUNTS_MANAGE), requires_step_up])
    async def create_user(self, request: Call, data: UserCreate, people: People) -> User:
        if not EVERYBODYS.issuperset(data.roles):
            _check_giving(request.user, data.roles)
        person, made = await people.create(
            email=data.email, name=data.name, password=data.password, roles=frozenset(data.roles)
        )
        return _user(person, made)

    @patch("/users/{user_id:uuid}", guards=[requires(Permission.ACCOUNTS_MANAGE), requires_step_up])
    async def change_user(self, request: Call, user_id: UUID, data: UserChange, people: People) -> User:
        if data.roles is not UNSET:
            _check_giving(request.user, data.roles)
        change = PersonChange(
            name=None if data.name is UNSET else data.name,
            roles=None if data.roles is UNSET else frozenset(data.roles),
            disabled=None if data.disabled is UNSET else data.disabled,
            password=None if data.password is UNSET else data.password,
        )
        return _user(await people.change(user_id, change))

    @get("/groups", guards=[requires(Permission.GROUPS_READ)])
    async def groups(self, people: People) -> list[Group]:
        return [_group(g) for g in await people.groups()]

    @post("/groups", guards=[requires(Permission.GROUPS_MANAGE, "any")])
    async def create_group(self, data: GroupCreate, people: People) -> Group:
        return _group(await people.create_group(data.name))


def _check_giving(caller: Principal, roles: Iterable[Role]) -> None:
    """Raises RoleNotYours."""
    if caller.reach(Permission.ROLES_GIVE) != "any":
        raise RoleNotYours("Your roles do not let you give roles.")
    for role in roles:
        if not covers(caller.roles, role):
            raise RoleNotYours(f"You do not have every right of the role '{role}' yourself.")


def _named(groups: tuple[tuple[UUID, str], ...]) -> list[Named]:
    return [Named(id=group_id, name=name) for group_id, name in groups]


def _me(person: Person) -> Me:
    return Me(
        id=person.id,
        email=person.email,
        name=person.name,
        roles=sorted(person.roles),
        groups=_named(person.groups),
        must_change_password=person.must_change_password,
    )


def _user(person: Person, password: str | None = None) -> User:
    return User(
        id=person.id,
        email=person.email,
        name=person.name,
        roles=sorted(person.roles),
        groups=_named(person.groups),
        disabled=person.disabled,
        created_at=person.created_at,
        kind=person.kind,
        password=UNSET if password is None else password,
    )


def _group(group: GroupInfo) -> Group:
    return Group(
        id=group.id,
        name=group.name,
        member_count=group.member_count,
        source=group.source,
        parents=_named(group.parents),
    )
