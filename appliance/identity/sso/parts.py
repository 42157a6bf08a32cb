"""Everything of single sign-on that is alive in the process. Imports cryptography and an HTTP client."""

from dataclasses import dataclass

from appliance.audit import Audit
from appliance.foundation import Clock
from appliance.identity.directory import Accounts
from appliance.identity.oidc.door import OidcDoor
from appliance.identity.rights import RightsCache
from appliance.identity.settings import IdentitySettings
from appliance.identity.sso.attempts import Attempts
from appliance.identity.sso.backchannel import BackChannel
from appliance.identity.sso.directory_api import DirectoryApi
from appliance.identity.sso.following import Following
from appliance.identity.sso.grants import Grants
from appliance.identity.sso.renewal import Renewal
from appliance.identity.sso.sealing import Seal, read_keys
from appliance.identity.sso.service import SingleSignOn
from appliance.identity.sso.sessions import SsoSessions
from appliance.identity.sso.settings import SsoSettings
from appliance.storage import Database


@dataclass(frozen=True, slots=True)
class SsoParts:
    service: SingleSignOn
    sessions: SsoSessions
    backchannel: BackChannel
    renewal: Renewal
    following: Following | None

    async def start(self) -> None:
        """Does not wait for the provider."""
        await self.renewal.start()
        if self.following is not None:
            await self.following.start()

    async def stop(self) -> None:
        await self.renewal.stop()
        if self.following is not None:
            await self.following.stop()


def open_sso(
    settings: SsoSettings,
    identity: IdentitySettings,
    door: OidcDoor,
    accounts: Accounts,
    audit: Audit,
    database: Database,
    rights: RightsCache,
    clock: Clock,
) -> SsoParts:
    """Nothing is asked yet. Raises KeyFileUnusable."""
    seal = Seal(read_keys(settings.key_file))
    grants = Grants(settings, door.provider, door.verifier)
    sessions = SsoSessions(
        database, clock, rights, seal, longest=identity.session_longest, interval_s=settings.check_interval_s
    )
    following = None
    if settings.directory_client:
        following = Following(
            DirectoryApi(settings, door.provider),
            sessions,
            accounts,
            database,
            clock,
            issuer=door.provider.settings.issuer,
            interval_s=settings.follow_interval_s,
        )
    return SsoParts(
        service=SingleSignOn(door.provider, Attempts(settings, seal, clock), grants, sessions, accounts, audit),
        sessions=sessions,
        backchannel=BackChannel(door.verifier, sessions),
        renewal=Renewal(grants, sessions, accounts, clock, settings.in_use_s),
        following=following,
    )
