"""Asks the provider about sessions in use, so that somebody who is shut out there is not let in here for long."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.foundation import Clock, NotAllowed
from appliance.identity.directory import Accounts
from appliance.identity.oidc.errors import ProviderUnavailable
from appliance.identity.sso.grants import GrantRefused, Grants
from appliance.identity.sso.models import SsoSessionRow
from appliance.identity.sso.sessions import Due, SsoSessions

log = structlog.get_logger(__name__)

LOOK_S = 0.5
AT_ONCE = 20


class Renewal:
    """One task from `start` to `stop`. While the provider is down, sessions stay as they are."""

    def __init__(
        self, grants: Grants, sessions: SsoSessions, accounts: Accounts, clock: Clock, in_use_s: float
    ) -> None:
        self._grants = grants
        self._sessions = sessions
        self._accounts = accounts
        self._clock = clock
        self._in_use = timedelta(seconds=in_use_s)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep_asking())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def look(self) -> int:
        """Ask about every session whose time has come, some at once; how many."""
        due = await self._sessions.due(used_after=self._clock.now() - self._in_use, at_most=AT_ONCE)
        await asyncio.gather(*(self._ask(one) for one in due))
        return len(due)

    async def _keep_asking(self) -> None:
        while True:
            try:
                asked = await self.look()
            except (SQLAlchemyError, OSError) as error:
                log.warning("sessions cannot be looked after", reason=type(error).__name__)
                asked = 0
            if asked < AT_ONCE:
                await asyncio.sleep(LOOK_S)

    async def _ask(self, due: Due) -> None:
        try:
            grant = await self._grants.renew(due.refresh, due.subject)
        except ProviderUnavailable as error:
            log.info("the provider was not asked about a session", reason=error.message)
            return
        except GrantRefused as refused:
            log.info("the provider ended a session", reason=str(refused)[:100])
            await self._sessions.end(SsoSessionRow.token_hash == due.token_hash, "the identity provider refused it")
            return
        await self._sessions.renewed(due, grant.refresh)
        try:
            await self._accounts.admit(grant.claims.identity())
        except NotAllowed as refused:  # not admitted any more, or shut
            await self._sessions.end(SsoSessionRow.token_hash == due.token_hash, refused.code)
