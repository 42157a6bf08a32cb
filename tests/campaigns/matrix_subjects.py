"""Everybody who tries the doors: each role in each way of saying who one is, and those whom nobody should let in."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from uuid import UUID

from litestar import Litestar

from appliance.app import Parts
from appliance.identity import ROLES, KeyScope, PersonChange, Role
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, PASSWORD
from tests.support.inside import Body, call

State = Literal["good", "nobody", "stale", "bad"]
"""`nobody` sends nothing; `stale` a cookie that is over; `bad` a key that is over."""


@dataclass(slots=True)
class Account:
    id: UUID
    email: str
    roles: frozenset[Role]
    is_program: bool = False
    is_shut: bool = False
    """Has nothing of its own, as it is never let in."""


@dataclass(slots=True)
class Subject:
    """A way of asking: an account, and what it shows."""

    name: str
    account: Account
    state: State = "good"
    via: Literal["session", "key", "operator"] = "session"
    scope: KeyScope = field(default_factory=KeyScope)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def counted(self) -> frozenset[Role]:
        """The roles that count: with a narrowed key none but everybody's."""
        return self.account.roles & {"user"} if self.scope.is_narrow else self.account.roles


MODELS_ONLY = KeyScope(models=frozenset({CHAT_MODEL, EMBED_MODEL, "bge-reranker-v2-m3", "whisper-large-v3-turbo"}))
"""Narrow, and yet every object of the account is in reach but what is kept of the whole account."""
NO_SHELVES = KeyScope(collections=frozenset())
ONE_ENDPOINT = KeyScope(endpoints=frozenset({"models"}))


class Crowd:
    """Makes accounts and subjects."""

    def __init__(self, app: Litestar, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self.subjects: list[Subject] = []
        self.accounts: list[Account] = []

    async def person(self, name: str, *roles: Role) -> Account:
        email = f"{name.replace(' ', '-')}@matrix.test"
        wanted: frozenset[Role] = frozenset({"user", *roles})
        made, _ = await self._parts.people.create(email=email, name=name, password=PASSWORD, roles=wanted)
        account = Account(made.id, email, wanted)
        self.accounts.append(account)
        return account

    async def session(self, account: Account) -> dict[str, str]:
        """Log in; the headers of a browser."""
        sent = {"x-requested-with": "appliance", "origin": "http://inside.test"}
        body = Body.of({"email": account.email, "password": PASSWORD})
        reply = await call(self._app, "POST", "/auth/login", sent, body)
        assert reply.status in (200, 201), reply.body
        return {**sent, "cookie": reply.headers["set-cookie"].partition(";")[0]}

    async def key(self, account: Account, scope: KeyScope) -> tuple[UUID, dict[str, str]]:
        info, text = await self._parts.keys.create(account.id, "matrix", 1, scope)
        return info.id, {"authorization": f"Bearer {text}"}

    async def gather(self, owner: Account) -> None:
        """Everybody. `owner` answers for the program."""
        for role in ROLES:
            account = await self.person(role, role)
            self._add(f"{role}, session", account, await self.session(account))
            await self._with_keys(role, account, MODELS_ONLY)
        await self._with_keys("user", self.accounts[-len(ROLES)], NO_SHELVES, ONE_ENDPOINT, plain=False)
        await self._program(owner)
        await self._shut()
        nobody = Account(UUID(int=0), "", frozenset(), is_shut=True)
        self.subjects.append(Subject("nobody", nobody, "nobody"))
        chief = await self._parts.people.first_administrator()
        assert chief is not None
        acts_as = Account(chief.id, chief.email, chief.roles)
        token = {"authorization": f"Bearer {self._parts.access.operator_token}"}
        self.accounts.append(acts_as)
        self.subjects.append(Subject("the machine's own command line", acts_as, "good", "operator", headers=token))

    async def _with_keys(self, name: str, account: Account, *scopes: KeyScope, plain: bool = True) -> None:
        for scope in [*([KeyScope()] if plain else []), *scopes]:
            _, headers = await self.key(account, scope)
            limits = [f for f in ("models", "collections", "endpoints") if getattr(scope, f) is not None]
            what = f"key for some {limits[0]}" if limits else "key"
            self.subjects.append(Subject(f"{name}, {what}", account, "good", "key", scope, headers))

    async def _program(self, owner: Account) -> None:
        made = await self._parts.service_accounts.create("matrix program", f"user:{owner.id}")
        program = Account(made.id, made.address, frozenset({"user"}), is_program=True)
        self.accounts.append(program)
        await self._with_keys("program", program, MODELS_ONLY)

    async def _shut(self) -> None:
        """Accounts and keys that are over: an administrator's, so that nothing but their end keeps them out."""
        shut = await self.person("shut", "administrator")
        session = await self.session(shut)
        _, key = await self.key(shut, KeyScope())
        await self._parts.people.change(shut.id, PersonChange(disabled=True))
        shut.is_shut = True
        self._add("shut account, session", shut, session, "stale")
        self._add("shut account, key", shut, key, "bad")
        left = await self.person("left", "administrator")
        key_id, revoked = await self.key(left, KeyScope())
        await self._parts.keys.revoke(left.id, key_id)
        self._add("revoked key", left, revoked, "bad")
        old_id, old = await self.key(left, KeyScope())
        await self._parts.keys.rotate(left.id, old_id, overlap=timedelta(0), expires_in_days=None)
        self._add("key before its rotation", left, old, "bad")

    def _add(self, name: str, account: Account, headers: dict[str, str], state: State = "good") -> None:
        self.subjects.append(Subject(name, account, state, headers=headers))
