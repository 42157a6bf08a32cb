"""Somebody who goes on working while something breaks: asks, chats, gives documents, looks around, all the time.

    python -m tests.deploy.watch FACTS.json

Runs in the lab's network namespace. Prints one JSON value per line: first `{"ready": …}`, then one for each thing that
was tried. When a line comes in, it stops, looks at what was kept, and prints that last.
"""

import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.deploy.visit import HOME, give, log_in, resolve_as

LONGEST_S = 120
"""After this a request counts as one without an end."""
PAUSE_S = 1.0
COME_S = 3.0
STORY = "Tell me a long story about a lighthouse."
KEPT_S = 180

Outcome = dict[str, Any]


@dataclass
class Person:
    facts: dict[str, Any]
    client: httpx.Client
    collection: str = ""
    conversation: str = ""
    told: dict[str, str] = field(default_factory=dict)
    """Turn → the text that a finished answer had."""
    begun: set[str] = field(default_factory=set)
    """Turns whose question was taken."""
    given: set[str] = field(default_factory=set)
    """Names of documents that were taken."""
    number: int = 0

    def question(self) -> Outcome:
        body = {"question": self.facts["question"], "collection_ids": [self.collection]}
        return self._stream("/api/ask", body)

    def chat(self) -> Outcome:
        return self._stream(
            f"/api/conversations/{self.conversation}/turns", {"question": STORY, "assistant_id": "assistant"}
        )

    def newcomer(self) -> Outcome:
        return self._stream("/api/ask", {"question": "Say yes.", "assistant_id": "assistant"})

    def document(self) -> Outcome:
        self.number += 1
        name = f"note-{self.facts['scenario']}-{self.number}.txt"
        files = {"file": (name, f"Note {self.number} of {self.facts['scenario']}: all is well.".encode())}
        path = f"/api/collections/{self.collection}/documents"
        reply = self.client.post(path, files=files, data={"path": name}, headers=HOME)
        if reply.is_success:
            self.given.add(name)
        return said(reply)

    def look(self) -> Outcome:
        return said(self.client.get("/api/collections"))

    def _stream(self, path: str, body: dict[str, Any]) -> Outcome:
        with self.client.stream("POST", path, json=body, headers=HOME) as reply:
            if reply.status_code != 200:
                reply.read()
                return said(reply)
            turn = ""
            for event, data in events(reply):
                if event == "turn":
                    turn = data["id"]
                    self.begun.add(turn)
                elif event == "failed":
                    return {"status": 200, "code": data["code"], "message": data["message"]}
                elif event == "finished":
                    if turn:
                        self.told[turn] = data["text"]
                    return {"status": 200, "code": "", "message": ""}
        return {"status": 200, "code": "no end", "message": "the stream ended without a last event"}

    def kept(self) -> dict[str, Any]:
        """What is there in the end, and what is missing of what was promised."""
        ends = time.monotonic() + KEPT_S
        while True:
            turns = {t["id"]: t for t in self.client.get(f"/api/conversations/{self.conversation}").json()["turns"]}
            path = f"/api/collections/{self.collection}/documents"
            items = self.client.get(path, params={"limit": 1000}).json()["items"]
            running = [t["id"] for t in turns.values() if t["state"] == "running"]
            unread = {i["name"]: i["state"] for i in items if i["state"] != "indexed"}
            if not (running or unread) or time.monotonic() > ends:
                break
            time.sleep(1)
        return {
            "turns": len(turns),
            "documents": len(items),
            "turns_lost": sorted(self.begun - set(turns)),
            "turns_running": running,
            "texts_lost": [t for t, text in self.told.items() if turns.get(t, {}).get("answer") != text],
            "documents_lost": sorted(self.given - {i["name"] for i in items}),
            "documents_unread": unread,
            "states": sorted({t["state"] for t in turns.values()}),
        }


def said(reply: httpx.Response) -> Outcome:
    if reply.is_success:
        return {"status": reply.status_code, "code": "", "message": ""}
    try:
        error = reply.json()["error"]
    except (ValueError, KeyError):
        return {"status": reply.status_code, "code": "no code", "message": reply.text[:200]}
    return {"status": reply.status_code, "code": error["code"], "message": error["message"]}


def events(reply: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    event = ""
    for line in reply.iter_lines():
        if line.startswith("event:"):
            event = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield event, json.loads(line.removeprefix("data:"))


def go_on(kind: str, act: Callable[[], Outcome], ended: threading.Event, lock: threading.Lock) -> None:
    """Try it again and again until it has ended, but once at least, and print how each went."""
    while True:
        began = time.time()
        try:
            outcome = act()
        except httpx.HTTPError as error:
            outcome = {"status": 0, "code": type(error).__name__, "message": str(error)[:200]}
        with lock:
            print(json.dumps({"kind": kind, "began": began, "ended": time.time(), **outcome}), flush=True)
        if ended.wait(PAUSE_S):
            return


def come(act: Callable[[], Outcome], ended: threading.Event, lock: threading.Lock) -> None:
    """Somebody new asks every few seconds, whether those before were answered or not."""
    asking: list[threading.Thread] = []
    while not ended.is_set():
        one = threading.Event()
        one.set()
        asking.append(threading.Thread(target=go_on, args=("newcomer", act, one, lock)))
        asking[-1].start()
        ended.wait(COME_S)
    for thread in asking:
        thread.join()


def main() -> None:
    facts = json.loads(Path(sys.argv[1]).read_text())
    resolve_as(facts["names"])
    trusted = ssl.create_default_context(cafile=facts["ca"])
    options: dict[str, Any] = {"base_url": facts["url"], "verify": trusted, "trust_env": False, "timeout": LONGEST_S}
    with httpx.Client(**options, headers={"origin": facts["url"]}) as client:
        log_in(client, facts["name"], facts["password"])
        person = Person(facts, client, give(client, "handbook", Path(facts["document"])))
        person.conversation = client.post("/api/conversations", json={}, headers=HOME).raise_for_status().json()["id"]
        ended, lock = threading.Event(), threading.Lock()
        acts = {"question": person.question, "chat": person.chat, "document": person.document, "look": person.look}
        threads = [threading.Thread(target=go_on, args=(kind, act, ended, lock)) for kind, act in acts.items()]
        threads.append(threading.Thread(target=come, args=(person.newcomer, ended, lock)))
        print(json.dumps({"ready": True}), flush=True)
        for thread in threads:
            thread.start()
        sys.stdin.readline()
        ended.set()
        for thread in threads:
            thread.join()
        print(json.dumps(person.kept()), flush=True)


if __name__ == "__main__":
    main()
