"""The types of the protocol: what is served, and how payloads are read and written."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from pydantic import Field, ValidationError
from scim2_models import (
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    Context,
    Email,
    EnterpriseUser,
    Error,
    ETag,
    Filter,
    Group,
    ListResponse,
    Mutability,
    Patch,
    PatchOp,
    Reference,
    Resource,
    ResourceType,
    Schema,
    SCIMException,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    Sort,
    User,
)

from appliance.identity.scim.errors import ScimRefused

T = TypeVar("T")


class Mail(Email):
    """An address as a firm writes it: the library refuses names such as `x@firm.local`, and decides nothing by them."""

    value: str | None = None


class Person(User[AnyExtension]):
    emails: list[Mail] | None = None  # type: ignore[assignment]

    Emails: ClassVar[type[ComplexAttribute]] = Mail


class Member(ComplexAttribute):
    """Of a group, as RFC 7643 has it: the library adds a name, which is the member's to say."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User[Any] | Group] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User", "Group"])


class Team(Group):
    members: list[Member] | None = None  # type: ignore[assignment]

    Members: ClassVar[type[ComplexAttribute]] = Member


ScimUser = Person[EnterpriseUser]
MOST = 1000
"""Resources of one page."""

CONFIG = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Key of a service account",
            description="A key whose scope names 'scim', as 'Authorization: Bearer <key>'.",
            primary=True,
        )
    ],
)
PROVIDER = ScimProvider(
    models=[Person, EnterpriseUser, Team],
    resource_types=[ResourceType.from_resource(ScimUser), ResourceType.from_resource(Team)],
    config=CONFIG,
)


def checked(read: Callable[[], T]) -> T:
    """What it returns. Raises ScimRefused for what the protocol's types refuse."""
    try:
        return read()
    except ValidationError as error:
        raise _refusal(Error.from_validation_errors(error)[0]) from error
    except SCIMException as error:
        raise _refusal(error.to_error()) from error
    except (ValueError, TypeError, RecursionError, AttributeError) as error:  # of a path or filter that is none
        raise ScimRefused(f"The request cannot be read: {error}.", kind="invalidSyntax") from error


def read_new(model: type[T], payload: Mapping[str, Any]) -> T:
    """A resource that is to be made. Raises ScimRefused."""
    shape: Any = model
    found: T = checked(lambda: shape.model_validate(payload, scim_ctx=Context.RESOURCE_CREATION_REQUEST))
    return found


def read_replacement(model: type[T], payload: Mapping[str, Any], original: T) -> T:
    """A resource in place of another. Raises ScimRefused."""

    def read() -> T:
        new = model.model_validate(payload, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)  # type: ignore[attr-defined]
        new.replace(original)
        return new  # type: ignore[no-any-return]

    return checked(read)


def patched(model: type[T], payload: Mapping[str, Any], original: T) -> T:
    """The resource after the operations, all or none. Raises ScimRefused."""

    def patch() -> T:
        operations = PatchOp[model].model_validate(payload, scim_ctx=Context.RESOURCE_PATCH_REQUEST)  # type: ignore[valid-type]
        operations.patch(original)
        return original

    return checked(patch)


def read_search(model: type[Any], payload: Mapping[str, Any]) -> SearchRequest[Any]:
    """A query: filter, place and attributes. Raises ScimRefused, also for attributes that the model has not."""
    shape: Any = SearchRequest
    given = {key: value for key, value in payload.items() if value is not None}
    found: SearchRequest[Any] = checked(lambda: shape[model].model_validate(given, scim_ctx=Context.SEARCH_REQUEST))
    return found


def written(
    resource: Resource[Any],
    context: Context = Context.RESOURCE_QUERY_RESPONSE,
    asked: SearchRequest[Any] | None = None,
) -> dict[str, Any]:
    """As it is sent, with its version, and of its attributes those that were asked for."""
    whole = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    digest = hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()
    if resource.meta is not None:
        resource.meta.version = f'W/"{digest[:16]}"'
    return checked(lambda: resource.model_dump(scim_ctx=context, response_parameters=asked))


def listed(found: Sequence[dict[str, Any]], total: int, start: int) -> dict[str, Any]:
    """A page."""
    return {
        "schemas": [str(ListResponse.__schema__)],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(found),
        "Resources": list(found),
    }


def described(kind: str, base: str) -> list[dict[str, Any]]:
    """What the discovery endpoint of this name says."""
    known: Mapping[str, Sequence[Schema | ResourceType | ServiceProviderConfig]]
    known = {"Schemas": PROVIDER.schemas, "ResourceTypes": PROVIDER.resource_types}
    found = known.get(kind, (CONFIG,))
    described = []
    for item in found:
        one = item.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
        path = kind if kind == "ServiceProviderConfig" else f"{kind}/{one['id']}"
        described.append({**one, "meta": {"resourceType": type(item).__name__, "location": f"{base}/{path}"}})
    return described


def _refusal(error: Error) -> ScimRefused:
    return ScimRefused(
        error.detail or "The request cannot be done.",
        kind=error.scim_type or "invalidValue",
        status=error.status or 400,
    )
