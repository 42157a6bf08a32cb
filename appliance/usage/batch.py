"""What was used since the last time that it was written into the database."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from appliance.usage.records import Reserved, Settled
from appliance.usage.told import Alike, Call, alike_of

LedgerKey = tuple[date, bytes, bytes, str, str, str]
"""Day, user, key, model, endpoint, lane."""
SpentKey = tuple[str, date]


@dataclass(slots=True)
class Batch:
    """Sums, each as a list that grows in place."""

    ledger: dict[LedgerKey, list[int]] = field(default_factory=dict)
    """requests, failed, unsettled, prompt tokens, completion tokens, milliseconds"""
    spent: dict[SpentKey, list[int]] = field(default_factory=dict)
    """requests, prompt tokens, completion tokens, milliseconds"""
    calls: dict[Alike, list[Call]] = field(default_factory=dict)
    """For the audit."""
    through: int = 0
    """Last sequence of the journal that is in it; set when it is complete."""

    def add(self, reserved: Reserved, settled: Settled, subjects: tuple[str, ...]) -> None:
        """Count one request; `subjects` are those whose budgets it is charged to."""
        counts = counted(settled)
        key = (
            reserved.day,
            reserved.user,
            reserved.key,
            reserved.model_id,
            reserved.endpoint,
            reserved.lane,
        )
        prompt, completion, milliseconds = settled.prompt_tokens, settled.completion_tokens, settled.milliseconds
        row = self.ledger.get(key)
        if row is None:
            row = self.ledger[key] = [0, 0, 0, 0, 0, 0]
        row[0] += counts
        row[1] += 1 - counts
        row[2] += settled.outcome == "unsettled"
        row[3] += prompt
        row[4] += completion
        row[5] += milliseconds
        self.calls.setdefault(alike_of(reserved, settled), []).append(
            Call(reserved.request_id, prompt, completion, milliseconds)
        )
        for who in subjects:
            spent = self.spent.get((who, reserved.day))
            if spent is None:
                spent = self.spent[(who, reserved.day)] = [0, 0, 0, 0]
            spent[0] += counts
            spent[1] += prompt
            spent[2] += completion
            spent[3] += milliseconds

    def spent_by(self, who: str, first_day: date) -> tuple[int, int, int]:
        """Requests, tokens and milliseconds of a subject since a day."""
        rows = [row for (name, day), row in self.spent.items() if name == who and day >= first_day]
        return sum(r[0] for r in rows), sum(r[1] + r[2] for r in rows), sum(r[3] for r in rows)


def counted(settled: Settled) -> int:
    """1 for a request that counts; 0 for one that failed before it gave anything."""
    return 0 if settled.outcome == "failed" and not settled.completion_tokens else 1


def subjects_of(reserved: Reserved) -> tuple[str, ...]:
    """Whose budgets a request is charged to, as `plan.py` has it."""
    named = [f"user:{UUID(bytes=reserved.user)}"]
    if any(reserved.key):
        named.append(f"key:{UUID(bytes=reserved.key)}")
    return (*named, *(f"group:{UUID(bytes=group)}" for group in reserved.groups))
