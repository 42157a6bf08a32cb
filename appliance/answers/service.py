"""One turn, from question to cited answer."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from time import monotonic
from uuid import UUID

import structlog

from appliance.answers.citations import cite, from_marks
from appliance.answers.events import (
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Citation,
    PassagesFound,
    StageChanged,
    TokenDelta,
)
from appliance.answers.evidence import Evidence, EvidenceFinder, quotation
from appliance.answers.language import language_of
from appliance.answers.phrases import phrase
from appliance.answers.prompt import fit_passages, large_prompt, plain_prompt, small_prompt
from appliance.answers.settings import AnswerSettings
from appliance.answers.support import SupportCheck
from appliance.answers.turn import Turn, TurnCost
from appliance.foundation import ApplianceError, CapacityError
from appliance.identity import AccessScope
from appliance.inference import ChatEngine, ChatMessage, ChatRequest, Embedder, ModelFacts, Usage
from appliance.library import Passage
from appliance.metrics import Meters
from appliance.retrieval import Found, Retrieval

log = structlog.get_logger(__name__)

SUPPORTED_SHARE = 0.75
"""A small model's sentence is shown only when this share of its content words stands in what it was shown."""

SECOND_QUOTE = 0.85
"""A second quotation is shown when its support is at least this share of the first one's."""

FRAME_TOKENS = 300
"""What our own words in a prompt take, generously."""

BYTES_PER_TOKEN = 3
"""English has about four, Japanese three."""

NOT_IN_SOURCES = "NOT IN SOURCES"


