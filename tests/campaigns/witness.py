"""Searches without a pause while documents come, change and go, and judges every hit.

The pointers that publish are read before and after each search: a hit must be of a version that one of the two looks
shows, and a paragraph of a version that both show must be found. Beside that a hit must be of a version that was sent,
that no acknowledged removal has taken, and that is not older than what an earlier search gave; and when one of its
paragraphs is found, every other one must be found too.
"""

import asyncio
import hashlib
import random
from typing import Any

import httpx

from tests.campaigns.papers import Version, words_in
from tests.campaigns.pointers import Pointer, Pointers
from tests.campaigns.promises import BUSY, Promises, Story
from tests.support.gateway import Client


class NotReady(Exception):
    """The appliance said that it cannot search now."""


class Witness:
    def __init__(
        self,
        client: Client,
        collection_id: str,
        promises: Promises,
        pointers: Pointers,
        up: asyncio.Event,
        seed: int,
    ) -> None:
        self._client = client
        self._collection_id = collection_id
        self._promises = promises
        self._pointers = pointers
        self._up = up
        self._choice = random.Random(seed + 2)
        self.searches = 0
        self.hits = 0
        self.complete = 0
        """Looks for a paragraph of a version that was published all the while."""

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await self._up.wait()
            sent = [s for s in self._promises.stories.values() if s.sent >= 0]
            if not sent:
                await self._promises.until(lambda: any(s.sent >= 0 for s in self._promises.stories.values()), 60)
                continue
            # what is in work now is where something can be half there
            changing = [s for s in sent if self._promises.states.get(s.document_id, "queued") in BUSY]
            some = changing if changing and self._choice.random() < 0.7 else sent
            try:
                await self._look_at(self._choice.choice(some))
            except (httpx.TransportError, NotReady):
                await asyncio.sleep(0)  # the process was killed under the call; `up` says when it is back

    async def find(self, word: str) -> list[dict[str, Any]]:
        """Hits whose text has the word. Raises NotReady."""
        return [item for item in await self._search(word) if word in words_in(item["text"])]

    async def _search(self, word: str) -> list[dict[str, Any]]:
        body = {"query": f"rule {word}", "collection_ids": [self._collection_id], "limit": 10}
        reply = await self._client.post("/api/search", json=body)
        if reply.status_code == 503:
            raise NotReady
        assert reply.status_code == 200, f"search: {reply.status_code} {reply.text}"
        self.searches += 1
        return list(reply.json()["items"])

    async def _look_at(self, story: Story) -> None:
        step = self._choice.choice(story.steps[: story.sent + 1])
        if not isinstance(step, Version):
            return
        gone, seen = story.gone_after, story.seen
        word = self._choice.choice(step.words)
        before = await asyncio.to_thread(self._pointers.published)
        items = await self._search(word)
        after = await asyncio.to_thread(self._pointers.published)
        self._compare(items, [*before.values(), *after.values()])
        found = [item for item in items if word in words_in(item["text"])]
        self._expect(step, word, bool(found), before, after)
        for item in found:
            self._judge(step, item, gone, seen)
            story.seen = max(story.seen, step.step)
            await self._is_whole(story, step, item)

    def _compare(self, items: list[dict[str, Any]], pointers: list[Pointer]) -> None:
        allowed = {(str(pointer.document_id), pointer.number) for pointer in pointers}
        for item in items:
            self.hits += 1
            document = item["document"]
            if (document["id"], document["version_number"]) not in allowed:
                self._promises.accuse(f"{document['name']} version {document['version_number']} was found unpublished")

    def _expect(
        self, step: Version, word: str, found: bool, before: dict[str, Pointer], after: dict[str, Pointer]
    ) -> None:
        sha256 = hashlib.sha256(step.content).hexdigest()
        published = [step.path in look and look[step.path].sha256 == sha256 for look in (before, after)]
        self.complete += all(published)
        if all(published) and not found:
            self._promises.accuse(f"{step.path} step {step.step} is published, but not its paragraph {word}")
        if found and not any(published):
            self._promises.accuse(f"{step.path} step {step.step} was found, but is not published")

    def _judge(self, step: Version, item: dict[str, Any], gone: int, seen: int) -> None:
        name = f"{step.path} step {step.step}"
        if step.path.rpartition("/")[2] != item["document"]["name"]:
            self._promises.accuse(f"{name} was found under the name {item['document']['name']}")
        if step.step <= gone:
            self._promises.accuse(f"{name} was found although its removal was acknowledged before")
        if step.step < seen:
            self._promises.accuse(f"{name} was found although step {seen} had been found before")
        strangers = [w for w in words_in(item["text"]) if self._promises.version_of(w) != step]
        if strangers:
            self._promises.accuse(f"a passage of {name} has words of another version: {strangers}")

    async def _is_whole(self, story: Story, step: Version, item: dict[str, Any]) -> None:
        """A version of which one paragraph is found is published, so every other one is found as well."""
        other = step.words[-1] if self._choice.random() < 0.5 else self._choice.choice(step.words)
        found = await self.find(other)
        if not found and story.sent == step.step:
            self._promises.accuse(f"half a version was found: {step.path} step {step.step} without paragraph {other}")
        reply = await self._client.get(f"/api/documents/{item['document']['id']}")
        if reply.status_code != 200:
            if story.sent == step.step:
                self._promises.accuse(f"{step.path} was found but is not there: {reply.status_code}")
            return
        number = item["document"]["version_number"]
        states = {v["number"]: v["state"] for v in reply.json()["versions"]}
        if states.get(number) not in ("indexed", "partial", "retired"):
            self._promises.accuse(f"{step.path} answered from version {number}, which is {states.get(number)}")
