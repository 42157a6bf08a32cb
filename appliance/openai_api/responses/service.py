"""Responses: from a request to a plan, from a plan to a response that is kept."""

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec.structs import replace

from appliance.foundation import ApplianceError, CallerError, Clock, InvalidInput, Lane, new_id
from appliance.identity import Principal, require_model
from appliance.openai_api.calls import Opened
from appliance.openai_api.chat_completions.service import ChatCompletions
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, StreamOptions
from appliance.openai_api.errors import UnsupportedValue, invalid_body
from appliance.openai_api.fields import RESPONSES
from appliance.openai_api.ids import public_id, read_id
from appliance.openai_api.responses.background import BackgroundWork, Live, cancelled
from appliance.openai_api.responses.errors import NotCancellable, PreviousResponseNotFound, ResponseNotFound
from appliance.openai_api.responses.history import ItemList, conversation, kept, page, read_items
from appliance.openai_api.responses.items import InputItem
from appliance.openai_api.responses.machine import ResponseMachine
from appliance.openai_api.responses.plan import Plan, empty_response
from appliance.openai_api.responses.reply import DeletedResponse, InputTokensReply, ResponseObject
from appliance.openai_api.responses.repository import UNFINISHED, ResponseRepository, StoredResponse
from appliance.openai_api.responses.search import FileSearch, Looked, citations
from appliance.openai_api.responses.translate import (
    chat_request,
    field_of,
    items_of,
    last_question,
    prompt_of,
    search_of,
)
from appliance.openai_api.responses.window import Window
from appliance.openai_api.responses.wire import InputTokensRequest, ResponsesRequest
from appliance.openai_api.responses.written import Followed, Given, Keep, WrittenResponse, told
from appliance.openai_api.served import ServedModels
from appliance.openai_api.translation import TokenCounter
from appliance.openai_api.vector_stores.search import SearchHit


