"""Make a person in the realm. Sent to the identity host and run there by the release's own Python, which has
Keycloak's library: its administration can be reached from that host only.
"""

import json
import sys
from pathlib import Path
from typing import Any

from keycloak import KeycloakAdmin, KeycloakOpenIDConnection


def make(facts: dict[str, Any]) -> None:
    password = Path("/etc/appliance/keycloak/admin-password").read_text(encoding="utf-8").strip()
    link = KeycloakOpenIDConnection(
        server_url=facts["server"],
        username="admin",
        password=password,
        realm_name=facts["realm"],
        user_realm_name="master",
    )
    admin = KeycloakAdmin(connection=link)
    if admin.get_user_id(facts["name"]):
        return
    user = admin.create_user(
        {
            "username": facts["name"],
            "email": f"{facts['name']}@acme.example",
            "emailVerified": True,
            "firstName": facts["name"],
            "lastName": "Test",
            "enabled": True,
            "credentials": [{"type": "password", "value": facts["password"], "temporary": False}],
        }
    )
    for group in facts["groups"]:
        admin.group_user_add(user, admin.get_group_by_path(group)["id"])


make(json.loads(sys.stdin.readline()))
