"""Bounds of one turn. Everything is bounded: a request that runs to the context limit holds an engine for minutes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    passages: int = 8
    """Passages read for one answer."""
    candidates: int = 24
    """Sentences compared with the question by the embedding model."""
    quotes: int = 2
    """Most quotations in an answer of a small model."""
    quote_characters: int = 420
    """Longest quotation; it always ends with a whole sentence."""
    small_model_billion: float = 3.0
    """Models below this many parameters answer with quotations, checked against them."""
    small_answer_tokens: int = 64
    """Most tokens that a small model may write."""
    answer_tokens: int = 1024
    """Most tokens that any model may write."""
    turn_s: float = 120.0
    """Longest time for a turn; then it ends with what it has."""
    context_characters: int = 8000
    """Most text from documents in a prompt."""
    support_least: float = 0.34
    """Least support of the best sentence (see `evidence.py`) for an answer; below it the documents do not say."""
