"""The provider's keys, kept fresh: read again every minute, and early when a token names one that is not known.

What comes from outside can cause one reading in thirty seconds in all, whatever it names. While the provider hangs,
fails or answers nonsense, the keys of before stay. A key that the provider took back is dead with the next reading,
and `on_lost` is told, so that what was remembered on its word is asked again.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from appliance.identity.oidc.errors import ProviderUnavailable
from appliance.identity.oidc.keys import Key, KeySet, read_keys
from appliance.identity.oidc.provider import Provider

log = structlog.get_logger(__name__)

FRESH_S = 60.0
"""How old keys become before they are read again: so long a key may work after it was taken back."""
SPACING_S = 30.0
"""Least time between two readings that tokens cause; also between two tries after a failure."""
FIRST_SPACING_S = 2.0
"""The same until there are keys at all: without them nobody can come in."""


class SigningKeys:
    """Keys by id. One event loop."""

    def __init__(
        self,
        provider: Provider,
        *,
        on_lost: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._on_lost = on_lost
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._tried_at = float("-inf")
        self.trouble = ""
        """Why the last reading failed; empty when it did not."""
        self._reading: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.readings = 0
        """How often the provider was asked."""

    async def start(self) -> None:
        """Begin to keep them fresh. Does not wait for the provider: it may be down."""
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        for task in (self._keeping, self._reading):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        self._keeping = self._reading = None

    async def find(self, kid: str) -> Key | None:
        """The key of this id; None when the provider has none.

        Raises:
            ProviderUnavailable: its keys could not be read even once.
        """
        key = None if self._keys is None else self._keys.find(kid)
        if key is None:
            await self.refresh(SPACING_S if self._keys is not None else FIRST_SPACING_S)
            if self._keys is None:
                raise ProviderUnavailable("The keys of the identity provider could not be read yet.")
            key = self._keys.find(kid)
        return key

    def listed(self) -> tuple[Key, ...]:
        """Those that are known at this moment."""
        return () if self._keys is None else self._keys.listed()

    async def refresh(self, older_than_s: float = 0.0) -> None:
        """Read the keys, unless that was tried less than `older_than_s` ago; join a reading that is under way."""
        if self._reading is None:
            if self._monotonic() - self._tried_at < older_than_s:
                return
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _keep(self) -> None:
        while True:
            await self.refresh()
            if self._keys is None:
                await asyncio.sleep(FIRST_SPACING_S)
            else:
                await asyncio.sleep(SPACING_S if self.trouble else FRESH_S)

    async def _read(self) -> None:
        self._tried_at = self._monotonic()
        self.readings += 1
        try:
            metadata = await self._provider.metadata()
            newer = read_keys(await self._provider.fetch.get_json(metadata.jwks_uri))
        except (ProviderUnavailable, ValueError) as error:
            self.trouble = str(error)
            log.warning("keys of the identity provider cannot be read", reason=self.trouble, kept=bool(self.listed()))
            return
        finally:
            self._reading = None
        self.trouble = ""
        before, self._keys = self._keys, newer
        if before is not None and before.lost_in(newer):
            log.info("the identity provider took a key back", kids=sorted(before.kids() - newer.kids()))
            self._on_lost()
