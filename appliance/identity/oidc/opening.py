"""Opens the door to the identity provider when the settings say so, and loads what it needs only then."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from appliance.foundation import Clock
from appliance.identity.directory import Accounts
from appliance.identity.rights import RightsCache
from appliance.identity.settings import IdentitySettings
from appliance.storage import Database

if TYPE_CHECKING:
    from appliance.identity.oidc.door import OidcDoor


def open_oidc(
    settings: IdentitySettings, accounts: Accounts, database: Database, rights: RightsCache, clock: Clock
) -> OidcDoor | None:
    """None while people are accounts of our own."""
    if settings.mode != "oidc" or settings.oidc is None:
        return None
    door: OidcDoor = import_module("appliance.identity.oidc.door").open_door(
        settings.oidc, accounts, database, rights, clock
    )
    return door
