"""A firm of tenants whose every document holds a canary, and who may see which: the model that answers are judged by.

A document says common things, so that everybody's questions are near to it; a handle, which is asked for; and a
canary, which nobody ever sends. A canary in an answer has therefore been read from the document, never from the
question.
"""

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

CANARY = re.compile(r"CNRY-c(\d+)-[0-9a-f]{12}")
SUBJECTS = ("budget", "travel", "security", "hiring", "pension", "contract", "supplier", "audit", "holiday", "salary")


@dataclass
class Shelf:
    """A collection, as the model knows it."""

    number: int
    owner: int
    groups: set[int] = field(default_factory=set)
    people: set[int] = field(default_factory=set)
    everyone: bool = False
    id: str = ""

    def readers(self, person_ids: list[str], group_ids: list[str]) -> list[dict[str, str]]:
        """As the interface takes them."""
        found = [{"kind": "everyone"}] if self.everyone else []
        found += [{"kind": "group", "id": group_ids[g]} for g in sorted(self.groups)]
        return found + [{"kind": "user", "id": person_ids[p]} for p in sorted(self.people)]


@dataclass
class Text:
    """A document of a collection."""

    shelf: int
    handle: str
    canary: str

    def content(self, chance: random.Random) -> bytes:
        subject = chance.choice(SUBJECTS)
        said = f"The {subject} rule {self.handle} holds for this year. Its code is {self.canary}. "
        return (said + f"Everybody asks about the {subject} and the {chance.choice(SUBJECTS)}. " * 4).encode()


class Firm:
    """Tenants, their groups, people and collections; all of it follows from the seed."""

    def __init__(self, seed: int, *, tenants: int = 3, people: int = 150, shelves: int = 60, texts: int = 4) -> None:
        self.chance = random.Random(f"firm {seed}")
        self.groups = tenants * 8
        self.members: list[set[int]] = [set() for _ in range(self.groups)]
        self.people = people
        for person in range(people):
            tenant = person % tenants
            for group in {tenant * 8, *(tenant * 8 + self.chance.randrange(1, 8) for _ in range(2))}:
                self.members[group].add(person)
        self.shelves = [self._shelf(number, tenants) for number in range(shelves)]
        self.texts = [self._text(shelf) for shelf in range(shelves) for _ in range(texts)]

    def sees(self, person: int) -> frozenset[int]:
        """Numbers of the collections that a person may read."""
        mine = {g for g in range(self.groups) if person in self.members[g]}
        return frozenset(
            s.number
            for s in self.shelves
            if s.everyone or s.owner == person or person in s.people or not mine.isdisjoint(s.groups)
        )

    def _shelf(self, number: int, tenants: int) -> Shelf:
        owner = self.chance.randrange(self.people)
        shelf = Shelf(number, owner)
        self.share_anew(shelf, tenant=owner % tenants)
        return shelf

    def share_anew(self, shelf: Shelf, *, tenant: int | None = None) -> None:
        """Other readers: seldom everybody, now and then a whole tenant, mostly a group or two, or single people."""
        at = self.chance.randrange(self.groups // 8) if tenant is None else tenant
        draw = self.chance.random()
        shelf.everyone, shelf.groups, shelf.people = draw < 0.03, set(), set()
        if draw < 0.15:
            shelf.groups = {at * 8}
        elif draw < 0.65:
            shelf.groups = {at * 8 + self.chance.randrange(1, 8) for _ in range(self.chance.choice((1, 2)))}
        elif draw < 0.85:
            shelf.people = {self.chance.randrange(self.people) for _ in range(3)}

    def _text(self, shelf: int) -> Text:
        return Text(
            shelf, f"handle{self.chance.getrandbits(40):010x}", f"CNRY-c{shelf}-{self.chance.getrandbits(48):012x}"
        )


@dataclass(frozen=True)
class State:
    """What everybody may see, from when a change was sent until the next one was acknowledged."""

    since: float
    until: float
    sees: tuple[frozenset[int], ...]


class Rights:
    """The states of the firm over time."""

    def __init__(self, firm: Firm) -> None:
        self._firm = firm
        self._states = [State(time.monotonic(), float("inf"), self._now())]

    def changes(self) -> None:
        """The firm is another; the product is told next. Until `changed`, what was before counts as well."""
        self._states.append(State(time.monotonic(), float("inf"), self._now()))

    def changed(self) -> None:
        """The product acknowledged it."""
        before = self._states[-2]
        self._states[-2] = State(before.since, time.monotonic(), before.sees)

    def lag_s(self, person: int, shelf: int, asked: float, answered: float) -> float | None:
        """Seconds for which a collection had been out of reach when the question came; None: it never was in reach.

        0 when the person might see it at some moment of the request.
        """
        best: float | None = None
        for state in reversed(self._states):
            if state.since > answered or shelf not in state.sees[person]:
                continue
            late = max(0.0, asked - state.until)
            best = late if best is None else min(best, late)
        return best

    def steady(self, person: int, asked: float, answered: float) -> frozenset[int]:
        """What the person might see all the time of the request, and five seconds before it."""
        found: frozenset[int] | None = None
        for state in self._during(asked - 5.0, answered):
            found = state.sees[person] if found is None else found & state.sees[person]
        return found or frozenset()

    def lost(self) -> Iterator[tuple[int, int]]:
        """(person, collection) that the changes took away, each time that they did."""
        for before, after in pairwise(self._states):
            for person, (had, has) in enumerate(zip(before.sees, after.sees, strict=True)):
                yield from ((person, shelf) for shelf in had - has)

    def _during(self, first: float, last: float) -> Iterator[State]:
        return (s for s in self._states if s.since <= last and s.until >= first)

    def _now(self) -> tuple[frozenset[int], ...]:
        return tuple(self._firm.sees(person) for person in range(self._firm.people))


def shelves_in(text: str) -> set[int]:
    """Numbers of the collections whose canaries are in a text."""
    return {int(number) for number in CANARY.findall(text)}
