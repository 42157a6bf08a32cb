"""People in a browser who come through an identity provider: login, session, logout, and what changes meanwhile.

1. `SingleSignOn.begin` (service.py) sends the browser to the provider; what the answer must match is sealed into a
   cookie of a few minutes (attempts.py).
2. `SingleSignOn.finish` checks the answer, redeems the code (grants.py), has the account admitted (`directory`), and
   opens a session of ours. Tokens of the provider stay here, sealed (sealing.py); the browser has our cookie only.
3. `Renewal` (renewal.py) refreshes the tokens of sessions in use every few seconds. A refusal ends the session; new
   claims are admitted like those of a login.
4. `Following` (following.py) reads the realm's events of a Keycloak, so that also the keys of somebody who is shut out
   there die here, and a change of groups counts at once.
5. `BackChannel` (backchannel.py) takes the provider's word that a session is over.

Rule: what a session may see is never kept in it. All of this only changes rows of `users`, `memberships` and
`sessions`, from which rights are read (decision 0017).

This package imports little; what loads cryptography or an HTTP client (`parts.py` and all it uses) is imported when
`identity.mode` is `oidc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.identity.sso.errors import LoginRefused, SignOnOff, StepUpNeeded
from appliance.identity.sso.redirects import own_path
from appliance.identity.sso.settings import SsoSettings

if TYPE_CHECKING:
    from appliance.audit import Audit
    from appliance.foundation import Clock
    from appliance.identity.directory import Accounts
    from appliance.identity.oidc.door import OidcDoor
    from appliance.identity.rights import RightsCache
    from appliance.identity.settings import IdentitySettings
    from appliance.identity.sso.parts import SsoParts
    from appliance.storage import Database


def open_sign_on(
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
    from appliance.identity.sso.parts import open_sso  # noqa: PLC0415 - loads cryptography and an HTTP client

    return open_sso(settings, identity, door, accounts, audit, database, rights, clock)


__all__ = ["LoginRefused", "SignOnOff", "SsoSettings", "StepUpNeeded", "open_sign_on", "own_path"]
