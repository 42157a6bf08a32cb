"""A login that has begun: what its answer must match, sealed into a cookie of the browser that began it."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from appliance.foundation import Clock
from appliance.identity.sso.errors import LoginRefused
from appliance.identity.sso.sealing import Seal
from appliance.identity.sso.settings import SsoSettings

PURPOSE = "login attempt"
NAME_LENGTH = 12
"""Characters of `state` in the cookie's name."""
AT_ONCE = 6
"""Attempts of one browser; the cookies of more would become a header that is refused."""


class Attempt(msgspec.Struct, frozen=True):
    state: str
    nonce: str
    verifier: str
    next: str
    until: int
    """Seconds since 1970."""
    step_up: bool = False

    def challenge(self) -> str:
        """PKCE, S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes now, and the cookies that it keeps and drops."""

    url: str
    cookie: str
    value: str
    drop: tuple[str, ...]


class Attempts:
    """Keeps no state: an attempt is whole in its cookie, so that strangers who begin logins cost no memory."""

    def __init__(self, settings: SsoSettings, seal: Seal, clock: Clock) -> None:
        self._settings = settings
        self._seal = seal
        self._clock = clock

    def new(self, next_path: str, *, step_up: bool) -> Attempt:
        until = int(self._clock.now().timestamp()) + self._settings.attempt_s
        made = [secrets.token_urlsafe(32) for _ in range(2)]
        return Attempt(made[0], made[1], secrets.token_urlsafe(48), next_path, until, step_up)

    def begun(self, attempt: Attempt, url: str, cookies: Mapping[str, str]) -> Begun:
        mine = sorted(name for name in cookies if name.startswith(self._settings.attempt_cookie))
        value = self._seal.seal(PURPOSE, msgspec.json.encode(attempt))
        return Begun(url, self.cookie_name(attempt.state), value, tuple(mine[: max(0, len(mine) - AT_ONCE + 1)]))

    def cookie_name(self, state: str) -> str:
        return self._settings.attempt_cookie + state[:NAME_LENGTH]

    def of(self, state: str, cookies: Mapping[str, str]) -> Attempt:
        """The attempt that `state` answers. Raises LoginRefused."""
        held = cookies.get(self.cookie_name(state)) if len(state) >= NAME_LENGTH else None
        if held is None:
            raise LoginRefused("no attempt of this browser has this state")
        content = self._seal.open(PURPOSE, held)
        if content is None:
            raise LoginRefused("the attempt's cookie was not made here")
        attempt = msgspec.json.decode(content, type=Attempt)
        if not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise LoginRefused("the state is another one")
        if attempt.until <= self._clock.now().timestamp():
            raise LoginRefused("the attempt took too long")
        return attempt
