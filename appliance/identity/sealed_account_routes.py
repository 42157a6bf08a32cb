"""Sealing and opening the break-glass account, from the appliance's own machine only."""

from typing import Any

from litestar import Controller, Request, post

from appliance.foundation import NotAllowed
from appliance.identity.guards import requires
from appliance.identity.roles import Permission
from appliance.identity.sealed_account import SealedAccount
from appliance.identity.values import BREAK_GLASS, Principal
from appliance.identity.wire import Sealed

Call = Request[Principal, Any, Any]


class SealedAccountController(Controller):
    path = "/api/break-glass-account"
    guards = [requires(Permission.ACCOUNTS_MANAGE, "any")]  # noqa: RUF012 - the framework reads it of the class

    @post("/seal", status_code=200)
    async def seal(self, request: Call, sealed_account: SealedAccount) -> Sealed:
        """A new password for the envelope."""
        _refuse_others(request.user)
        made = await sealed_account.seal()
        return Sealed(BREAK_GLASS, made.password, made.until)

    @post("/open", status_code=200)
    async def open(self, request: Call, sealed_account: SealedAccount) -> Sealed:
        """A password that works for an hour from now."""
        _refuse_others(request.user)
        made = await sealed_account.open()
        return Sealed(BREAK_GLASS, made.password, made.until)


def _refuse_others(caller: Principal) -> None:
    """Raises NotAllowed."""
    if caller.via != "operator":
        raise NotAllowed(
            "This is done on the appliance's own machine.",
            remedy="Run 'appliance identity break-glass' there, as the owner of the data folder.",
        )
