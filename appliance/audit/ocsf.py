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

NOUNS: Mapping[str, int] = MappingProxyType(
    {
        "audit": API,
        "appliance": LIFECYCLE,
        "access": API,
        "login": LOGIN,
        "session": LOGIN,
        "password": ACCOUNT,
        "token": LOGIN,
        "user": ACCOUNT,
        "group": GROUP,
        "service_account": ACCOUNT,
        "key": ENTITY,
        "scim": ENTITY,
        "identity": ENTITY,
        "break_glass": PRIVILEGES,
        "break_glass_account": PRIVILEGES,
        "collection": ENTITY,
        "document": FILES,
        "file": FILES,
        "vector_store": ENTITY,
        "model": ENTITY,
        "search": API,
        "conversation": API,
        "response": API,
        "batch": API,
        "limits": ENTITY,
        "usage": API,
    }
)
"""Class of the acts of a noun."""
ACTS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "audit.began": (LIFECYCLE, 1),
        "audit.went_back": (LIFECYCLE, OTHER),
        "audit.cut": (ENTITY, DELETE),
        "user.roles_changed": (PRIVILEGES, OTHER),
        "password.changed": (ACCOUNT, 3),
        "user.refused": (LOGIN, 1),
        "break_glass.listed": (API, READ),
        "break_glass.read": (API, READ),
        "model.called": (API, CREATE),
        "session.stepped_up": (LOGIN, 1),
        "break_glass_account.used": (LOGIN, 1),
        "document.read": (FILES, 9),
        "usage.exported": (API, READ),
    }
)
"""Acts that are of another class than their noun, or whose activity the verb does not tell."""
VERBS: Mapping[int, Mapping[str, int]] = MappingProxyType(
    {
        ACCOUNT: {
            "created": 1,
            "admitted": 1,
            "enabled": 2,
            "changed": OTHER,
            "disabled": 5,
            "deleted": 6,
            "password_reset": 4,
        },
        LOGIN: {"succeeded": 1, "failed": 1, "throttled": 1, "refused": 1, "ended": 2},
        GROUP: {"member_added": 3, "member_removed": 4, "deleted": 5, "created": 6},
        ENTITY: {
            "created": CREATE,
            "token_created": CREATE,
            "changed": UPDATE,
            "readers_changed": UPDATE,
            "rotated": UPDATE,
            "bootstrapped": UPDATE,
            "mode_changed": UPDATE,
            "checked": UPDATE,
            "drained": UPDATE,
            "undrained": UPDATE,
            "deleted": DELETE,
            "revoked": DELETE,
            "token_revoked": DELETE,
        },
        PRIVILEGES: {"approved": 1, "ended": 2},
        FILES: {"uploaded": 1, "downloaded": 2, "changed": 3, "deleted": 4},
        LIFECYCLE: {"started": 3, "stopped": 4},
        API: {
            "created": CREATE,
            "asked": READ,
            "read": READ,
            "exported": READ,
            "explained": READ,
            "simulated": READ,
            "cancelled": UPDATE,
            "deleted": DELETE,
        },
    }
)
"""Activity of a verb, by class; what is not here is 99, other."""


def class_of(action: str) -> tuple[int, int]:
    """Class and activity of an act."""
    if action in ACTS:
        return ACTS[action]
    noun, _, verb = action.partition(".")
    class_uid = NOUNS.get(noun, API)
    return class_uid, VERBS[class_uid].get(verb, OTHER)


def to_ocsf(event: StoredEvent, product_version: str) -> dict[str, Any]:
    """One event as an OCSF object."""
    class_uid, activity = class_of(event.action)
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
