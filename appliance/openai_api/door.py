"""Puts the room together: what each endpoint needs, which addresses it has, what must be started and stopped."""

from dataclasses import dataclass
from typing import Any

from litestar.types import ControllerRouterHandler

from appliance.answers import Answers, Assistants
from appliance.documents import DocumentService
from appliance.foundation import Clock
from appliance.inference import Conformances, Engines
from appliance.library import Shelf
from appliance.metrics import CallMeters
from appliance.openai_api.audio.routes import TranscriptionsController
from appliance.openai_api.audio.service import Transcriptions
from appliance.openai_api.calls import EngineCalls
from appliance.openai_api.chat_completions.assistants import AssistantCalls
from appliance.openai_api.chat_completions.service import ChatCompletions
from appliance.openai_api.completions.service import Completions
from appliance.openai_api.conformance.checks import Endpoints
from appliance.openai_api.conformance.routes import ConformanceController
from appliance.openai_api.conformance.service import ConformanceChecks
from appliance.openai_api.embeddings.service import Embeddings
from appliance.openai_api.files.repository import FileRepository
from appliance.openai_api.files.routes import FilesController
from appliance.openai_api.files.service import ApiFiles
from appliance.openai_api.files.settings import FileSettings
from appliance.openai_api.hot import hot_route
from appliance.openai_api.images.service import Images
from appliance.openai_api.messages.guards import requires_version
from appliance.openai_api.messages.routes import CountTokensController
from appliance.openai_api.messages.service import Messages
from appliance.openai_api.models.routes import ModelsController
from appliance.openai_api.ranking.service import Ranking
from appliance.openai_api.responses.repository import ResponseRepository
from appliance.openai_api.responses.routes import ResponsesController
from appliance.openai_api.responses.search import FileSearch
from appliance.openai_api.responses.service import Responses
from appliance.openai_api.responses.settings import ResponseSettings
from appliance.openai_api.responses.window import Window
from appliance.openai_api.served import ServedModels
from appliance.openai_api.translation import TokenCounter
from appliance.openai_api.vector_stores.assembly import VectorStoreParts
from appliance.retrieval import Retrieval
from appliance.storage import Database, FileStore
from appliance.usage import Usage


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Of the endpoints that have any."""

    public_url: str
    files: FileSettings
    responses: ResponseSettings


@dataclass(frozen=True, slots=True)
class Beneath:
    """The rooms below that the endpoints call."""

    database: Database
    clock: Clock
    files: FileStore
    uploads: FileRepository
    """Made before the door: the file store asks it which bytes are in use."""
    engines: Engines
    usage: Usage
    documents: DocumentService
    shelf: Shelf
    retrieval: Retrieval
    answers: Answers
    assistants: Assistants
    meters: CallMeters


class OpenAiDoor:
    """Every endpoint of `/v1`."""

    def __init__(self, beneath: Beneath, settings: DoorSettings) -> None:
        served = ServedModels(beneath.engines)
        calls = EngineCalls(beneath.engines, beneath.usage, beneath.meters)
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
            beneath.uploads,
            beneath.engines,
            beneath.documents,
            beneath.retrieval,
        )
        self.files = ApiFiles(beneath.uploads, beneath.files, settings.files, self.vector_stores.files)
        self.responses = Responses(
            served,
            self.chat_completions,
            FileSearch(beneath.retrieval, beneath.shelf),
            Window(counter),
            ResponseRepository(beneath.database, beneath.clock, settings.responses),
            beneath.clock,
        )
        self.messages = Messages(served, self.chat_completions, counter)

        asked = Endpoints(
            self.chat_completions.begin, self.responses.begin, self.embeddings.begin, self.ranking.begin_rerank
        )
        self.conformances = Conformances(beneath.database)
        self.conformance = ConformanceChecks(beneath.engines, asked, self.conformances, beneath.clock)

    def routes(self) -> list[ControllerRouterHandler]:
        """What the application hands to the framework."""
        return [
            hot_route("/v1/chat/completions", self.chat_completions.begin),
            hot_route("/v1/completions", self.completions.begin),
            hot_route("/v1/embeddings", self.embeddings.begin),
            hot_route("/v1/responses", self.responses.begin),
            hot_route("/v1/rerank", self.ranking.begin_rerank),
            hot_route("/v1/score", self.ranking.begin_score),
            hot_route("/v1/images/generations", self.images.begin),
            TranscriptionsController,
            ConformanceController,
            ResponsesController,
            hot_route("/v1/messages", self.messages.begin, guards=[requires_version]),
            CountTokensController,
            ModelsController,
            FilesController,
            *self.vector_stores.routes(),
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
            **self.vector_stores.dependencies(),
        }

    async def start(self) -> None:
        """Begin the background work."""
        await self.files.start()

    async def stop(self) -> None:
        """End it."""
        await self.files.stop()