class Responses:
    """The endpoint's use cases. Every call names the owner; somebody else's response does not exist for them."""

    def __init__(
        self,
        served: ServedModels,
        chat: ChatCompletions,
        search: FileSearch,
        window: Window,
        repository: ResponseRepository,
        background: BackgroundWork,
        counter: TokenCounter,
        clock: Clock,
    ) -> None:
        self._served = served
        self._chat = chat
        self._search = search
        self._window = window
        self._repository = repository
        self._background = background
        self._counter = counter
        self._clock = clock
        self._decoder = msgspec.json.Decoder(ResponsesRequest)

    async def begin(self, principal: Principal, body: bytes) -> Opened:
        """From the bytes of a request.

        Raises:
            InvalidBody: the body does not fit.
            PreviousResponseNotFound: the response to go on from is not there for this caller.
            VectorStoreNotFound: a store to search is not there for this caller.
            ApplianceError: what `ChatCompletions.open` raises.
        """
        return await self.open(principal, self.read(body), "interactive")

    async def whole_raw(self, principal: Principal, body: bytes, lane: Lane) -> bytes:
        """The same for work that nobody streams: bytes in, bytes out."""
        request = self.read(body)
        if request.background:
            raise UnsupportedValue("A request of a batch cannot run in the background.")
        request.stream = False
        return await (await self.open(principal, request, lane)).whole()

    def read(self, body: bytes) -> ResponsesRequest:
        """Raises InvalidBody."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error, RESPONSES) from error

    async def open(self, principal: Principal, request: ResponsesRequest, lane: Lane) -> Opened:
        if request.background:
            return await self._in_background(principal, request)
        plan = await self._plan(principal, request, "batch" if request.service_tier == "flex" else lane)
        machine = self._machine(plan)
        return await self._written(plan, machine, partial(self._keep, plan))

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def count(self, principal: Principal, request: InputTokensRequest) -> InputTokensReply:
        """Tokens of the prompt that a request would become. Raises what `begin` raises."""
        if self._chat.is_assistant(request.model):
            raise UnsupportedValue(f"What the assistant '{request.model}' reads is known only when it has searched.")
        require_model(principal, request.model)
        model = self._served.get(request.model, "chat")
        chain = await self._chain(principal, request.previous_response_id)
        chat = prompt_of(request, conversation(chain, items_of(request.input)))
        return InputTokensReply(await self._counter.count(chat, model))

    async def retrieve(self, principal: Principal, response_id: str) -> bytes:
        """The response object as JSON. Raises ResponseNotFound."""
        return (await self._stored(principal, response_id)).response

    async def input_items(
        self, principal: Principal, response_id: str, *, limit: int, newest_first: bool, after: str | None
    ) -> ItemList:
        """A page of what the response was asked, without the conversation before. Raises ResponseNotFound."""
        stored = await self._stored(principal, response_id)
        return page(read_items(stored), limit=limit, newest_first=newest_first, after=after)

    async def delete(self, principal: Principal, response_id: str) -> DeletedResponse:
        """Gone for good; those that went on from it cannot be gone on from. Raises ResponseNotFound."""
        key = read_id("resp", response_id)
        if key is None:
            raise ResponseNotFound("There is no such response.")
        await self._repository.delete(principal.holder(), key)
        await self._background.cancel(key)
        return DeletedResponse(public_id("resp", key))

    async def cancel(self, principal: Principal, response_id: str) -> bytes:
        """Stop one that is written in the background; one that has ended stays as it is.

        Raises:
            ResponseNotFound: it is not there for this caller.
            NotCancellable: it was not made with `background`.
        """
        stored = await self._stored(principal, response_id)
        if not stored.background:
            raise NotCancellable("Only a response of the background can be cancelled.")
        if stored.status in UNFINISHED and await self._repository.finish(
            stored.id, "cancelled", cancelled(stored.response)
        ):
            await self._background.cancel(stored.id)
        return (await self._repository.get(principal.holder(), stored.id)).response

    async def _stored(self, principal: Principal, response_id: str) -> StoredResponse:
        key = read_id("resp", response_id)
        if key is None:
            raise ResponseNotFound("There is no such response.")
        stored = await self._repository.get(principal.holder(), key)
        await self._search.check_response(principal.scope(), stored.collection_ids)
        return stored

    async def _plan(self, principal: Principal, request: ResponsesRequest, lane: Lane) -> Plan:
        own = items_of(request.input)
        if not self._chat.is_assistant(request.model):
            require_model(principal, request.model)
            self._served.get(request.model, "chat")
        chain = await self._chain(principal, request.previous_response_id)
        items = conversation(chain, own)
        chat = chat_request(request, items)
        looked = await self._look(principal, request, items)
        given = await self._fit(request, chat, looked)
        return Plan(
            key=new_id(),
            principal=principal,
            request=request,
            own=[kept(item) for item in own],
            chat=chat,
            previous_id=chain[-1].id if chain else None,
            searched=looked.item(given) if looked else None,
            given=given,
            lane=lane,
        )

    async def _chain(self, principal: Principal, previous: str | None) -> list[StoredResponse]:
        if previous is None:
            return []
        key = read_id("resp", previous)
        if key is None:
            raise PreviousResponseNotFound(f"There is no response '{previous}'.", param="previous_response_id")
        chain = await self._repository.chain(principal.holder(), key)
        collections = {c for stored in chain for c in stored.collection_ids}
        await self._search.check_previous(principal.scope(), tuple(collections))
        return chain

    async def _look(self, principal: Principal, request: ResponsesRequest, items: list[InputItem]) -> Looked | None:
        tool = search_of(request)
        if tool is None:
            return None
        if self._chat.is_assistant(request.model):
            raise UnsupportedValue(
                f"The assistant '{request.model}' searches by itself.", remedy="Leave out file_search, or name a model."
            )
        question = last_question(items)
        if not question:
            raise InvalidInput("There is no question to search for.", remedy="Send a message of the user.")
        with_results = "file_search_call.results" in (request.include or ())
        return await self._search.look(principal, tool, question, with_results=with_results)

    async def _fit(
        self, request: ResponsesRequest, chat: ChatCompletionRequest, looked: Looked | None
    ) -> Sequence[SearchHit]:
        """Make the prompt fit, where that was asked for; the passages that the model is given."""
        shortens = request.truncation == "auto" and not self._chat.is_assistant(request.model)
        if looked is None and not shortens:
            return ()
        model = self._served.get(request.model, "chat")
        if shortens:  # half is left to the sources, when there are some
            await self._window.truncated(
                chat, model, window_tokens=model.context_tokens // 2 if looked else model.context_tokens
            )
        if looked is None:
            return ()
        return await self._window.with_sources(chat, model, looked.hits)

    def _machine(self, plan: Plan) -> ResponseMachine:
        response = empty_response(plan.key, plan.request, int(self._clock.now().timestamp()))
        return ResponseMachine(response, partial(citations, given=plan.given))

    async def _written(self, plan: Plan, machine: ResponseMachine, keep: Keep) -> WrittenResponse:
        try:
            opened = await self._chat.open(plan.principal, plan.chat, plan.lane)
        except CallerError as error:
            error.param = field_of(error.param) if error.param else None
            raise
        return WrittenResponse(opened, machine, plan.searched, keep, self._clock)

    async def _keep(self, plan: Plan, response: ResponseObject) -> None:
        if plan.stores and response.status != "failed":
            await self._repository.add(plan.principal.holder(), plan.stored(response))

    async def _in_background(self, principal: Principal, request: ResponsesRequest) -> Opened:
        if request.store is False:
            raise UnsupportedValue("What is written in the background must be stored.", param="store")
        self._background.require_room()
        plan = await self._plan(principal, request, "batch")
        plan.chat.stream, plan.chat.stream_options = True, StreamOptions(include_usage=True)
        machine = self._machine(plan)
        queued = plan.stored(machine.response)
        await self._repository.add(principal.holder(), queued)
        live = self._background.begin(principal, plan.key, queued.response, partial(self._write, plan, machine))
        return Followed(live.follow()) if request.stream else Given(queued.response)

    async def _write(self, plan: Plan, machine: ResponseMachine, live: Live) -> None:
        """Write one response of the background; every end is kept, also a bad one."""

        async def keep(response: ResponseObject) -> None:
            await self._repository.finish(plan.key, response.status, msgspec.json.encode(response))

        try:
            written = await self._written(plan, machine, keep)
        except ApplianceError as error:
            live.add(told([*machine.begin(queued=True), *machine.fail(error)]))
            await keep(machine.response)
            return
        try:
            begun = replace(machine.response, status="in_progress")
            await self._repository.begun(plan.key, msgspec.json.encode(begun))
            while events := await written.read():
                live.add(events)
        finally:
            await written.aclose()
