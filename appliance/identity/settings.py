"""How long people stay logged in and how hard passwords are guarded."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from appliance.identity.oidc.settings import OidcSettings


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    mode: Literal["local", "oidc"] = "local"
    """Who says who somebody is: accounts of our own, or an identity provider."""
    oidc: OidcSettings | None = None
    """The identity provider, also while it is not switched on; None when there is none."""
    session_idle: timedelta = timedelta(hours=12)
    """A session unused for this long is over."""
    session_longest: timedelta = timedelta(days=7)
    """A session is over after this time, used or not."""
    secure_cookie: bool = False
    """True behind TLS: the cookie gets the `__Host-` name and never travels in clear."""
    password_min_length: int = 12
    key_longest_days: int = 400
    keys_confirmed_for: timedelta | None = None
    """How long a person's API keys work without a new word of the identity provider; None: until they expire."""

    @property
    def cookie_name(self) -> str:
        """`__Host-` pins the cookie to this host and to TLS; browsers refuse that name without TLS."""
        return "__Host-appliance_session" if self.secure_cookie else "appliance_session"
