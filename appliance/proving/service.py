"""Looks at an appliance, and asks what was touched since an earlier look."""

from collections.abc import Sequence
from typing import Any

import msgspec

from appliance.foundation import Clock
from appliance.proving.contract import contract_of
from appliance.proving.door import Door
from appliance.proving.questions import (
    Written,
    answer_to,
    found_among_first,
    own_questions,
    spread,
    written_questions,
)
from appliance.proving.values import Golden, Plan, Proof

TOUCHING = ("user.", "group.", "collection.", "document.", "vector_store.", "service_account.")
"""Nouns of acts that change what is counted, seen or found."""
PAGE = 1000


async def observe(
    door: Door, clock: Clock, *, plan: Plan, written: Sequence[Written] = (), before: Proof | None = None
) -> Proof:
    """Look at everything that the plan says; with `before`, at what that one looked at.

    Raises:
        ApplianceError: nobody answers, or the caller may not look.
        QuestionsInvalid: a golden question names what is not there.
    """
    taken_at = clock.now()
    page = await door.call("GET", "/api/audit?limit=1")
    contract = await contract_of(door)
    users = await door.call("GET", "/api/users")
    groups = await door.call("GET", "/api/groups")
    collections = sorted(await door.call("GET", "/api/collections"), key=lambda c: str(c["id"]))
    names = {str(u["id"]): u["email"] for u in users}
    accounts = list(before.rights) if before else spread(sorted(names), plan.accounts)
    rights = {account: await _seen(door, account, names) for account in accounts if account in names}
    golden = before.golden if before else await _questions(door, collections, plan, written)
    return Proof(
        taken_at=taken_at,
        audit_seq=page["items"][0]["seq"] if page["items"] else 0,
        contract=contract,
        counts={"accounts": len(users), "groups": len(groups), "collections": len(collections)},
        documents={str(c["id"]): c["counts"]["indexed"] + c["counts"]["partial"] for c in collections},
        names=names,
        rights=rights,
        golden=await _answered(door, golden, plan),
        plan=plan,
    )


async def touched_since(door: Door, before: Proof) -> frozenset[str]:
    """Objects, as `kind:id`, that somebody changed after the first look; `group:*` when any group was."""
    touched: set[str] = set()
    cursor = ""
    while True:
        page = await door.call("GET", f"/api/audit?limit={PAGE}{cursor}")
        for event in page["items"]:
            if event["seq"] <= before.audit_seq:
                return frozenset(touched)
            if event["outcome"] == "done" and event["action"].startswith(TOUCHING):
                touched.update(_objects(event))
        if page["next_before"] is None:
            return frozenset(touched)
        cursor = f"&before={page['next_before']}"


def _objects(event: dict[str, Any]) -> set[str]:
    found = {event["object"]}
    if event["action"] == "document.deleted":  # an upload takes nothing away from its collection
        found.add(event["details"]["collection"])
    if event["action"].startswith("group."):
        found.add("group:*")
    return found


async def _seen(door: Door, account: str, names: dict[str, str]) -> list[str]:
    seen = await door.call("GET", f"/api/access/view?user={account}")
    names.update({str(s["id"]): s["name"] for s in seen})
    return sorted(str(s["id"]) for s in seen if s["visible"])


async def _questions(
    door: Door, collections: Sequence[dict[str, Any]], plan: Plan, written: Sequence[Written]
) -> list[Golden]:
    return [*await written_questions(door, written), *await own_questions(door, collections, plan)]


async def _answered(door: Door, golden: Sequence[Golden], plan: Plan) -> list[Golden]:
    """The questions, each with whether it still leads to its document. Those with words are always answered."""
    asked = {id(g) for g in golden if g.words} | {id(g) for g in spread(golden, plan.answers)}
    done = []
    for question in golden:
        good = await found_among_first(door, question.ask, question.collection, question.document)
        if good and id(question) in asked:
            text, cited = await answer_to(door, question)
            good = cited if not question.words else all(word.lower() in text.lower() for word in question.words)
        done.append(msgspec.structs.replace(question, cited=good))
    return done
