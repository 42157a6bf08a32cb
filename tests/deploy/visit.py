"""Somebody at a desk: logs in through Keycloak, gives a document, asks, and reads an answer with its source.

    python -m tests.deploy.visit FACTS.json

Runs in the lab's network namespace, where only the hosts can be reached. Prints what was seen as one JSON value.
"""

import html
import json
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

import httpx

HOME = {"x-requested-with": "appliance"}
ROOT = Path(__file__).resolve().parents[2]
READ_S = 180


def resolve_as(names: dict[str, str]) -> None:
    """The lab has no name server: these names are these addresses, and no others are known."""
    real = socket.getaddrinfo

    def known(host: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return real(names.get(name, name), *more, **options)

    socket.getaddrinfo = known


def log_in(client: httpx.Client, name: str, password: str) -> None:
    """As a browser: button, Keycloak's form, and back. Raises AssertionError."""
    page = client.get("/auth/oidc/login", params={"next": "/"}, follow_redirects=True)
    form = re.search(r'action="([^"]+)"', page.text)
    assert form, f"{page.status_code} {page.url}: {page.text[:500]}"
    done = client.post(html.unescape(form[1]), data={"username": name, "password": password}, follow_redirects=True)
    assert done.status_code == 200, f"{done.status_code} {done.url}: {done.text[:500]}"
    me = client.get("/api/me")
    assert me.status_code == 200, me.text


def give(client: httpx.Client, collection: str, document: Path) -> str:
    """Upload a document and wait until it can be found; the collection's id."""
    there = {c["name"]: c["id"] for c in client.get("/api/collections").raise_for_status().json()}
    if collection not in there:
        made = client.post("/api/collections", json={"name": collection}, headers=HOME).raise_for_status().json()
        there[collection] = made["id"]
    files = {"file": (document.name, document.read_bytes())}
    path = f"/api/collections/{there[collection]}/documents"
    client.post(path, files=files, data={"path": document.name}, headers=HOME).raise_for_status()
    ends = time.monotonic() + READ_S
    while True:
        items = client.get(path).raise_for_status().json()["items"]
        if items and all(item["state"] == "indexed" for item in items):
            return str(there[collection])
        assert time.monotonic() < ends, f"not read within {READ_S} s: {items}"
        time.sleep(0.5)


def ask(client: httpx.Client, question: str, collection: str) -> dict[str, Any]:
    """The last event of an answer."""
    body = {"question": question, "collection_ids": [collection]}
    with client.stream("POST", "/api/ask", json=body, headers=HOME) as stream:
        assert stream.status_code == 200, stream.read().decode()
        event = ""
        for line in stream.iter_lines():
            if line.startswith("event:"):
                event = line.removeprefix("event:").strip()
            elif line.startswith("data:") and event in ("finished", "failed"):
                return {"event": event, **json.loads(line.removeprefix("data:"))}
    raise AssertionError("the stream ended without a last event")


def visit(facts: dict[str, Any]) -> dict[str, Any]:
    resolve_as(facts["names"])
    import ssl  # noqa: PLC0415

    trusted = ssl.create_default_context(cafile=facts["ca"])
    with httpx.Client(
        base_url=facts["url"], verify=trusted, trust_env=False, timeout=120, headers={"origin": facts["url"]}
    ) as client:
        began = time.monotonic()
        log_in(client, facts["name"], facts["password"])
        logged_in = time.monotonic()
        collection = give(client, f"handbook of {facts['name']}", ROOT / facts["document"])
        read = time.monotonic()
        answer = ask(client, facts["question"], collection)
        ended = time.monotonic()
    return {
        "answer": answer,
        "login_s": round(logged_in - began, 1),
        "document_s": round(read - logged_in, 1),
        "answer_s": round(ended - read, 1),
    }


if __name__ == "__main__":
    print(json.dumps(visit(json.loads(Path(sys.argv[1]).read_text()))))
