"""`/scim/v2`: plain JSON in, JSON out; the protocol's types are loaded with the first request."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post, put
from litestar.params import Parameter, QueryParameter

from appliance.foundation import Clock, NotFound
from appliance.identity.guards import requires, requires_scim
from appliance.identity.rights import RightsCache
from appliance.identity.roles import Permission
from appliance.identity.values import Principal
from appliance.storage import Database

if TYPE_CHECKING:
    from appliance.identity.scim.service import Scim

Call = Request[Principal, Any, Any]
Reply = Response[bytes]
MEDIA_TYPE = "application/scim+json"
PREFIX = "/scim/v2"
KINDS = ("Users", "Groups")
Names = Annotated[str | None, Parameter(max_length=4000)]
Text = Annotated[str | None, Parameter(max_length=4000)]
Start = Annotated[int, QueryParameter(name="startIndex")]
Excluded = Annotated[str | None, QueryParameter(name="excludedAttributes", max_length=4000)]


class ScimDoor:
    """Makes the service when somebody asks for the first time: its types take memory that most never need."""

    def __init__(self, database: Database, clock: Clock, rights: RightsCache) -> None:
        self._parts = (database, clock, rights)
        self._service: Scim | None = None

    @property
    def service(self) -> "Scim":
        if self._service is None:
            from appliance.identity.scim.service import Scim  # noqa: PLC0415 - loads pydantic, see above

            self._service = Scim(*self._parts)
        return self._service


class ScimController(Controller):
    path = PREFIX
    guards = [requires(Permission.ACCOUNT_USE), requires_scim]  # noqa: RUF012 - the framework's declaration style

    @get(["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"])
    async def describe(self, request: Call) -> Reply:
        """What this service can do, and what its resources look like."""
        from appliance.identity.scim.resources import described, listed  # noqa: PLC0415 - see ScimDoor

        kind = request.url.path.rsplit("/", 1)[-1]
        found = described(kind, _base(request))
        return _reply(found[0] if kind == "ServiceProviderConfig" else listed(found, len(found), 1))

    @get(["/Schemas/{key:str}", "/ResourceTypes/{key:str}"])
    async def describe_one(self, request: Call, key: str) -> Reply:
        from appliance.identity.scim.resources import described  # noqa: PLC0415 - see ScimDoor

        kind = request.url.path.removeprefix(PREFIX).split("/")[1]
        for one in described(kind, _base(request)):
            if str(one["id"]).casefold() == key.casefold():
                return _reply(one)
        raise NotFound("There is no such description.", remedy="")

    @get(["/Users", "/Groups"])
    async def find(
        self,
        request: Call,
        scim: ScimDoor,
        filter: Text = None,  # noqa: A002 - the protocol's name
        start_index: Start = 1,
        count: int = 100,
        attributes: Names = None,
        excluded: Excluded = None,
    ) -> Reply:
        asked = {"filter": filter, "startIndex": start_index, "count": count} | _shown(attributes, excluded)
        return _reply(await scim.service.find([_kind(request)], asked, _base(request)))

    @post(["/.search", "/Users/.search", "/Groups/.search"], status_code=200)
    async def search(self, request: Call, data: dict[str, Any], scim: ScimDoor) -> Reply:
        """The same, with the query in the body; without a kind it is about both."""
        kinds = KINDS if _kind(request) == ".search" else (_kind(request),)
        return _reply(await scim.service.find(kinds, data, _base(request)))

    @post(["/Users", "/Groups"])
    async def create(self, request: Call, data: dict[str, Any], scim: ScimDoor) -> Reply:
        return _reply(await scim.service.create(_kind(request), data, _base(request)), status=201)

    @get(["/Users/{key:str}", "/Groups/{key:str}"])
    async def one(
        self,
        request: Call,
        key: str,
        scim: ScimDoor,
        attributes: Names = None,
        excluded: Excluded = None,
    ) -> Reply:
        found = await scim.service.one(_kind(request), key, _shown(attributes, excluded), _base(request))
        known = request.headers.get("if-none-match")
        if known is not None and known == found.get("meta", {}).get("version"):
            return Response(b"", status_code=304, media_type=MEDIA_TYPE, headers={"etag": known})
        return _reply(found)

    @put(["/Users/{key:str}", "/Groups/{key:str}"])
    async def replace(self, request: Call, key: str, data: dict[str, Any], scim: ScimDoor) -> Reply:
        match = request.headers.get("if-match")
        return _reply(await scim.service.replace(_kind(request), key, data, _base(request), match))

    @patch(["/Users/{key:str}", "/Groups/{key:str}"])
    async def change(self, request: Call, key: str, data: dict[str, Any], scim: ScimDoor) -> Reply:
        """Operations `add`, `replace` and `remove`, with paths and filters; all of them or none."""
        match = request.headers.get("if-match")
        return _reply(await scim.service.patch(_kind(request), key, data, _base(request), match))

    @delete(["/Users/{key:str}", "/Groups/{key:str}"])
    async def remove(self, request: Call, key: str, scim: ScimDoor) -> None:
        await scim.service.delete(_kind(request), key, _base(request), request.headers.get("if-match"))


def _kind(request: Call) -> str:
    return request.url.path.removeprefix(PREFIX).split("/")[1]


def _base(request: Call) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{PREFIX}"


def _shown(attributes: str | None, excluded: str | None) -> dict[str, Any]:
    """What of a resource is asked for, as a search request says it."""
    return {"attributes": attributes, "excludedAttributes": excluded}


def _reply(value: dict[str, Any], status: int = 200) -> Reply:
    headers = {}
    meta = value.get("meta") or {}
    if "version" in meta:
        headers["etag"] = meta["version"]
    if status == 201 and "location" in meta:
        headers["location"] = meta["location"]
    return Response(msgspec.json.encode(value), status_code=status, media_type=MEDIA_TYPE, headers=headers)
