"""Whom somebody may ask about, and with which rights that account would come."""

from uuid import UUID

from appliance.explain.errors import OthersAccess
from appliance.foundation import NotAuthenticated, NotFound
from appliance.identity import Access, People, Permission, Principal


class Accounts:
    """Accounts that are asked about."""

    def __init__(self, access: Access, people: People) -> None:
        self._access = access
        self._people = people

    async def find(self, asker: Principal, user: str | None) -> UUID:
        """An id, or an address for those who may see accounts; None is the asker.

        Raises:
            OthersAccess: an address of another, for somebody who may not see accounts.
            NotFound: no account has this address.
        """
        if user is None or user.lower() == asker.email:
            return asker.user_id
        try:
            return UUID(user)
        except ValueError:
            if not asker.may(Permission.ACCOUNTS_READ):
                raise OthersAccess("You may not look for accounts by their address.") from None
        for person in await self._people.everybody():
            if person.email == user.lower():
                return person.id
        raise NotFound("There is no account with this address.")

    async def as_now(self, user_id: UUID, key_id: UUID | None = None) -> Principal | None:
        """With the rights of this moment; None when the account is shut, or the key works no more."""
        try:
            return await self._access.again(user_id, key_id)
        except NotAuthenticated:
            return None
