"""Whether an appliance still does what it did: seen before a change, and again after it.

    record: door ─► contract, counts, rights, golden questions ─► Proof ─► file
    replay: door ─► the same, asked for what the file holds    ─► compare ─► differences, each one plain sentence

An upgrade, a restored backup and a drill are kept only when nothing is lost. What people changed in between is no
difference: the audit says which objects were touched since, and those are left out of the comparison. Everything goes
over HTTP, as the users of the appliance come in: what is proven is what they meet.
"""

from appliance.proving.compare import Difference, compare
from appliance.proving.door import Door
from appliance.proving.questions import QuestionsInvalid, read_questions
from appliance.proving.service import observe, touched_since
from appliance.proving.values import Golden, Plan, Proof, ProofUnusable, read_proof, write_proof

__all__ = [
    "Difference",
    "Door",
    "Golden",
    "Plan",
    "Proof",
    "ProofUnusable",
    "QuestionsInvalid",
    "compare",
    "observe",
    "read_proof",
    "read_questions",
    "touched_since",
    "write_proof",
]
