"""Golden questions: those that an administrator wrote down, and those that the documents themselves give."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from appliance.foundation import InvalidInput
from appliance.proving.door import Door
from appliance.proving.values import Golden, Plan

T = TypeVar("T")
WORDS = 16
"""Of a passage that make a question: enough to be its own, few enough to be one."""
FIRST = 5
"""The document must be among so many passages."""


class QuestionsInvalid(InvalidInput):
    """The file of golden questions cannot be used; the message names the place."""

    code = "questions_invalid"


class Written(Struct, forbid_unknown_fields=True, frozen=True):
    """One `[[question]]` of the file."""

    ask: str
    collection: str
    document: str
    words: tuple[str, ...] = ()


class _File(Struct, forbid_unknown_fields=True, frozen=True):
    question: tuple[Written, ...] = ()


def read_questions(file: Path) -> tuple[Written, ...]:
    """Raises QuestionsInvalid."""
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File).question
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise QuestionsInvalid(
            f"{file}: {error}.",
            remedy="Each [[question]] has ask, collection and document (their names), and words if you like.",
        ) from error


async def written_questions(door: Door, written: Sequence[Written]) -> list[Golden]:
    """With ids in the place of names. Raises QuestionsInvalid: a collection or document is not there."""
    collections = {c["name"]: str(c["id"]) for c in await door.call("GET", "/api/collections")}
    found = []
    for question in written:
        key = collections.get(question.collection)
        if key is None:
            raise QuestionsInvalid(f"There is no collection '{question.collection}' that this account reads.")
        documents = await door.call("GET", f"/api/collections/{key}/documents?limit=1000")
        ids = [str(d["id"]) for d in documents["items"] if d["name"] == question.document]
        if not ids:
            raise QuestionsInvalid(f"'{question.collection}' has no document '{question.document}'.")
        found.append(Golden(question.ask, key, ids[0], question.document, question.words))
    return found


async def own_questions(door: Door, collections: Sequence[dict[str, Any]], plan: Plan) -> list[Golden]:
    """A passage of each sampled document, as a question that must lead back to it."""
    found = []
    for collection in spread(collections, plan.collections):
        key = str(collection["id"])
        documents = await door.call("GET", f"/api/collections/{key}/documents?limit=1000")
        ready = sorted((d for d in documents["items"] if d["passage_count"]), key=lambda d: str(d["id"]))
        for document in spread(ready, plan.documents):
            question = await _question(door, key, document)
            if question:
                found.append(Golden(question, key, str(document["id"]), document["name"]))
    return found


async def _question(door: Door, collection: str, document: dict[str, Any]) -> str | None:
    """Words that find the document now; None when nothing in it does, as with a copy of another one."""
    body = {"query": document["name"], "collection_ids": [collection], "limit": 50}
    items = (await door.call("POST", "/api/search", body))["items"]
    for item in items:
        if str(item["document"]["id"]) == str(document["id"]):
            words = " ".join(item["text"].split()[:WORDS])
            if words and await found_among_first(door, words, collection, str(document["id"])):
                return words
    return None


async def found_among_first(door: Door, question: str, collection: str, document: str) -> bool:
    """Whether a search leads to the document."""
    body = {"query": question, "collection_ids": [collection], "limit": FIRST}
    items = (await door.call("POST", "/api/search", body))["items"]
    return any(str(item["document"]["id"]) == document for item in items)


async def answer_to(door: Door, question: Golden) -> tuple[str, bool]:
    """The answer's text, and whether it rests on the document. Raises ApplianceError."""
    text, cited = "", False
    body = {"question": question.ask, "collection_ids": [question.collection]}
    async for name, data in door.events("POST", "/api/ask", body):
        if name == "failed":
            return f"(failed: {data['message']})", False
        if name == "finished":
            text = data["text"]
            cited = any(str(c["document_id"]) == question.document for c in data["citations"])
    return text, cited


def spread(values: Sequence[T], most: int) -> list[T]:
    """At most so many, evenly over all of them."""
    if len(values) <= most:
        return list(values)
    return [values[i * len(values) // most] for i in range(most)]
