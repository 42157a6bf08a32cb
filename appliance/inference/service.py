"""All engines as one thing: who serves what, and the calls of the rooms above."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import aiohttp

from appliance.inference.catalogue import Catalogue, Entry
from appliance.inference.client import EngineClient
from appliance.inference.command import EngineCommand, engine_command
from appliance.inference.errors import EngineUnavailable, GpuTooSmall, ModelUnknown
from appliance.inference.gpus import LEAST_WINDOW_TOKENS, Gpu, GpuShare, read_gpus, share_gpus, window_that_fits
from appliance.inference.port import (
    ChatDelta,
    ChatMessage,
    ChatRequest,
    EmbeddingProfile,
    Forward,
    ModelFacts,
    UpstreamReply,
)
from appliance.inference.settings import InferenceSettings, ModelChoice
from appliance.inference.store import ModelStore
from appliance.inference.supervisor import LocalEngine, RemoteEngine

T = TypeVar("T")

DEFAULT_MODELS = ("smollm2-135m-instruct", "multilingual-e5-small")
BATCH = 32
"""Texts per embedding call."""

RESTART_S = 180.0
"""How long background work waits for an engine that is being restarted."""

CHAT_WAIT_S = 2.0
"""How long a person waits for one before being told."""


class Engines:
    """Implements `ChatEngine` and `Embedder` over the configured engines."""

    def __init__(self, settings: InferenceSettings, catalogue: Catalogue | None = None) -> None:
        self._settings = settings
        self._catalogue = catalogue or Catalogue.load(settings.model_dir)
        gpus = read_gpus()
        choices = settings.models or default_choices(self._catalogue, gpus)
        self._shares = local_shares(self._catalogue, choices, gpus)
        self._entries = {c.id: self._catalogue.get(c.id) for c in choices}
        self._choices = {c.id: c for c in choices}
        self._replicas: dict[str, list[LocalEngine | RemoteEngine]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Begin to start everything; returns at once. `list_facts` tells how far it is."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False, read_bufsize=2**20)
        for model_id, choice in self._choices.items():
            self._replicas[model_id] = self._build(self._entries[model_id], choice, self._session)
            for engine in self._replicas[model_id]:
                engine.start()

    async def stop(self) -> None:
        """Stop all engines and their children."""
        await asyncio.gather(*(e.stop() for engines in self._replicas.values() for e in engines))
        if self._session is not None:
            await self._session.close()

    def facts(self, model_id: str) -> ModelFacts:
        """Raises ModelUnknown."""
        entry = self._entries.get(model_id)
        if entry is None:
            raise ModelUnknown(f"The model '{model_id}' is not served here.")
        replicas = self._replicas.get(model_id, [])
        ready = any(e.health.ready.is_set() for e in replicas)
        first = next((e.health for e in replicas if e.health.ready.is_set()), replicas[0].health if replicas else None)
        return ModelFacts(
            model_id=model_id,
            task=entry.task,
            context_tokens=entry.window_tokens(self._choices[model_id].engine_args),
            languages=entry.languages,
            parameters_billion=entry.parameters_billion,
            licence=entry.licence,
            ready=ready,
            state=first.state if first else "starting",
            detail=first.detail if first else "waiting to start",
        )

    def list_facts(self) -> list[ModelFacts]:
        return [self.facts(model_id) for model_id in self._entries]

    def default_chat_model(self) -> str:
        """The first configured model that chats. Raises ModelUnknown."""
        return self._first("chat").id

    def default_embedding_profile(self) -> EmbeddingProfile:
        """Of the first configured embedding model. Raises ModelUnknown."""
        return self._first("embed").profile()

    async def wait_ready(self, model_id: str, timeout_s: float) -> None:
        """Raises ModelUnknown, EngineUnavailable."""
        self.facts(model_id)
        waits = [asyncio.ensure_future(e.health.ready.wait()) for e in self._replicas.get(model_id, [])]
        try:
            done, _ = await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not done:
            facts = self.facts(model_id)
            raise EngineUnavailable(f"The engine of '{model_id}' is {facts.state}: {facts.detail}.", retry_after_s=10.0)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        client = await self._client(request.model_id, CHAT_WAIT_S)
        async with aclosing(client.stream(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def count_tokens(self, model_id: str, messages: Sequence[ChatMessage]) -> int:
        client = await self._client(model_id, CHAT_WAIT_S)
        return await client.count_tokens(messages)

    async def embed_passages(self, profile: EmbeddingProfile, texts: Sequence[str]) -> list[list[float]]:
        """In batches; waits for an engine that is being restarted, so that ingestion survives it."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            batch = [profile.passage_prefix + t for t in texts[start : start + BATCH]]
            vectors += await self._patient(profile.model_id, partial(self._embed, profile, batch))
        return vectors

    async def embed_query(self, profile: EmbeddingProfile, text: str) -> list[float]:
        return (await self._embed(profile, [profile.query_prefix + text]))[0]

    async def forward(self, ask: Forward) -> UpstreamReply:
        """Hand a request to one of the model's engines. Raises ModelUnknown, EngineUnavailable."""
        client = await self._client(ask.model_id, CHAT_WAIT_S)
        return await client.passthrough(ask.path, ask.body)

    async def _embed(self, profile: EmbeddingProfile, texts: Sequence[str]) -> list[list[float]]:
        client = await self._client(profile.model_id, CHAT_WAIT_S)
        return await client.embed(texts, dimension=profile.dimension, max_tokens=profile.max_tokens)

    async def _patient(self, model_id: str, work: Callable[[], Awaitable[T]]) -> T:
        deadline = time.monotonic() + RESTART_S
        while True:
            try:
                return await work()
            except EngineUnavailable:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise
                await self.wait_ready(model_id, left_s)
                await asyncio.sleep(0.2)  # ready by its last probe, yet it failed just now: do not spin

    async def _client(self, model_id: str, timeout_s: float) -> EngineClient:
        await self.wait_ready(model_id, timeout_s)
        for engine in self._replicas[model_id]:
            if engine.health.ready.is_set() and engine.client is not None:
                return engine.client
        raise EngineUnavailable(f"The engine of '{model_id}' is restarting.", retry_after_s=10.0)

    def _first(self, task: str) -> Entry:
        for entry in self._entries.values():
            if entry.task == task:
                return entry
        raise ModelUnknown(f"No model for the task '{task}' is configured.", remedy="Add one to [engines] models.")

    def _build(
        self, entry: Entry, choice: ModelChoice, session: aiohttp.ClientSession
    ) -> list[LocalEngine | RemoteEngine]:
        def connect(url: str) -> EngineClient:
            return EngineClient(session, url, entry.id)

        if choice.base_urls:
            return [RemoteEngine(entry, connect(url), self._settings) for url in choice.base_urls]
        threads = max(1, (os.cpu_count() or 2) // max(1, len(self._choices)))
        share = self._shares.get(entry.id)

        def command(port: int) -> EngineCommand:
            return engine_command(entry, choice, self._settings, port=port, gpu=share, threads=threads)

        check = partial(ModelStore(self._settings).check, entry.id)
        return [LocalEngine(entry, command, connect, check, self._settings)]


def default_choices(catalogue: Catalogue, gpus: Sequence[Gpu]) -> tuple[ModelChoice, ...]:
    """What is served when the settings name nothing: the largest recommended chat model that fits the GPUs beside the
    embedding model, with the window that its memory allows; without a GPU, what runs on every machine.
    """
    chat, embed = DEFAULT_MODELS
    recommended = [e for e in catalogue.all() if e.recommended]
    for entry in sorted(recommended, key=lambda e: e.parameters_billion, reverse=True) if gpus else ():
        try:
            share = share_gpus([entry, catalogue.get(embed)], gpus)[entry.id]
        except GpuTooSmall:
            continue
        tokens = window_that_fits(entry, share.memory_gib)
        if tokens >= LEAST_WINDOW_TOKENS:
            return ModelChoice(entry.id, engine_args=("--max-model-len", str(tokens))), ModelChoice(embed)
    return ModelChoice(chat), ModelChoice(embed)


def local_shares(catalogue: Catalogue, choices: Sequence[ModelChoice], gpus: Sequence[Gpu]) -> dict[str, GpuShare]:
    """What each engine of this machine may use of its GPUs; empty without any. Raises ModelUnknown, GpuTooSmall."""
    entries = [catalogue.get(c.id) for c in choices if not c.base_urls]
    return share_gpus(entries, gpus) if gpus and entries else {}
