"""What somebody has in an appliance: a conversation, a document, an API key; made once, and looked at again elsewhere.

    python -m tests.deploy.belongings FACTS.json

Runs in the lab's network namespace. With `key` in the facts it only looks; prints what it saw as one JSON value.
"""

import json
import ssl
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.deploy.visit import HOME, ask, give, log_in, resolve_as

ROOT = Path(__file__).resolve().parents[2]


def make(client: httpx.Client, facts: dict[str, Any]) -> str:
    """A document, a turn of a conversation, and a key; the key."""
    collection = give(client, facts["collection"], ROOT / facts["document"])
    talk = client.post("/api/conversations", json={}, headers=HOME).raise_for_status().json()["id"]
    body = {"question": facts["question"], "collection_ids": [collection]}
    with client.stream("POST", f"/api/conversations/{talk}/turns", json=body, headers=HOME) as turn:
        assert turn.status_code == 200, turn.read()
        assert b"event: finished" in turn.read()
    body = {"name": "laptop", "expires_in_days": 30}
    return str(client.post("/api/keys", json=body, headers=HOME).raise_for_status().json()["key"])


def seen(client: httpx.Client, facts: dict[str, Any]) -> dict[str, Any]:
    """Everything that must be the same on another host."""
    talks = client.get("/api/conversations").raise_for_status().json()
    talks = talks["items"] if isinstance(talks, dict) else talks
    collections = client.get("/api/collections").raise_for_status().json()
    found = {c["name"]: c["id"] for c in collections}
    query = {"query": facts["question"], "collection_ids": list(found.values()), "limit": 5}
    passages = client.post("/api/search", json=query, headers=HOME).raise_for_status().json()["items"]
    return {
        "me": {
            k: v for k, v in client.get("/api/me").raise_for_status().json().items() if k in ("id", "email", "roles")
        },
        "talks": [client.get(f"/api/conversations/{t['id']}").raise_for_status().json() for t in talks],
        "collections": found,
        "passages": [[p["text"], p["document"]["id"]] for p in passages],
        "keys": [k["name"] for k in client.get("/api/keys").raise_for_status().json()],
    }


def main(facts: dict[str, Any]) -> dict[str, Any]:
    resolve_as(facts["names"])
    options: dict[str, Any] = {
        "base_url": facts["url"],
        "verify": ssl.create_default_context(cafile=facts["ca"]),
        "trust_env": False,
        "timeout": 120,
        "headers": {"origin": facts["url"]},
    }
    with httpx.Client(**options) as client:
        log_in(client, facts["name"], facts["password"])
        key = facts.get("key") or make(client, facts)
        told = seen(client, facts)
        answer = ask(client, facts["question"], told["collections"][facts["collection"]]) if facts.get("key") else {}
    with httpx.Client(**options) as program:
        models = program.get("/v1/models", headers={"authorization": f"Bearer {key}"})
    return {"key": key, "seen": told, "answer": answer, "by_key": models.status_code}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
