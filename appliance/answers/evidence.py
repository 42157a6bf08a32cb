"""Which sentences of the passages answer the question, and how sure that is.

A small model reads badly but writes briefly; so the reading is done here. For every sentence of the found passages:

    support = W_LEX · coverage + W_DENSE · closeness + W_RANK · 1 / (1 + rank)

- coverage: share of the question's terms that the sentence has, weighted by how rare a term is among the sentences
  (idf = ln(1 + N / n)); terms of the sentence's own passage count half, since the subject is often named once, above.
- closeness: cosine of question and sentence by the collection's embedding model, stretched from the narrow band that
  such models use (0.75 to 0.92 for e5) to 0…1.
- rank: place of the passage in the search.

Only the `candidates` best by the two cheap parts are embedded, in one bounded call.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from appliance.answers.sentences import Sentence, is_headline, split_sentences
from appliance.index import Tokenizer
from appliance.inference import Embedder, EmbeddingProfile
from appliance.library import Passage

W_LEX, W_DENSE, W_RANK = 0.45, 0.40, 0.15
BAND = (0.75, 0.92)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that may answer the question."""

    passage: Passage
    sentences: tuple[Sentence, ...]
    """All sentences of the passage."""
    at: int
    """Which of them."""
    rank: int
    coverage: float
    closeness: float

    @property
    def text(self) -> str:
        return self.sentences[self.at].text

    @property
    def support(self) -> float:
        return W_LEX * self.coverage + W_DENSE * self.closeness + W_RANK / (1 + self.rank)


class EvidenceFinder:
    """Compares sentences with a question."""

    def __init__(self, embedder: Embedder, *, candidates: int) -> None:
        self._embedder = embedder
        self._candidates = candidates
        self._tokenizer = Tokenizer()

    async def find(self, question: str, passages: Sequence[Passage], profile: EmbeddingProfile) -> list[Evidence]:
        """Best first; empty when there are no passages. Raises EngineUnavailable."""
        rough = self._by_words(question, passages)[: self._candidates]
        if not rough:
            return []
        wanted = await self._embedder.embed_query(profile, question)
        vectors = await self._embedder.embed_passages(profile, [e.text for e in rough], lane="interactive")
        found = [
            Evidence(e.passage, e.sentences, e.at, e.rank, e.coverage, _stretch(_dot(wanted, vector)))
            for e, vector in zip(rough, vectors, strict=True)
        ]
        return sorted(found, key=lambda e: e.support, reverse=True)

    def _by_words(self, question: str, passages: Sequence[Passage]) -> list[Evidence]:
        asked = set(self._tokenizer.terms(question))
        split = [split_sentences(p.text) for p in passages]
        terms = [[set(self._tokenizer.terms(s.text)) for s in sentences] for sentences in split]
        counts = Counter(term for sentences in terms for sentence in sentences for term in sentence & asked)
        total = sum(len(sentences) for sentences in terms)
        weight = {term: math.log(1 + total / (1 + counts[term])) for term in asked}
        whole = sum(weight.values()) or 1.0
        found = []
        for rank, (passage, sentences) in enumerate(zip(passages, split, strict=True)):
            around = set().union(*terms[rank]) | set(self._tokenizer.terms(_place(passage)))
            for at, own in enumerate(terms[rank]):
                near = asked & around - own
                covered = sum(weight[t] for t in asked & own) + 0.5 * sum(weight[t] for t in near)
                found.append(Evidence(passage, tuple(sentences), at, rank, covered / whole, 0.0))
        return sorted(found, key=lambda e: e.support, reverse=True)


def quotation(evidence: Evidence, *, characters: int, taken: Collection[int] = ()) -> tuple[str, range]:
    """The sentence with its neighbours as far as they fit, verbatim from the passage.

    A neighbour often holds the subject or the second half of a fact; the one before comes first, unless it is a
    headline, then the one after.

    Args:
        evidence: The sentence.
        characters: Longest quotation.
        taken: Sentences of the same passage that are quoted already, by number; they are not quoted again.

    Returns:
        The text, and the numbers of its sentences.
    """
    sentences, first, last = evidence.sentences, evidence.at, evidence.at
    text = evidence.passage.text

    def fits(a: int, b: int) -> bool:
        return not {a, b} & set(taken) and sentences[b].end - sentences[a].start <= characters

    if sentences[last].end - sentences[first].start > characters:
        return _cut(sentences[first].text, characters), range(first, last + 1)
    if first > 0 and not is_headline(sentences[first - 1].text) and fits(first - 1, last):
        first -= 1
    if last + 1 < len(sentences) and fits(first, last + 1):
        last += 1
    return text[sentences[first].start : sentences[last].end], range(first, last + 1)


def _cut(text: str, characters: int) -> str:
    """A sentence that is too long to quote whole ends at a word."""
    head = text[:characters]
    space = head.rfind(" ")
    return head[:space] if space > characters // 2 else head


def _place(passage: Passage) -> str:
    return " ".join((passage.document_name, *passage.heading_path))


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _stretch(cosine: float) -> float:
    low, high = BAND
    return min(1.0, max(0.0, (cosine - low) / (high - low)))
