"""What the client knows for certain: which steps it sent, which were acknowledged, what it has seen."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.campaigns.papers import Removal, Step, Version

BUSY = ("queued", "processing")


@dataclass
class Story:
    """One path's life so far."""

    steps: list[Step]
    sent: int = -1
    """Last step that may have reached the server."""
    acknowledged: int = -1
    seen: int = -1
    """Newest step whose text a search has given."""
    document_id: str = ""

    @property
    def gone_after(self) -> int:
        """Versions up to this step must not be found: a removal behind them was acknowledged."""
        done = [s.step for s in self.steps[: self.acknowledged + 1] if isinstance(s, Removal)]
        return max(done, default=-1)

    @property
    def last(self) -> Step:
        return self.steps[-1]


@dataclass
class Promises:
    stories: dict[str, Story]
    total: int
    states: dict[str, str] = field(default_factory=dict)
    """Of documents, as the server told them last."""
    acknowledged: int = 0
    in_flight: int = 0
    """Calls that change something and have no answer yet."""
    broken: list[str] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _by_word: dict[str, Version] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for story in self.stories.values():
            for step in story.steps:
                if isinstance(step, Version):
                    self._by_word |= dict.fromkeys(step.words, step)

    @property
    def busy(self) -> int:
        return sum(state in BUSY for state in self.states.values())

    @property
    def progress(self) -> float:
        """Share of the work that is acknowledged and ended."""
        return (self.acknowledged - self.busy) / self.total

    @property
    def is_finished(self) -> bool:
        return self.acknowledged == self.total and not self.busy

    def version_of(self, word: str) -> Version | None:
        return self._by_word.get(word)

    def accuse(self, sentence: str) -> None:
        """Note a broken promise; the campaign goes on, to show all of them."""
        self.broken.append(sentence)

    async def note(self, change: Callable[[], object]) -> None:
        """Change something and wake whoever waits."""
        async with self._changed:
            change()
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)
