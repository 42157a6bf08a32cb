"""Puts the room together: what each endpoint needs, which addresses it has, what must be started and stopped."""

from dataclasses import dataclass
from typing import Any

from litestar.types import ControllerRouterHandler

from appliance.answers import Answers, Assistants
from appliance.documents import DocumentService
from appliance.edge import Described
from appliance.foundation import Clock
from appliance.identity import Access
from appliance.inference import Conformances, Engines
from appliance.library import Shelf
from appliance.metrics import Meters
from appliance.openai_api.audio.routes import TranscriptionsController
from appliance.openai_api.audio.service import Transcriptions
from appliance.openai_api.batches.leases import BatchLeases
from appliance.openai_api.batches.repository import BatchRepository
from appliance.openai_api.batches.routes import BatchesController
from appliance.openai_api.batches.run import LineService, Tools
from appliance.openai_api.batches.runner import BatchRunner
from appliance.openai_api.batches.service import Batches
from appliance.openai_api.batches.settings import BatchSettings
from appliance.openai_api.batches.values import Endpoint
from appliance.openai_api.calls import EngineCalls
from appliance.openai_api.chat_completions.assistants import AssistantCalls
from appliance.openai_api.chat_completions.service import ChatCompletions
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest
from appliance.openai_api.completions.service import Completions
from appliance.openai_api.completions.wire import CompletionRequest
from appliance.openai_api.conformance.checks import Endpoints
from appliance.openai_api.conformance.routes import ConformanceController
from appliance.openai_api.conformance.service import ConformanceChecks
from appliance.openai_api.embeddings.service import Embeddings
from appliance.openai_api.embeddings.wire import EmbeddingsRequest
from appliance.openai_api.files.repository import FileRepository
from appliance.openai_api.files.routes import FilesController
from appliance.openai_api.files.service import ApiFiles
from appliance.openai_api.files.settings import FileSettings
from appliance.openai_api.hot import hot_route
from appliance.openai_api.images.service import Images
from appliance.openai_api.images.wire import ImagesRequest
from appliance.openai_api.messages.guards import requires_version
from appliance.openai_api.messages.routes import CountTokensController
from appliance.openai_api.messages.service import Messages
from appliance.openai_api.messages.wire import MessagesRequest
from appliance.openai_api.models.routes import ModelsController
from appliance.openai_api.ranking.service import Ranking
from appliance.openai_api.ranking.wire import RerankRequest, ScoreRequest
from appliance.openai_api.responses.background import BackgroundWork
from appliance.openai_api.responses.repository import ResponseRepository
from appliance.openai_api.responses.routes import InputTokensController, ResponsesController
from appliance.openai_api.responses.search import FileSearch
from appliance.openai_api.responses.service import Responses
from appliance.openai_api.responses.settings import ResponseSettings
from appliance.openai_api.responses.window import Window
from appliance.openai_api.responses.wire import ResponsesRequest
from appliance.openai_api.served import ServedModels
from appliance.openai_api.translation import TokenCounter
from appliance.openai_api.vector_stores.assembly import VectorStoreParts
from appliance.retrieval import Retrieval
from appliance.storage import Database, FileStore, Used
from appliance.usage import Usage


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Of the endpoints that have any."""

    public_url: str
    files: FileSettings
    batches: BatchSettings
    responses: ResponseSettings


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """What refers to stored bytes; made before the door, as the file store asks it which of them are in use."""

    uploads: FileRepository
    batches: BatchRepository

    def used(self) -> list[Used]:
        return [self.uploads.used_files, self.batches.used_files]


def kept_files(database: Database, clock: Clock) -> KeptFiles:
    return KeptFiles(FileRepository(database, clock), BatchRepository(database, clock))


@dataclass(frozen=True, slots=True)
class Beneath:
    """The rooms below that the endpoints call."""

    database: Database
    clock: Clock
    files: FileStore
    kept: KeptFiles
    access: Access
    engines: Engines
    usage: Usage
    documents: DocumentService
    shelf: Shelf
    retrieval: Retrieval
    answers: Answers
    assistants: Assistants
    meters: Meters


class OpenAiDoor:
    """Every endpoint of `/v1`."""

    def __init__(self, beneath: Beneath, settings: DoorSettings) -> None:
        served = ServedModels(beneath.engines)
        calls = EngineCalls(beneath.engines, beneath.usage, beneath.meters.calls)
        assistants = AssistantCalls(beneath.answers, beneath.assistants, beneath.usage, public_url=settings.public_url)
        self.chat_completions = ChatCompletions(served, calls, assistants)
        counter = TokenCounter(beneath.engines)
        self.completions = Completions(served, calls)
        self.embeddings = Embeddings(served, calls)
        self.ranking = Ranking(served, calls)
        self.transcriptions = Transcriptions(served, calls)
        self.images = Images(served, calls)
        self.vector_stores = VectorStoreParts(
            beneath.database,
            beneath.clock,
            beneath.kept.uploads,
            beneath.engines,
            beneath.documents,
            beneath.retrieval,
        )
        self.files = ApiFiles(beneath.kept.uploads, beneath.files, settings.files, self.vector_stores.files)
        stored = ResponseRepository(beneath.database, beneath.clock, settings.responses)
        self.responses = Responses(
            served,
            self.chat_completions,
            FileSearch(self.vector_stores.search, beneath.shelf),
            Window(counter),
            stored,
            BackgroundWork(stored, settings.responses, beneath.access.leases),
            counter,
            beneath.clock,
        )
        self.messages = Messages(served, self.chat_completions, counter)
        self.batches = self._batches(beneath, settings.batches)
        asked = Endpoints(
            chat=self.chat_completions.begin,
            responses=self.responses.begin,
            messages=self.messages.begin,
            embeddings=self.embeddings.begin,
            rerank=self.ranking.begin_rerank,
        )
        self.conformances = Conformances(beneath.database)
        self.conformance = ConformanceChecks(beneath.engines, asked, self.conformances, beneath.clock)

    def _batches(self, beneath: Beneath, settings: BatchSettings) -> Batches:
        leases = BatchLeases(beneath.database, beneath.clock, beneath.kept.uploads, settings)
        services: dict[Endpoint, LineService] = {
            "/v1/chat/completions": self.chat_completions,
            "/v1/completions": self.completions,
            "/v1/embeddings": self.embeddings,
            "/v1/responses": self.responses,
        }
        tools = Tools(leases, beneath.files, beneath.access, services, beneath.clock, settings)
        return Batches(beneath.kept.batches, beneath.kept.uploads, beneath.files, BatchRunner(tools), settings)

    def routes(self) -> list[ControllerRouterHandler]:
        """What the application hands to the framework."""
        return [
            *self._hot_routes(),
            TranscriptionsController,
            ConformanceController,
            InputTokensController,
            ResponsesController,
            CountTokensController,
            ModelsController,
            FilesController,
            BatchesController,
            *self.vector_stores.routes(),
        ]

    def _hot_routes(self) -> list[ControllerRouterHandler]:
        chat = Described(ChatCompletionRequest, "Chat with a model or an assistant.", streams=True)
        texts = Described(CompletionRequest, "Go on with a text.", streams=True)
        responses = Described(ResponsesRequest, "Respond, with items and tools.", streams=True)
        messages = Described(MessagesRequest, "Chat, as Anthropic's clients ask.", streams=True)
        rerank = Described(RerankRequest, "Order documents by a question.")
        score = Described(ScoreRequest, "How near texts are to each other.")
        return [
            hot_route("/v1/chat/completions", self.chat_completions.begin, chat),
            hot_route("/v1/completions", self.completions.begin, texts),
            hot_route("/v1/responses", self.responses.begin, responses),
            hot_route("/v1/messages", self.messages.begin, messages, guards=[requires_version]),
            hot_route("/v1/embeddings", self.embeddings.begin, Described(EmbeddingsRequest, "Vectors of texts.")),
            hot_route("/v1/rerank", self.ranking.begin_rerank, rerank),
            hot_route("/v1/score", self.ranking.begin_score, score),
            hot_route("/v1/images/generations", self.images.begin, Described(ImagesRequest, "Draw a picture.")),
        ]

    def dependencies(self) -> dict[str, Any]:
        """What the routes take by these names."""
        return {
            "api_files": self.files,
            "responses": self.responses,
            "messages": self.messages,
            "transcriptions": self.transcriptions,
            "conformances": self.conformances,
            "conformance_checks": self.conformance,
            "batches": self.batches,
            **self.vector_stores.dependencies(),
        }

    async def start(self) -> None:
        """Begin the background work."""
        await self.files.start()
        await self.responses.start()
        await self.batches.start()

    async def stop(self) -> None:
        """End it."""
        await self.batches.stop()
        await self.responses.stop()
        await self.files.stop()
