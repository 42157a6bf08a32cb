"""What a turn is made of."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Assistant:
    """One scenario: a model, how it is told to behave, and whether it answers from documents."""

    id: str
    """Also a model id of the OpenAI-compatible door."""
    name: str
    description: str
    model_id: str
    kind: Literal["documents", "chat"]
    instructions: str = ""
    starters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryTurn:
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to an assistant."""

    question: str
    assistant: Assistant
    history: tuple[HistoryTurn, ...] = ()
    """Earlier turns of the conversation, oldest first."""
    collection_ids: tuple[UUID, ...] | None = None
    """Search only these; None searches all that the caller may read."""
    most_tokens: int | None = None
    """Fewer than the model may write, when the caller's budget has no more."""


@dataclass(frozen=True, slots=True)
class TurnCost:
    """Bounds of what a turn uses of its model."""

    prompt_tokens: int
    """An estimate that is rather too high."""
    completion_tokens: int
