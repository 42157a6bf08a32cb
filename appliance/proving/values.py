"""What is seen of an appliance at one moment, and the file that keeps it."""

import os
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.foundation import ApplianceError

FORMAT = 1


class ProofUnusable(ApplianceError):
    """The file of a proof cannot be read or written."""

    code = "proof_unusable"


class Golden(Struct, frozen=True):
    """A question whose right answer is known."""

    ask: str
    collection: str
    """Id of the collection that is asked."""
    document: str
    """Id of the document that must be among the first passages."""
    name: str
    """The document's name, for sentences."""
    words: tuple[str, ...] = ()
    """An answer must hold these. Empty: only the passage is looked for."""
    cited: bool = False
    """Whether the answer rested on the document when this was seen."""


class Plan(Struct, frozen=True):
    """How much is looked at. A sample is spread evenly over all ids in order, so that it is the same twice."""

    accounts: int = 200
    collections: int = 50
    documents: int = 4
    """Of each collection."""
    answers: int = 3
    """Golden questions that are answered by a model, not only searched for."""


class Proof(Struct, frozen=True):
    """One observation."""

    taken_at: datetime
    format: int = FORMAT
    audit_seq: int = 0
    """Last event of the audit."""
    contract: dict[str, str] = {}
    """Promise → what is wrong with it; empty when it holds."""
    counts: dict[str, int] = {}
    documents: dict[str, int] = {}
    """Collection → documents that can be found."""
    names: dict[str, str] = {}
    """Ids of accounts and collections → how people call them."""
    rights: dict[str, list[str]] = {}
    """Account → ids of the collections that it sees."""
    golden: list[Golden] = []
    plan: Plan = Plan()


def read_proof(file: Path) -> Proof:
    """Raises ProofUnusable."""
    try:
        proof = msgspec.json.decode(file.read_bytes(), type=Proof)
    except (OSError, msgspec.DecodeError) as error:
        raise ProofUnusable(
            f"{file} is no proof that can be read: {error}.", remedy="Make one with 'appliance prove record --to FILE'."
        ) from error
    if proof.format != FORMAT:
        raise ProofUnusable(
            f"{file} was written in form {proof.format}, and this release reads form {FORMAT}.",
            remedy="Record and replay with releases that follow each other.",
        )
    return proof


def write_proof(proof: Proof, file: Path) -> None:
    """As a whole or not at all, and for its owner only: it holds names. Raises ProofUnusable."""
    draft = file.with_name(f".{file.name}.draft")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(proof), indent=1))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError as error:
        raise ProofUnusable(f"{file} cannot be written: {error}.", remedy="Name another file.") from error
