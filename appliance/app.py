"""Composition: builds every part from the settings, wires them, starts and stops them in order. No business here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from litestar import Litestar
from litestar.di import Provide
from litestar.handlers import ASGIRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Middleware
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.answers import Answers, Assistants
from appliance.chat import AskController, ChatService, ChatSettings, ConversationController, ConversationRepository
from appliance.configuration import (
    document_settings,
    file_settings,
    identity_settings,
    index_settings,
    inference_settings,
    response_settings,
    storage_settings,
    usage_settings,
)
from appliance.documents import (
    CollectionController,
    DocumentController,
    DocumentJobs,
    DocumentService,
    Ingest,
    Renderer,
)
from appliance.edge import (
    Dependency,
    HealthController,
    RequestFrame,
    RequestLog,
    StrictJson,
    exception_handlers,
    webui_routes,
)
from appliance.foundation import SystemClock
from appliance.identity import (
    Access,
    Authentication,
    IdentitySettings,
    Keys,
    LoginController,
    MeController,
    Passwords,
    People,
    PeopleController,
    RightsCache,
)
from appliance.index import IndexUnavailable, PassageIndex, open_index
from appliance.inference import Engines, EnginesController, ServedModelsController
from appliance.library import Collections, Documents, IngestLog, Shelf
from appliance.metrics import Meters
from appliance.monitoring import MetricsController, MetricsDoor, MetricsPage
from appliance.openai_api import (
    ApiFiles,
    AssistantCalls,
    ChatCompletions,
    Completions,
    Embeddings,
    EngineCalls,
    FileRepository,
    FilesController,
    FileSearch,
    ModelsController,
    ResponseRepository,
    Responses,
    ResponsesController,
    ServedModels,
    TokenCounter,
    Window,
    hot_route,
)
from appliance.retrieval import Retrieval
from appliance.settings import Settings
from appliance.storage import Database, FileStore
from appliance.usage import LimitsController, Usage, UsageController, UsageReports, UsageStore

IMAGE_PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens")
"""Their bodies may hold pictures, as data URLs."""

WEBUI_DIST = Path(__file__).parent / "webui" / "dist"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is alive in the process, built in the order of the floors."""

    settings: Settings
    meters: Meters
    metrics_page: MetricsPage
    request_log: RequestLog
    identity_settings: IdentitySettings
    database: Database
    people: People
    access: Access
    keys: Keys
    engines: Engines
    index: PassageIndex
    jobs: DocumentJobs
    documents: DocumentService
    renderer: Renderer
    retrieval: Retrieval
    answers: Answers
    assistants: Assistants
    chat: ChatService
    usage: Usage
    usage_reports: UsageReports
    chat_completions: ChatCompletions
    completions: Completions
    embeddings: Embeddings
    api_files: ApiFiles
    responses: Responses


def build_parts(settings: Settings, *, worker: bool = False) -> Parts:
    """Construct, without starting anything. `worker`: for a process that takes in documents and answers nobody."""
    clock = SystemClock()
    meters = Meters(settings.metrics.groups)
    storage = storage_settings(settings)
    database = Database(storage)
    identity = identity_settings(settings)
    passwords = Passwords(min_length=identity.password_min_length)
    rights = RightsCache(clock)
    people = People(database, clock, passwords, rights)
    access = Access(database, clock, passwords, rights, identity)
    engines = Engines(inference_settings(settings), watcher=meters.pools)
    index = open_index(index_settings(settings))
    shelf, ingest_log = Shelf(database), IngestLog(database, clock)
    uploads = FileRepository(database, clock)
    files = FileStore(storage.files_dir, [ingest_log.used_files, uploads.used_files])
    learning = document_settings(settings, worker=worker)
    ingest = Ingest(ingest_log, files, index, engines, learning)
    jobs = DocumentJobs(ingest, ingest_log, learning)
    documents = DocumentService(Collections(database, clock), Documents(database, clock), shelf, files, jobs, learning)
    retrieval = Retrieval(shelf, index, engines)
    assistants = Assistants.built_in(engines.default_chat_model())
    usage = Usage(UsageStore(database), clock, usage_settings(settings))
    answers = Answers(retrieval, engines, engines, meters=meters)
    meters.know(models=[f.model_id for f in engines.list_facts()], assistants=[a.id for a in assistants.all()])
    served, calls = ServedModels(engines), EngineCalls(engines, usage, meters.calls)
    assistant_calls = AssistantCalls(answers, assistants, usage, public_url=settings.url)
    chat_completions = ChatCompletions(served, calls, assistant_calls)
    stored = ResponseRepository(database, clock, response_settings(settings))
    window = Window(TokenCounter(engines))
    return Parts(
        settings=settings,
        meters=meters,
        metrics_page=MetricsPage(meters, engines, usage, ingest_log),
        request_log=RequestLog(settings.server.request_log),
        identity_settings=identity,
        database=database,
        people=people,
        access=access,
        keys=Keys(database, clock, rights, identity),
        engines=engines,
        index=index,
        jobs=jobs,
        documents=documents,
        renderer=Renderer(people, documents),
        retrieval=retrieval,
        answers=answers,
        assistants=assistants,
        chat=ChatService(ConversationRepository(database, clock), answers, assistants, usage, ChatSettings()),
        usage=usage,
        usage_reports=UsageReports(database),
        chat_completions=chat_completions,
        completions=Completions(served, calls),
        embeddings=Embeddings(served, calls),
        api_files=ApiFiles(uploads, files, file_settings(settings)),
        responses=Responses(served, chat_completions, FileSearch(retrieval, shelf), window, stored, clock),
    )


