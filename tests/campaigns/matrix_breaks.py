"""Checks broken on purpose: what the matrix must see, or its silence would mean nothing."""

from collections.abc import Callable

from litestar import Litestar, get

from appliance.app import Parts
from appliance.documents import DocumentService
from appliance.identity import Principal
from appliance.identity.roles import Permission, Reach, reach_of
from appliance.library import CollectionInfo

Break = Callable[[Litestar, Parts], None]


def guard(app: Litestar, _: Parts) -> None:
    """One route has lost its guard."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if route.path == "/api/usage/report" and "GET" in handler.http_methods:
                handler._resolved_guards = []


def owner(_: Litestar, __: Parts) -> None:
    """Whoever may not change a collection may, and the other way round."""
    honest = DocumentService.may_write

    def inverted(self: DocumentService, caller: Principal, collection: CollectionInfo) -> bool:
        return not honest(self, caller, collection)

    DocumentService.may_write = inverted  # type: ignore[method-assign]


def key(_: Litestar, __: Parts) -> None:
    """A narrowed key has all the roles of its owner."""

    def generous(self: Principal, permission: Permission) -> Reach:
        return reach_of(self.roles, permission)

    Principal.reach = generous  # type: ignore[method-assign]


def route(app: Litestar, _: Parts) -> None:
    """A route that nobody thought about."""

    @get("/api/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "everything"

    app.register(forgotten)


BREAKS: dict[str, Break] = {"guard": guard, "owner": owner, "key": key, "route": route}
