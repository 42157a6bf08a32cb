"""What a request comes to, before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from appliance.foundation import Lane
from appliance.identity import Principal
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest
from appliance.openai_api.ids import public_id
from appliance.openai_api.responses.items import FileSearchItem, InputItem
from appliance.openai_api.responses.reply import ResponseObject
from appliance.openai_api.responses.repository import StoredResponse
from appliance.openai_api.responses.wire import Reasoning, ResponsesRequest, TextConfig
from appliance.openai_api.vector_stores.search import SearchHit


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is needed to write one response and to keep it."""

    key: UUID
    principal: Principal
    request: ResponsesRequest = field(repr=False)
    own: Sequence[InputItem] = field(repr=False)
    """The input of this request, as it is kept."""
    chat: ChatCompletionRequest = field(repr=False)
    previous_id: UUID | None
    searched: FileSearchItem | None = field(repr=False)
    """The search, when one was asked for."""
    given: Sequence[SearchHit] = field(repr=False)
    """What of it the model is given, best first."""
    lane: Lane

    @property
    def stores(self) -> bool:
        return self.request.store is not False

    def stored(self, response: ResponseObject) -> StoredResponse:
        """The response as it is kept."""
        return StoredResponse(
            id=self.key,
            previous_id=self.previous_id,
            model=response.model,
            status=response.status,
            background=response.background,
            collection_ids=tuple(dict.fromkeys(hit.passage.collection_id for hit in self.given)),
            input=msgspec.json.encode(self.own),
            response=msgspec.json.encode(response),
        )


def empty_response(key: UUID, request: ResponsesRequest, created_at: int) -> ResponseObject:
    """A response before its first word, with what was asked as OpenAI repeats it."""
    return ResponseObject(
        id=public_id("resp", key),
        created_at=created_at,
        model=request.model,
        status="queued" if request.background else "in_progress",
        output=[],
        tools=request.tools or [],
        tool_choice=request.tool_choice or "auto",
        text=request.text or TextConfig(),
        parallel_tool_calls=request.parallel_tool_calls is not False,
        instructions=request.instructions,
        previous_response_id=request.previous_response_id,
        store=request.store is not False,
        background=bool(request.background),
        max_output_tokens=request.max_output_tokens,
        max_tool_calls=request.max_tool_calls,
        metadata=request.metadata or {},
        temperature=request.temperature,
        top_p=request.top_p,
        top_logprobs=request.top_logprobs,
        truncation=request.truncation or "disabled",
        reasoning=request.reasoning or Reasoning(),
        prompt_cache_key=request.prompt_cache_key,
        safety_identifier=request.safety_identifier,
        user=request.user,
        service_tier="flex" if request.service_tier == "flex" else "default",
    )
