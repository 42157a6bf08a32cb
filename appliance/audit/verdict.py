"""What checkpoints say of a chain that may be whole in itself."""

from typing import TYPE_CHECKING

from appliance.audit.findings import Findings
from appliance.audit.witness import Witness

if TYPE_CHECKING:
    from appliance.audit.verify import Seen


def judge(seen: "Seen", witness: Witness, findings: Findings) -> None:
    """Add what the checkpoints do not confirm."""
    _beginning(seen, witness, findings)
    newest = witness.newest()
    if newest is None or not seen.events:
        return
    accepted = witness.accepted[-1].seq if witness.accepted else 0
    back = [seq for seq in seen.went_back if seq > accepted]
    if seen.chain and seen.chain != witness.chain:
        sentence = "This is the database of another appliance: its chain is not the one that the checkpoints name."
        findings.add("other_database", sentence, seen.first_seq, seen.last_seq)
    elif back:
        _went_back(back[0], seen, findings)
    elif seen.differing:
        _differs(seen, witness, findings)
    elif newest.seq > seen.last_seq:
        sentence = (
            f"The events after {seen.last_seq} are missing at the end: the checkpoint of {newest.time} saw "
            f"{newest.seq}. They were deleted, or an old backup was put back."
        )
        findings.add("missing_tail", sentence, seen.last_seq + 1, newest.seq)


def _beginning(seen: "Seen", witness: Witness, findings: Findings) -> None:
    if seen.first_seq == 1 and not any(seen.first_prev):
        return
    if not seen.events:
        if witness.lines:
            findings.add("missing_tail", "The database holds no event at all, but checkpoints saw some.", 1)
        return
    cut = witness.cut_through()
    if cut is not None and cut.seq == seen.first_seq - 1 and bytes.fromhex(cut.hash) == seen.first_prev:
        return
    sentence = f"The events before {seen.first_seq} are missing, and no signed cut allows it."
    findings.add("missing_beginning", sentence, 1, max(1, seen.first_seq - 1))


def _differs(seen: "Seen", witness: Witness, findings: Findings) -> None:
    """The chain fits itself, but not what was signed: tell why."""
    signed = min(seen.differing.values(), key=lambda line: line.seq)
    honest = witness.honest()
    kept = max((line.seq for line in honest if line.seq in seen.matching and line.seq < signed.seq), default=0)
    newest = max((line.time for line in honest), default="")
    if seen.at.get(kept, "") > newest:  # what follows was written after all that was signed
        _went_back(kept + 1, seen, findings)
        return
    whole = "all of it" if not kept else f"from an event after {kept} on"
    sentence = (
        f"The chain was written anew, {whole}: it fits itself, but event {signed.seq} is not the one that the "
        f"checkpoint of {signed.time} signed."
    )
    findings.add("rewritten", sentence, kept + 1, seen.last_seq)


def _went_back(first_seq: int, seen: "Seen", findings: Findings) -> None:
    sentence = (
        f"The database went back, and went on with event {first_seq}, though later ones had been signed: an old "
        "backup was put back, or the end was deleted."
    )
    findings.add("went_back", sentence, first_seq, seen.last_seq)
