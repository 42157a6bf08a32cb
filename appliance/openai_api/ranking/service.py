"""Judging texts by a reranker, or by the angle between the vectors of a model that makes embeddings."""

from collections.abc import Callable

import msgspec
from msgspec import UNSET, UnsetType

from appliance.foundation import Lane
from appliance.identity import Principal
from appliance.openai_api.calls import EngineCall, EngineCalls, Opened
from appliance.openai_api.errors import InvalidBody, MissingParameter, invalid_body
from appliance.openai_api.ranking.wire import (
    Document,
    EngineRerank,
    EngineScore,
    RerankReply,
    RerankRequest,
    ScoreReply,
    ScoreRequest,
)
from appliance.openai_api.served import ServedModels
from appliance.openai_api.shaped import Shaped

TASKS = ("rerank", "embed")


class Ranking:
    """Rebuilds requests from the allowlist, and replies to the shape that clients know."""

    def __init__(self, served: ServedModels, calls: EngineCalls) -> None:
        self._served = served
        self._calls = calls
        self._rerank = msgspec.json.Decoder(RerankRequest)
        self._score = msgspec.json.Decoder(ScoreRequest)

    async def begin_rerank(self, principal: Principal, body: bytes) -> Opened:
        """`/v1/rerank`. Raises as `ChatCompletions.open` does."""
        try:
            request = self._rerank.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error) from error
        documents = [d.text if isinstance(d, Document) else d for d in request.documents]
        asked = EngineRerank(
            request.model, request.query, documents, request.top_n or 0, request.max_tokens_per_doc or 0
        )
        bare = request.return_documents is False
        texts = [request.query] * len(documents) + documents
        return await self._open(principal, "rerank", asked, texts, lambda raw: _reranked(raw, documents, bare=bare))

    async def begin_score(self, principal: Principal, body: bytes) -> Opened:
        """`/v1/score`. Raises as `ChatCompletions.open` does."""
        try:
            request = self._score.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error) from error
        left = _texts(request.text_1, request.queries, "text_1")
        right = _texts(request.text_2, request.documents, "text_2")
        if len(left) not in (1, len(right)):
            raise InvalidBody("'text_1' is one text, or as many as 'text_2'.", param="text_1")
        return await self._open(principal, "score", EngineScore(request.model, left, right), left + right, _scored)

    async def _open(
        self,
        principal: Principal,
        endpoint: str,
        asked: EngineRerank | EngineScore,
        texts: list[str],
        shape: Callable[[bytes], bytes],
        lane: Lane = "interactive",
    ) -> Opened:
        self._served.get(asked.model, *TASKS)
        call = EngineCall(
            model_id=asked.model,
            endpoint=endpoint,
            body=msgspec.json.encode(asked),
            prompt_tokens=sum(len(t) // 4 + 1 for t in texts),
            max_tokens=0,
            lane=lane,
        )
        return Shaped(await self._calls.open(principal, call), shape)


def _texts(first: str | list[str] | UnsetType, other: str | list[str] | UnsetType, name: str) -> list[str]:
    if (first is UNSET) == (other is UNSET):
        raise MissingParameter(f"The field '{name}' is needed, under one of its two names.", param=name)
    given = other if first is UNSET else first
    return [given] if isinstance(given, str) else list(given or ())


def _reranked(raw: bytes, documents: list[str], *, bare: bool) -> bytes:
    """Best first, whatever order the engine has."""
    reply = msgspec.json.decode(raw, type=RerankReply)
    for judged in reply.results:
        judged.document = UNSET if bare else Document(documents[judged.index])
    reply.results.sort(key=lambda j: -j.relevance_score)
    return msgspec.json.encode(reply)


def _scored(raw: bytes) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(raw, type=ScoreReply))
