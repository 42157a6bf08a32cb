"""Everything about the identity provider that is alive in the process. Imports cryptography and an HTTP client."""

from dataclasses import dataclass

from appliance.foundation import Clock
from appliance.identity.directory import Accounts
from appliance.identity.oidc.bearer import BearerTokens
from appliance.identity.oidc.fetch import Fetch
from appliance.identity.oidc.jwks import SigningKeys
from appliance.identity.oidc.provider import Provider
from appliance.identity.oidc.settings import OidcSettings
from appliance.identity.oidc.tokens import TokenVerifier
from appliance.identity.rights import RightsCache
from appliance.storage import Database


@dataclass(frozen=True, slots=True)
class OidcDoor:
    """The provider, its keys, and what is made of its tokens."""

    provider: Provider
    keys: SigningKeys
    verifier: TokenVerifier
    bearer: BearerTokens

    async def start(self) -> None:
        """Begin to keep the provider's keys fresh; does not wait for it."""
        await self.keys.start()

    async def stop(self) -> None:
        """Close every connection to the provider."""
        await self.keys.stop()
        await self.provider.fetch.close()


def open_door(
    settings: OidcSettings, accounts: Accounts, database: Database, rights: RightsCache, clock: Clock
) -> OidcDoor:
    """Nothing is asked yet."""
    provider = Provider(settings, Fetch(settings))
    keys = SigningKeys(provider, on_lost=rights.drop)
    verifier = TokenVerifier(settings, keys, clock)
    return OidcDoor(provider, keys, verifier, BearerTokens(settings, verifier, keys, accounts, database, clock))
