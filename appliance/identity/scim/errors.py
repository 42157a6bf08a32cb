"""What a SCIM client is refused with. A code after `scim_` is the `scimType` of RFC 7644."""

from appliance.foundation import ApplianceError, Conflict, InvalidInput, NotFound


class ScimRefused(InvalidInput):
    """The request does not follow the protocol, or asks for what the resource cannot be."""

    code = "scim_invalidValue"
    remedy = ""

    def __init__(self, message: str, *, kind: str = "invalidValue", status: int = 400) -> None:
        super().__init__(message)
        self.code = f"scim_{kind}"  # type: ignore[misc]  # one class for the types of the protocol
        self.status = status  # type: ignore[misc]  # the same


class ScimTaken(Conflict):
    """A name or identifier that must be unique belongs to another account or group, of whatever kind."""

    code = "scim_uniqueness"
    remedy = ""


class ScimMissing(NotFound):
    """No such resource of SCIM."""

    remedy = ""


class ScimStale(ApplianceError):
    """The resource is no longer the version that the request names."""

    code, status = "scim_precondition", 412
    remedy = ""
