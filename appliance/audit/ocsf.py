"""Events in the Open Cybersecurity Schema Framework (OCSF), for a collector of the firm.

Each act has a class and an activity of OCSF 1.3.0. What OCSF has no place for stays whole under `unmapped`, so that
nothing is lost and the chain can be followed from an export as well.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from appliance.audit.query import StoredEvent

VERSION = "1.3.0"
ACCOUNT, LOGIN, ENTITY, PRIVILEGES, GROUP = 3001, 3002, 3004, 3005, 3006
LIFECYCLE, API, FILES = 6002, 6003, 6006
OTHER = 99
NAMES = MappingProxyType(
    {
        ACCOUNT: "Account Change",
        LOGIN: "Authentication",
        ENTITY: "Entity Management",
        PRIVILEGES: "User Access Management",
        GROUP: "Group Management",
        LIFECYCLE: "Application Lifecycle",
        API: "API Activity",
        FILES: "File Hosting Activity",
    }
)
CREATE, READ, UPDATE, DELETE = 1, 2, 3, 4
METHODS = MappingProxyType({"POST": CREATE, "GET": READ, "PUT": UPDATE, "PATCH": UPDATE, "DELETE": DELETE})

CLASSES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "audit.began": (LIFECYCLE, 1),
        "audit.went_back": (LIFECYCLE, OTHER),
        "audit.read": (API, READ),
        "audit.exported": (API, READ),
        "audit.cut": (ENTITY, DELETE),
        "appliance.started": (LIFECYCLE, 3),
        "appliance.stopped": (LIFECYCLE, 4),
        "access.denied": (API, OTHER),
        "access.explained": (API, READ),
        "access.simulated": (API, READ),
        "login.succeeded": (LOGIN, 1),
        "login.failed": (LOGIN, 1),
        "login.throttled": (LOGIN, 1),
        "session.ended": (LOGIN, 2),
        "session.stepped_up": (LOGIN, 1),
        "password.changed": (ACCOUNT, 3),
        "token.refused": (LOGIN, 1),
        "user.created": (ACCOUNT, 1),
        "user.admitted": (ACCOUNT, 1),
        "user.refused": (LOGIN, 1),
        "user.changed": (ACCOUNT, OTHER),
        "user.disabled": (ACCOUNT, 5),
        "user.enabled": (ACCOUNT, 2),
        "user.deleted": (ACCOUNT, 6),
        "user.roles_changed": (PRIVILEGES, 1),
        "user.password_reset": (ACCOUNT, 4),
        "group.created": (GROUP, 6),
        "group.changed": (GROUP, OTHER),
        "group.deleted": (GROUP, 5),
        "group.member_added": (GROUP, 3),
        "group.member_removed": (GROUP, 4),
        "service_account.created": (ACCOUNT, 1),
        "service_account.changed": (ACCOUNT, OTHER),
        "service_account.disabled": (ACCOUNT, 5),
        "service_account.enabled": (ACCOUNT, 2),
        "service_account.deleted": (ACCOUNT, 6),
        "key.created": (ENTITY, CREATE),
        "key.rotated": (ENTITY, UPDATE),
        "key.revoked": (ENTITY, DELETE),
        "scim.token_created": (ENTITY, CREATE),
        "scim.token_revoked": (ENTITY, DELETE),
        "identity.bootstrapped": (ENTITY, UPDATE),
        "identity.mode_changed": (ENTITY, UPDATE),
        "break_glass.requested": (PRIVILEGES, OTHER),
        "break_glass.approved": (PRIVILEGES, 1),
        "break_glass.refused": (PRIVILEGES, OTHER),
        "break_glass.ended": (PRIVILEGES, 2),
        "break_glass.listed": (API, READ),
        "break_glass.read": (API, READ),
        "collection.created": (ENTITY, CREATE),
        "collection.changed": (ENTITY, UPDATE),
        "collection.readers_changed": (ENTITY, UPDATE),
        "collection.deleted": (ENTITY, DELETE),
        "document.uploaded": (FILES, 1),
        "document.deleted": (FILES, 4),
        "document.changed": (FILES, 3),
        "document.read": (FILES, 9),
        "document.downloaded": (FILES, 2),
        "file.uploaded": (FILES, 1),
        "file.deleted": (FILES, 4),
        "file.downloaded": (FILES, 2),
        "vector_store.changed": (ENTITY, UPDATE),
        "model.called": (API, CREATE),
        "search.asked": (API, READ),
        "conversation.deleted": (API, DELETE),
        "response.deleted": (API, DELETE),
        "batch.created": (API, CREATE),
        "batch.cancelled": (API, UPDATE),
        "limits.changed": (ENTITY, UPDATE),
        "usage.exported": (API, READ),
        "model.checked": (ENTITY, UPDATE),
        "model.drained": (ENTITY, UPDATE),
        "model.undrained": (ENTITY, UPDATE),
    }
)
"""Act → class and activity. A test holds it against the list of acts."""


def to_ocsf(event: StoredEvent, product_version: str) -> dict[str, Any]:
    """One event as an OCSF object."""
    class_uid, activity = CLASSES.get(event.action, (API, OTHER))
    if event.action == "access.denied":
        activity = METHODS.get(event.object.removeprefix("route:").partition(" ")[0], OTHER)
    done = event.outcome == "done"
    return {
        "class_uid": class_uid,
        "class_name": NAMES[class_uid],
        "category_uid": class_uid // 1000,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "time": _milliseconds(event.at),
        "severity_id": 1 if done else 3,
        "status_id": 1 if done else 2,
        "status_detail": event.outcome,
        "message": event.action,
        "metadata": {
            "version": VERSION,
            "uid": str(event.seq),
            "event_code": event.action,
            "product": {
                "name": "Private Model Appliance",
                "vendor_name": "Private Model Appliance",
                "version": product_version,
            },
        },
        "actor": {"user": _user(event.actor)},
        "src_endpoint": {"ip": event.source} if event.source else {"name": "localhost"},
        **_about(class_uid, event),
        "unmapped": {
            "on_behalf_of": event.on_behalf_of,
            "object": event.object,
            "details": event.details,
            "prev_hash": event.prev_hash,
            "hash": event.hash,
        },
    }


def _about(class_uid: int, event: StoredEvent) -> dict[str, Any]:
    """What the class wants to know of the thing."""
    kind, _, uid = event.object.partition(":")
    if class_uid in (LOGIN, ACCOUNT, PRIVILEGES):
        about: dict[str, Any] = {"user": _user(event.object if kind == "user" else event.actor)}
        if class_uid == LOGIN:
            about["service"] = {"name": "Private Model Appliance"}
        return about
    if class_uid == GROUP:
        member = str(event.details.get("account", ""))
        return {"group": {"uid": uid}, **({"user": _user(member)} if member else {})}
    if class_uid == ENTITY:
        return {"entity": {"type": kind, "uid": uid}}
    if class_uid == FILES:
        return {"file": {"name": event.object, "uid": uid, "type_id": 1}}
    if class_uid == LIFECYCLE:
        return {"app": {"name": "Private Model Appliance", "vendor_name": "Private Model Appliance"}}
    return {
        "api": {"operation": event.action, "request": {"uid": event.request_id}},
        "resources": [{"type": kind, "uid": uid}] if event.object else [],
    }


def _user(actor: str) -> dict[str, Any]:
    kind, _, uid = actor.partition(":")
    return {"uid": uid or actor, "type_id": 1 if kind == "user" else 3 if actor == "system" else 0}


def _milliseconds(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000)
