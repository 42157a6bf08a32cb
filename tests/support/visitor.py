"""A browser's part in a login, with every cookie in the test's own hands."""

from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.fakes.provider import FakeProvider
from tests.support.gateway import PLAIN, Gateway

PUBLIC = "https://chat.firm.example"
"""The appliance's address as these browsers type it."""
HOME = {"X-Requested-With": "appliance", "Origin": PUBLIC}


@dataclass
class Visitor:
    """One browser profile: it keeps cookies as the headers say, whatever their attributes are."""

    gateway: Gateway
    cookies: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, "Morsel[str]"] = field(default_factory=dict)
    """Of each cookie, as it was set last."""

    @property
    def session(self) -> str | None:
        names = [name for name in self.cookies if name.endswith("appliance_session")]
        return self.cookies[names[0]] if names else None

    async def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """One request of ours; redirects are not followed."""
        cookies = "; ".join(f"{k}={v}" for k, v in self.cookies.items()).encode("latin-1")
        headers = [*((k.encode(), v.encode()) for k, v in HOME.items()), (b"cookie", cookies)]
        async with httpx.AsyncClient(base_url=self.gateway.url, timeout=30, **PLAIN) as client:
            reply = await client.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
        for line in reply.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.attributes[name] = morsel
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return reply

    async def begin(self, next_path: str = "/", *, step_up: bool = False) -> str:
        """Press the button; where the provider is asked."""
        more = {"step_up": "true"} if step_up else {}
        reply = await self.ask("GET", "/auth/oidc/login", params={"next": next_path, **more})
        assert reply.status_code == 303, reply.text
        return reply.headers["location"]

    async def at_provider(self, address: str) -> str:
        """Log in there; the path and query with which the browser comes back."""
        async with httpx.AsyncClient(timeout=30, **PLAIN) as client:
            reply = await client.get(address)
        assert reply.status_code == 302, reply.text
        back = urlsplit(reply.headers["location"])
        return f"{back.path}?{back.query}"

    async def log_in(self, next_path: str = "/", *, step_up: bool = False) -> str:
        """All of it; where it led."""
        back = await self.at_provider(await self.begin(next_path, step_up=step_up))
        reply = await self.ask("GET", back)
        assert reply.status_code == 303, reply.text
        return reply.headers["location"]

    async def log_in_at(self, provider: FakeProvider) -> str:
        """All of it; the session's id at the provider."""
        back = await self.at_provider(await self.begin())
        sid = provider.codes[answer(back)["code"]].sid
        assert (await self.ask("GET", back)).headers["location"] == "/"
        return sid

    async def me(self) -> int:
        """The status of the person's own page."""
        return (await self.ask("GET", "/api/me")).status_code


def answer(back: str) -> dict[str, str]:
    """The fields of a provider's answer."""
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
