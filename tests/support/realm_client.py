"""A client of a Keycloak realm that brings its people and itself to their tokens, as an application does."""

import base64
import hashlib
import html
import re
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx


@dataclass(frozen=True)
class RealmClient:
    issuer: str
    client_id: str
    secret: str
    url: str
    """Of the application, to whose callback people come back."""
    ca_file: Path | None = None
    """By which the realm's certificate is trusted."""

    def _line(self) -> httpx.AsyncClient:
        trust = True if self.ca_file is None else ssl.create_default_context(cafile=str(self.ca_file))
        return httpx.AsyncClient(trust_env=False, timeout=60, verify=trust)

    @property
    def token_url(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/token"

    async def own_token(self) -> str:
        """An access token of the client for itself."""
        form = {"grant_type": "client_credentials"}
        async with self._line() as client:
            reply = await client.post(self.token_url, data=form, auth=(self.client_id, self.secret))
        assert reply.status_code == 200, reply.text
        return str(reply.json()["access_token"])

    async def tokens_of(self, name: str, password: str, nonce: str = "n1") -> dict[str, str]:
        """All tokens of somebody who logs in by Keycloak's own page."""
        verifier, back = secrets.token_urlsafe(48), f"{self.url}/auth/oidc/callback"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": self.client_id,
            "response_type": "code",
            "scope": "openid profile email",
            "redirect_uri": back,
            "state": "s",
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        async with self._line() as client:
            page = await client.get(f"{self.issuer}/protocol/openid-connect/auth", params=asked)
            form = re.search(r'action="([^"]+)"', page.text)
            assert form is not None, page.text
            cookies = "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)  # secure ones, over the loopback
            reply = await client.post(
                html.unescape(form[1]), data={"username": name, "password": password}, headers={"cookie": cookies}
            )
            assert reply.status_code == 302, reply.text
            code = parse_qs(urlsplit(reply.headers["location"]).query)["code"][0]
            grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
            reply = await client.post(self.token_url, data=grant, auth=(self.client_id, self.secret))
        assert reply.status_code == 200, reply.text
        return {name: str(value) for name, value in reply.json().items()}