class Answers:
    """scope → passages → prompt within the model's window → events. One path for every door."""

    def __init__(
        self,
        retrieval: Retrieval,
        engine: ChatEngine,
        embedder: Embedder,
        settings: AnswerSettings | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._retrieval = retrieval
        self._engine = engine
        self._settings = settings or AnswerSettings()
        self._meters = meters or Meters()
        self._evidence = EvidenceFinder(embedder, candidates=self._settings.candidates)
        self._support = SupportCheck()

    def most(self, turn: Turn) -> TurnCost:
        """What a turn may cost, before anything is done about it. Raises ModelUnknown."""
        facts = self._engine.facts(turn.assistant.model_id)
        quoting = turn.assistant.kind == "documents" and self._is_small(facts)
        shown = self._settings.context_characters if turn.assistant.kind == "documents" else 0
        said = [turn.question, turn.assistant.instructions]
        if quoting:
            shown = self._settings.quotes * self._settings.quote_characters
        else:
            said += [text for h in turn.history for text in (h.question, h.answer)]
        prompt = FRAME_TOKENS + (shown + sum(len(text.encode()) for text in said)) // BYTES_PER_TOKEN
        completion = self._settings.small_answer_tokens if quoting else self._answer_tokens(facts)
        return TurnCost(min(prompt, facts.context_tokens), completion)

    async def answer(self, scope: AccessScope, turn: Turn) -> AsyncGenerator[AnswerEvent]:
        """Answer one question.

        The last event is `AnswerFinished` or `AnswerFailed`; errors of ours never leave the iterator. Closing it closes
        the engine's stream, which aborts the request there.
        """
        began, outcome = monotonic(), "cancelled"
        call = self._meters.calls.begin(turn.assistant.model_id, "assistant", _groups(scope))
        used = (0, 0)
        try:
            async with aclosing(self._events(scope, turn)) as events:
                async for event in events:
                    if isinstance(event, TokenDelta):
                        call.came()
                    elif isinstance(event, AnswerFailed):
                        outcome = "failed"
                    elif isinstance(event, AnswerFinished):
                        outcome, used = "done", (event.prompt_tokens, event.completion_tokens)
                    yield event
        finally:
            call.ended(*used, outcome)
            self._meters.turns.ended(turn.assistant.id, outcome, began)

    async def _events(self, scope: AccessScope, turn: Turn) -> AsyncGenerator[AnswerEvent]:
        """The turn within its time, its errors as events."""
        try:
            async with asyncio.timeout(self._settings.turn_s):
                source = self._from_documents(scope, turn) if turn.assistant.kind == "documents" else self._plain(turn)
                async with aclosing(source) as events:
                    async for event in events:
                        yield event
        except TimeoutError:
            yield AnswerFailed("timeout", "The answer took too long and was stopped. Ask for less at once.")
        except ApplianceError as error:
            log.warning("turn failed", code=error.code)
            wait = error.retry_after_s if isinstance(error, CapacityError) else None
            yield AnswerFailed(error.code, error.sentence(), wait)

    async def _from_documents(self, scope: AccessScope, turn: Turn) -> AsyncGenerator[AnswerEvent]:
        language = language_of(turn.question)
        query = _search_text(turn)
        yield StageChanged("searching", turn.question[:80])
        found = await self._retrieval.search(
            scope, query, collection_ids=turn.collection_ids, limit=self._settings.passages
        )
        names = tuple(c.name for c in found.searched)
        yield PassagesFound(len(found.passages), names)
        facts = self._engine.facts(turn.assistant.model_id)
        evidence = await self._read(query, found)
        if not evidence or evidence[0].support < self._settings.support_least:
            yield self._declined(language, names)
            return
        yield StageChanged("reading", phrase(language, "reading", count=len(found.passages)))
        quoting = self._is_small(facts)
        path = self._quoting(turn, language, names, facts, evidence) if quoting else self._writing(turn, names, found)
        async with aclosing(path) as events:
            async for event in events:
                yield event

    async def _read(self, question: str, found: Found) -> list[Evidence]:
        if not found.passages:
            return []
        return await self._evidence.find(question, [p.passage for p in found.passages], found.searched[0].profile)

    def _declined(self, language: str, names: tuple[str, ...]) -> AnswerFinished:
        text = (
            phrase(language, "not_found", collections=", ".join(names))
            if names
            else phrase(language, "nothing_readable")
        )
        return AnswerFinished(text, (), "not_in_documents", "stop", 0, 0, names)

    async def _quoting(
        self, turn: Turn, language: str, names: tuple[str, ...], facts: ModelFacts, evidence: Sequence[Evidence]
    ) -> AsyncGenerator[AnswerEvent]:
        """For small models: the words of the document carry the answer; the model's own sentence only if they do."""
        quotes = self._quotes(evidence)
        citations = tuple(cite(n, e.passage, text) for n, (e, text) in enumerate(quotes, start=1))
        yield StageChanged("writing", phrase(language, "writing"))
        written, usage = "", Usage()
        if not facts.languages or language in facts.languages:
            written, usage = await self._short_answer(turn, [text for _, text in quotes])
        lead = f"{written} [1]" if written else phrase(language, "says", document=citations[0].document_name)
        text = "\n\n".join([lead, *(f"{_as_quote(c.quote)} [{c.number}]" for c in citations)])
        yield TokenDelta(text)
        yield AnswerFinished(text, citations, "grounded", "stop", usage.prompt_tokens, usage.completion_tokens, names)

    def _quotes(self, evidence: Sequence[Evidence]) -> list[tuple[Evidence, str]]:
        """The best sentence with its neighbours, and others that come near it; no sentence twice."""
        chosen: list[tuple[Evidence, str]] = []
        taken: dict[UUID, set[int]] = {}
        for e in evidence:
            if chosen and e.support < SECOND_QUOTE * chosen[0][0].support:
                break
            quoted = taken.setdefault(e.passage.id, set())
            if e.at in quoted or any(e.text in other for _, other in chosen):
                continue
            text, numbers = quotation(e, characters=self._settings.quote_characters, taken=quoted)
            quoted.update(numbers)
            chosen.append((e, text))
            if len(chosen) == self._settings.quotes:
                break
        return chosen

    async def _short_answer(self, turn: Turn, quotes: Sequence[str]) -> tuple[str, Usage]:
        """One sentence of the model, or nothing when the quotations do not support it."""
        request = ChatRequest(
            model_id=turn.assistant.model_id,
            messages=small_prompt(turn.question, quotes),
            max_tokens=_at_most(self._settings.small_answer_tokens, turn.most_tokens),
            stop=("\n",),
            repetition_penalty=1.1,
        )
        written, usage = await self._generate(request)
        written = written.strip().strip('"')
        shown = " ".join(quotes)
        if self._support.share(written, f"{shown} {turn.question}") < SUPPORTED_SHARE:
            return "", usage
        if self._support.share(written, shown) == 0.0 or written.endswith("?"):
            return "", usage
        return written, usage

    async def _generate(self, request: ChatRequest) -> tuple[str, Usage]:
        text, usage = "", Usage()
        async with aclosing(self._engine.stream(request)) as deltas:
            async for delta in deltas:
                text += delta.text
                usage = delta.usage or usage
        return text, usage

    async def _writing(self, turn: Turn, names: tuple[str, ...], found: Found) -> AsyncGenerator[AnswerEvent]:
        """For models that read well: numbered sources, marks in the text, each mark checked."""
        sources = fit_passages([p.passage for p in found.passages], self._settings.context_characters)
        messages = await self._fit(turn, sources)
        yield StageChanged("writing", phrase(language_of(turn.question), "writing"))
        text, usage, finish = "", Usage(), "stop"
        async with aclosing(self._engine.stream(self._request(turn, messages))) as deltas:
            async for delta in deltas:
                text += delta.text
                usage, finish = delta.usage or usage, delta.finish_reason or finish
                if delta.text:
                    yield TokenDelta(delta.text)
        if NOT_IN_SOURCES in text:
            yield self._declined(language_of(turn.question), names)
            return
        text, citations = from_marks(text, sources)
        yield AnswerFinished(
            text,
            citations,
            "grounded" if citations else "unsupported",
            finish,
            usage.prompt_tokens,
            usage.completion_tokens,
            names,
        )

    async def _fit(self, turn: Turn, sources: list[Passage]) -> tuple[ChatMessage, ...]:
        """Drop history, then the last passages, until prompt and answer fit the model's window."""
        window = self._engine.facts(turn.assistant.model_id).context_tokens - self._settings.answer_tokens
        history = list(turn.history)
        while True:
            messages = large_prompt(turn.question, sources, history, turn.assistant.instructions)
            if await self._engine.count_tokens(turn.assistant.model_id, messages) <= window:
                return messages
            if history:
                history.pop(0)
            elif len(sources) > 1:
                sources.pop()
            else:
                return messages

    async def _plain(self, turn: Turn) -> AsyncGenerator[AnswerEvent]:
        yield StageChanged("writing", phrase(language_of(turn.question), "writing"))
        messages = plain_prompt(turn.question, turn.history, turn.assistant.instructions)
        text, usage, finish = "", Usage(), "stop"
        async with aclosing(self._engine.stream(self._request(turn, messages))) as deltas:
            async for delta in deltas:
                text += delta.text
                usage, finish = delta.usage or usage, delta.finish_reason or finish
                if delta.text:
                    yield TokenDelta(delta.text)
        no_citations: tuple[Citation, ...] = ()
        yield AnswerFinished(text, no_citations, "no_search", finish, usage.prompt_tokens, usage.completion_tokens)

    def _request(self, turn: Turn, messages: tuple[ChatMessage, ...]) -> ChatRequest:
        facts = self._engine.facts(turn.assistant.model_id)
        return ChatRequest(
            model_id=turn.assistant.model_id,
            messages=messages,
            max_tokens=_at_most(self._answer_tokens(facts), turn.most_tokens),
            repetition_penalty=1.1 if self._is_small(facts) else 1.0,
        )

    def _answer_tokens(self, facts: ModelFacts) -> int:
        return min(self._settings.answer_tokens, facts.context_tokens // 4)

    def _is_small(self, facts: ModelFacts) -> bool:
        return facts.parameters_billion < self._settings.small_model_billion


def _at_most(tokens: int, most: int | None) -> int:
    return tokens if most is None else min(tokens, max(1, most))


def _search_text(turn: Turn) -> str:
    """A follow-up is searched together with the question before it: cheaper than another call of a model."""
    short = len(turn.question) < 40 and bool(turn.history)
    return f"{turn.history[-1].question} {turn.question}" if short else turn.question


def _as_quote(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines() if line.strip())


def _groups(scope: AccessScope) -> frozenset[UUID]:
    return frozenset(UUID(name.removeprefix("group:")) for name in scope.principals if name.startswith("group:"))
