"""An OpenAPI description of `/scim/v2`, made of what the service itself says of its resources at `/Schemas`.

The product's own description says of these bodies that they are objects; with this one a tester makes users and groups
as a provisioning client does, and spoils them attribute by attribute. Links say what a resource that was made is good
for, so that whole lives are tried: made, read, changed, put into a group, shut, removed, and asked for once more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.edge.schema import SCIM as ERROR

Json = dict[str, Any]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MEDIA_TYPE = "application/scim+json"

TYPES = {"boolean": "boolean", "integer": "integer", "decimal": "number"}
FILTERS = (
    'userName eq "ann@firm.test"',
    'displayName co "law"',
    "active eq true and not (externalId pr)",
    'emails[type eq "work" and value ew ".test"]',
    'meta.lastModified gt "2026-01-01T00:00:00Z"',
    'members.value eq "00000000-0000-0000-0000-000000000000"',
    'userName eq "unfinished',
)
PATHS = ("active", "displayName", "userName", "name.familyName", 'emails[type eq "work"].value', "members", "nonsense[")


def description(schemas: Sequence[Mapping[str, Any]]) -> Json:
    """Of the whole service; `schemas` are the resources of its `/Schemas`."""
    known = {schema["id"]: schema for schema in schemas}
    user, group = _resource(known[USER]), _resource(known[GROUP])
    user["properties"]["userName"] = {"type": "string", "pattern": r"^[a-z0-9]{1,20}@[a-z0-9]{1,20}\.test$"}
    group["properties"]["displayName"] = {"type": "string", "minLength": 1, "maxLength": 200}
    paths: Json = {}
    for kind, shape in (("Users", user), ("Groups", group)):
        paths |= _paths(kind, shape)
    paths["/.search"] = {"post": _operation("searchAll", {"200": _list()}, _search())}
    for name in ("ServiceProviderConfig", "Schemas", "ResourceTypes"):
        paths[f"/{name}"] = {"get": _operation(name, {"200": _reply({"type": "object"})})}
    info = {"title": "SCIM", "version": "2.0"}
    return {"openapi": "3.1.0", "info": info, "servers": [{"url": "/scim/v2"}], "paths": paths}


def _resource(schema: Mapping[str, Any]) -> Json:
    """What a client may send of a resource."""
    shape = _object(schema["attributes"])
    shape["properties"]["schemas"] = {"type": "array", "items": {"const": schema["id"]}, "minItems": 1, "maxItems": 1}
    shape["properties"]["externalId"] = {"type": "string", "minLength": 1, "maxLength": 255}
    shape["required"] = sorted({*shape.get("required", ()), "schemas"})
    return shape


def _object(attributes: Sequence[Mapping[str, Any]]) -> Json:
    writable = [a for a in attributes if a.get("mutability") != "readOnly"]
    required = [a["name"] for a in writable if a.get("required")]
    return {"type": "object", "properties": {a["name"]: _attribute(a) for a in writable}, "required": required}


def _attribute(attribute: Mapping[str, Any]) -> Json:
    kind = attribute.get("type", "string")
    shape: Json = {"type": TYPES.get(kind, "string")}
    if kind == "complex":
        shape = _object(attribute.get("subAttributes", ()))
    elif kind == "dateTime":
        shape["format"] = "date-time"
    return {"type": "array", "items": shape, "maxItems": 3} if attribute.get("multiValued") else shape


def _paths(kind: str, shape: Json) -> Json:
    """All that can be done with resources of one kind."""
    one, many = kind.removesuffix("s"), kind
    key = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    made = {**_reply(_sent(one)), "links": _links(one)}
    found = [
        {"name": "filter", "in": "query", "schema": {"type": "string"}, "examples": _examples(FILTERS)},
        {"name": "startIndex", "in": "query", "schema": {"type": "integer"}},
        {"name": "count", "in": "query", "schema": {"type": "integer"}},
        {"name": "attributes", "in": "query", "schema": {"type": "string"}},
    ]
    return {
        f"/{many}": {
            "get": {**_operation(f"find{many}", {"200": _list()}), "parameters": found},
            "post": _operation(f"create{one}", {"201": made}, shape),
        },
        f"/{many}/.search": {"post": _operation(f"search{many}", {"200": _list()}, _search())},
        f"/{many}/{{id}}": {
            "parameters": [key],
            "get": _operation(f"read{one}", {"200": _reply(_sent(one))}),
            "put": _operation(f"replace{one}", {"200": _reply(_sent(one))}, shape),
            "patch": _operation(f"change{one}", {"200": _reply(_sent(one))}, _patch()),
            "delete": _operation(f"remove{one}", {"204": {"description": "Gone."}}),
        },
    }


def _links(one: str) -> Json:
    """What can be done with a resource that was made a moment ago."""
    own = "$response.body#/id"
    links: Json = {
        f"{verb}It": {"operationId": f"{verb}{one}", "parameters": {"id": own}}
        for verb in ("read", "replace", "change", "remove")
    }
    if one == "User":
        name = "team of {$response.body#/id}"
        team = {"schemas": [GROUP], "displayName": name, "members": [{"value": own}]}
        links["teamOfIt"] = {"operationId": "createGroup", "requestBody": team}
    return links


def _sent(one: str) -> Json:
    """What the service sends of a resource."""
    meta = {
        "type": "object",
        "required": ["resourceType", "created", "location", "version"],
        "properties": {"resourceType": {"const": one}, "created": {"type": "string", "format": "date-time"}},
    }
    properties = {"schemas": {"type": "array", "minItems": 1}, "id": {"type": "string", "format": "uuid"}, "meta": meta}
    name = "userName" if one == "User" else "displayName"
    properties[name] = {"type": "string", "minLength": 1}
    return {"type": "object", "required": ["schemas", "id", "meta", name], "properties": properties}


def _list() -> Json:
    number = {"type": "integer", "minimum": 0}
    properties = {"schemas": {"const": [LIST]}, "totalResults": number, "startIndex": number, "itemsPerPage": number}
    shape = {"type": "object", "required": ["Resources", *properties], "properties": properties}
    return _reply(shape)


def _search() -> Json:
    properties = {
        "schemas": {"const": [SEARCH]},
        "filter": {"type": "string", "enum": list(FILTERS)},
        "startIndex": {"type": "integer"},
        "count": {"type": "integer"},
        "attributes": {"type": "array", "items": {"type": "string"}},
    }
    return {"type": "object", "required": ["schemas"], "properties": properties}


def _patch() -> Json:
    operation = {
        "type": "object",
        "required": ["op"],
        "properties": {
            "op": {"enum": ["add", "replace", "remove", "Replace"]},
            "path": {"enum": list(PATHS)},
            "value": {},
        },
    }
    operations = {"type": "array", "items": operation, "minItems": 1, "maxItems": 4}
    properties = {"schemas": {"const": [PATCH]}, "Operations": operations}
    return {"type": "object", "required": ["schemas", "Operations"], "properties": properties}


def _operation(name: str, replies: Mapping[str, Json], body: Json | None = None) -> Json:
    refused = {"description": "As RFC 7644 has errors.", "content": {MEDIA_TYPE: {"schema": ERROR}}}
    made: Json = {"operationId": name, "responses": {**replies, "4XX": refused, "503": refused}}
    if body is not None:
        made["requestBody"] = {"required": True, "content": {MEDIA_TYPE: {"schema": body}}}
    return made


def _reply(shape: Json) -> Json:
    return {"description": "Done.", "content": {MEDIA_TYPE: {"schema": shape}}}


def _examples(values: Sequence[str]) -> Json:
    return {f"example {number}": {"value": value} for number, value in enumerate(values)}
