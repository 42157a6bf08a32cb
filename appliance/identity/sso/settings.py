"""How sessions that began at an identity provider are kept and looked after."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SsoSettings:
    url: str
    """The appliance's address as people type it, without a slash at the end."""
    key_file: Path
    """Seals tokens at rest and login attempts: 64 hexadecimal digits a line; the first seals, all open. Made when it
    is not there; several gateways need the same."""
    secure_cookie: bool = True
    check_interval_s: float = 15.0
    """How often the provider is asked about each session in use."""
    directory_client: str = ""
    """Client that may read the realm's events and users (Keycloak). Empty: they are not followed."""
    directory_secret: str = field(default="", repr=False)
    follow_interval_s: float = 1.5
    attempt_s: int = 600
    """How long a login may take from the first redirect to the answer."""
    in_use_s: float = 1800.0
    """A session that was not used for so long is not asked about, which would keep it alive there for nobody."""

    @property
    def callback_url(self) -> str:
        return f"{self.url}/auth/oidc/callback"

    @property
    def signed_out_url(self) -> str:
        return f"{self.url}/login?signed-out"

    @property
    def attempt_cookie(self) -> str:
        """How cookies of attempts begin; each ends with a part of its `state`, so that two tabs can log in."""
        return "__Host-appliance_login_" if self.secure_cookie else "appliance_login_"
