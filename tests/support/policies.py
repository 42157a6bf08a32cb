"""What the routes of an application declare: whom each lets in."""

from dataclasses import dataclass

from litestar import Litestar
from litestar.handlers import BaseRouteHandler

from appliance.identity import guards

FRAMEWORK = "/schema"
"""The framework's own pages, which describe the interface and hold no data."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`asks`: every permission that is needed, with how far it must go, as `collections.read own`."""

    asks: frozenset[str] = frozenset()
    public: bool = False
    session: bool = False
    """Not with an API key."""
    whole: bool = False
    """Not with a narrowed key."""
    scim: bool = False
    """Only with a program's key for provisioning."""


@dataclass(frozen=True, slots=True)
class Declared:
    method: str
    path: str
    policy: Policy


def declared(app: Litestar) -> list[Declared]:
    """Every route with each of its methods. The hot ones are `POST`, whatever the framework calls them."""
    found: list[Declared] = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:
            methods = sorted(getattr(handler, "http_methods", {"POST"}) - {"OPTIONS"})
            if not route.path.startswith(FRAMEWORK):
                found += [Declared(method, route.path, policy_of(handler)) for method in methods]
    return found


def policy_of(handler: BaseRouteHandler) -> Policy:
    """What the guards of a handler ask for, those of its controller and of the application included."""
    asked = [getattr(guard, "func", guard) for guard in handler.resolve_guards()]
    return Policy(
        asks=frozenset(f"{g.permission} {g.at_least}" for g in asked if isinstance(g, guards.Requires)),
        public=handler.opt.get("public") is True,
        session=guards.requires_session in asked,
        whole=guards.requires_whole_account in asked,
        scim=guards.requires_scim in asked,
    )