def build_app(parts: Parts) -> Litestar:
    """The web application over running parts."""
    app = Litestar(
        route_handlers=[
            LoginController,
            MeController,
            PeopleController,
            ServedModelsController,
            LimitsController,
            UsageController,
            EnginesController,
            CollectionController,
            DocumentController,
            AskController,
            ConversationController,
            *_hot_routes(parts),
            ResponsesController,
            ModelsController,
            FilesController,
            HealthController,
            MetricsController,
            *webui_routes(WEBUI_DIST),
        ],
        dependencies=_dependencies(parts),
        middleware=_middleware(parts),
        exception_handlers=exception_handlers(),
        openapi_config=OpenAPIConfig(
            title="Private Model Appliance", version="0.1.0", path="/schema", render_plugins=[JsonRenderPlugin()]
        ),
        logging_config=None,
        request_max_body_size=parts.settings.server.max_image_body_bytes,
    )
    door = MetricsDoor(app.asgi_handler, parts.metrics_page, parts.settings.metrics.token)
    app.asgi_handler = RequestFrame(door, parts.meters.requests, parts.request_log)
    return app


def _dependencies(parts: Parts) -> dict[str, Provide]:
    """What handlers may ask for, by the name of their parameter."""
    values = {
        "people": parts.people,
        "access": parts.access,
        "keys": parts.keys,
        "identity_settings": parts.identity_settings,
        "engines": parts.engines,
        "documents": parts.documents,
        "renderer": parts.renderer,
        "retrieval": parts.retrieval,
        "answers": parts.answers,
        "assistants": parts.assistants,
        "chat": parts.chat,
        "usage": parts.usage,
        "usage_reports": parts.usage_reports,
        "api_files": parts.api_files,
        "responses": parts.responses,
        "metrics_page": parts.metrics_page,
        "readiness": _Readiness(parts).check,
    }
    return {name: Provide(_Value(value), use_cache=True, sync_to_thread=False) for name, value in values.items()}


def _hot_routes(parts: Parts) -> list[ASGIRouteHandler]:
    return [
        hot_route("/v1/chat/completions", parts.chat_completions.begin),
        hot_route("/v1/completions", parts.completions.begin),
        hot_route("/v1/embeddings", parts.embeddings.begin),
        hot_route("/v1/responses", parts.responses.begin),
    ]


def _middleware(parts: Parts) -> list[Middleware]:
    """What every request passes on its way to a handler, outermost first."""
    server = parts.settings.server
    return [
        StrictJson(
            max_bytes=server.max_body_bytes,
            max_bytes_with_images=server.max_image_body_bytes,
            image_paths=IMAGE_PATHS,
        ),
        Authentication(parts.access, parts.identity_settings, public_origin=parts.settings.server.public_url or None),
    ]


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Parts]:
    """Start what has a life of its own, in order; stop it in reverse, whatever happened."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.database.close)
        stack.push_async_callback(parts.index.close)
        stack.callback(parts.request_log.flush)
        for part in (parts.access, parts.engines, parts.usage, parts.jobs, parts.chat, parts.api_files):
            await part.start()
            stack.push_async_callback(part.stop)
        yield parts


class _Value:
    """A provider that gives what was built."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __call__(self) -> object:
        return self._value


class _Readiness:
    """What must work before requests make sense."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def check(self) -> list[Dependency]:
        engines = [
            Dependency(name=f"engine {facts.model_id}", ready=facts.ready, detail=facts.state)
            for facts in self._parts.engines.list_facts()
        ]
        return [await self._database(), await self._index(), *engines]

    async def _index(self) -> Dependency:
        try:
            await self._parts.index.check()
        except IndexUnavailable:
            return Dependency(name="index", ready=False, detail="does not answer")
        return Dependency(name="index", ready=True)

    async def _database(self) -> Dependency:
        try:
            async with self._parts.database.read() as session:
                await session.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return Dependency(name="database", ready=False, detail="does not answer")
        return Dependency(name="database", ready=True)
