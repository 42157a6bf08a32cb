"""Logging in through the provider, and out again."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from appliance.audit import Audit, Event
from appliance.foundation import NotAllowed
from appliance.identity.directory import Accounts
from appliance.identity.oidc.errors import ProviderUnavailable
from appliance.identity.oidc.provider import Provider
from appliance.identity.sso.attempts import Attempt, Attempts, Begun
from appliance.identity.sso.errors import LoginRefused
from appliance.identity.sso.grants import Grants
from appliance.identity.sso.redirects import own_path
from appliance.identity.sso.sessions import SsoSessions

log = structlog.get_logger(__name__)

LONGEST_CODE = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brings back from the provider; empty where it brings nothing."""

    state: str
    code: str
    iss: str
    error: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    token: str
    next: str
    drop: str
    """The attempt's cookie, which is used up."""


class SingleSignOn:
    """The browser's way. Everything that goes wrong is an error of ours, which the routes turn into a page."""

    def __init__(
        self,
        provider: Provider,
        attempts: Attempts,
        grants: Grants,
        sessions: SsoSessions,
        accounts: Accounts,
        audit: Audit,
    ) -> None:
        self._provider = provider
        self._attempts = attempts
        self._grants = grants
        self._sessions = sessions
        self._accounts = accounts
        self._audit = audit

    async def begin(self, next_path: str | None, cookies: Mapping[str, str], *, step_up: bool = False) -> Begun:
        """Where the browser goes to log in. Raises ProviderUnavailable."""
        attempt = self._attempts.new(own_path(next_path), step_up=step_up)
        return self._attempts.begun(attempt, await self._grants.login_url(attempt), cookies)

    async def finish(self, answer: Answer, cookies: Mapping[str, str], present: str | None) -> LoggedIn:
        """Open a session for the answer of the provider.

        Args:
            answer: As it came in the address.
            cookies: Of the browser.
            present: The token of a session that the browser has already; it is over afterwards.

        Raises:
            LoginRefused: the answer does not belong to an attempt of this browser, or the provider refused.
            NotAdmitted, AccountShut: the person is known there and not let in here.
            ProviderUnavailable: it cannot be asked.
        """
        attempt = self._attempts.of(answer.state, cookies)
        try:
            token = await self._opened(answer, attempt, present)
        except (LoginRefused, NotAllowed) as refused:
            why = refused.reason if isinstance(refused, LoginRefused) else refused.code
            await self._audit.record_alone(Event("login.failed", outcome="denied", details={"way": "oidc", "why": why}))
            raise
        return LoggedIn(token, attempt.next, self._attempts.cookie_name(attempt.state))

    async def _opened(self, answer: Answer, attempt: Attempt, present: str | None) -> str:
        issuer = self._provider.settings.issuer
        if answer.iss not in ("", issuer) or (not answer.iss and (await self._provider.metadata()).names_itself):
            raise LoginRefused("the answer is of another provider")
        if answer.error or not 0 < len(answer.code) <= LONGEST_CODE:
            raise LoginRefused(f"the provider says {answer.error[:60]!r}")
        grant = await self._grants.redeem(answer.code, attempt)
        user_id = await self._accounts.admit(grant.claims.identity())
        return await self._sessions.open(
            user_id, grant.claims, grant.refresh, instead_of=present, stepped_up=attempt.step_up
        )

    async def log_out(self, refresh: str) -> str | None:
        """End the session at the provider; an address to which the browser must go when it could not be done from here.

        An outage of the provider keeps nobody logged in here.
        """
        try:
            return None if await self._grants.end(refresh) else await self._grants.logout_url()
        except ProviderUnavailable as error:
            log.warning("logged out here only", reason=error.message)
            return None
