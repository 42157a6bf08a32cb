"""What is worse than it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from appliance.proving.values import Proof

About = Literal["contract", "counts", "documents", "rights", "golden"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not fit, in a sentence for people."""

    about: About
    sentence: str


def compare(before: Proof, after: Proof, touched: frozenset[str]) -> list[Difference]:
    """What `after` has lost, or opened, against `before`. `touched`: objects that people changed in between.

    A promise that was broken before is no difference, a new one that is broken is.
    """
    return [
        *_contract(before, after),
        *_counts(before, after, touched),
        *_documents(before, after, touched),
        *_rights(before, after, touched),
        *_golden(before, after, touched),
    ]


def _contract(before: Proof, after: Proof) -> Iterator[Difference]:
    for promise, wrong in after.contract.items():
        if wrong and not before.contract.get(promise):
            yield Difference("contract", f"{promise}: {wrong}.")
    for promise in before.contract.keys() - after.contract.keys():
        if not before.contract[promise]:
            yield Difference("contract", f"{promise}: there is no model for it any more.")


def _counts(before: Proof, after: Proof, touched: frozenset[str]) -> Iterator[Difference]:
    kinds = {"accounts": ("user:", "service_account:"), "groups": ("group:",), "collections": ("collection:",)}
    for name, had in before.counts.items():
        has = after.counts.get(name, 0)
        if has < had and not any(key.startswith(kinds[name]) for key in touched):
            yield Difference("counts", f"There were {had} {name}, and there are {has}.")
    if after.audit_seq < before.audit_seq:
        yield Difference("counts", f"The audit had {before.audit_seq} events, and has {after.audit_seq}.")


def _documents(before: Proof, after: Proof, touched: frozenset[str]) -> Iterator[Difference]:
    for key, had in before.documents.items():
        has = after.documents.get(key, 0)
        if has < had and not _changed(touched, key):
            name = before.names.get(key, key)
            yield Difference("documents", f"'{name}' had {had} documents that can be found, and has {has}.")


def _rights(before: Proof, after: Proof, touched: frozenset[str]) -> Iterator[Difference]:
    for account, saw in before.rights.items():
        if f"user:{account}" in touched or f"service_account:{account}" in touched or "group:*" in touched:
            continue
        who = before.names.get(account, account)
        sees = after.rights.get(account)
        if sees is None:
            yield Difference("rights", f"{who} has no account any more.")
            continue
        for key in sorted(set(sees) ^ set(saw)):
            if _changed(touched, key):
                continue
            name = after.names.get(key) or before.names.get(key, key)
            verb = "sees" if key in sees else "does not see"
            other = "did not before" if key in sees else "did before"
            yield Difference("rights", f"{who} {verb} '{name}', and {other}.")


def _golden(before: Proof, after: Proof, touched: frozenset[str]) -> Iterator[Difference]:
    good_now = {(g.ask, g.document): g.cited for g in after.golden}
    for question in before.golden:
        if not question.cited or good_now.get((question.ask, question.document)):
            continue
        if not _changed(touched, question.collection) and f"document:{question.document}" not in touched:
            what = f", with the words {', '.join(question.words)}" if question.words else ""
            yield Difference("golden", f"'{question.ask}' led to '{question.name}'{what}, and does not any more.")


def _changed(touched: frozenset[str], collection: str) -> bool:
    return f"collection:{collection}" in touched or f"vector_store:{collection}" in touched
