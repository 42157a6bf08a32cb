"""All engines as one thing: who serves what, and the calls of the rooms above."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from appliance.foundation import Lane
from appliance.inference.catalogue import Catalogue, Entry
from appliance.inference.client import EngineClient, ModelClient
from appliance.inference.command import EngineCommand, engine_command
from appliance.inference.errors import EngineUnavailable, ModelUnknown
from appliance.inference.gpus import read_gpus
from appliance.inference.plan import (
    check_fallbacks,
    default_choices,
    engine_name,
    local_shares,
    pool_rules,
    threads_each,
)
from appliance.inference.pool import ModelPool, NoWatcher, PooledTransport, RoutedReply, Watcher, WatchRules, with_model
from appliance.inference.port import (
    ChatDelta,
    ChatMessage,
    ChatRequest,
    EmbeddingProfile,
    Forward,
    ModelFacts,
    ReplicaFacts,
)
from appliance.inference.remote import RemoteEngine
from appliance.inference.settings import InferenceSettings, ModelChoice
from appliance.inference.store import ModelStore
from appliance.inference.supervisor import LocalEngine
from appliance.inference.transport import EngineTransport, check_base_url, way_to

if TYPE_CHECKING:
    from appliance.inference.tls import TlsWays

T = TypeVar("T")

BATCH = 32
"""Texts per embedding call."""

RESTART_S = 180.0
"""How long background work waits for an engine that is being restarted."""

CHARACTERS_PER_TOKEN = 4
"""Roughly; by such estimates only loads are compared."""

PROCESSOR_DEADLINE_S = 20.0
"""An engine without GPU may take so long for a token when all cores are busy; sooner, it would be out for nothing."""

AFFINITY_CHARACTERS = 512
"""What the first two messages of a conversation begin with tells it from others."""


class Engines:
    """Implements `ChatEngine` and `Embedder` over the configured engines."""

    def __init__(
        self, settings: InferenceSettings, catalogue: Catalogue | None = None, watcher: Watcher | None = None
    ) -> None:
        """Raises ModelUnknown, GpuTooSmall, FallbackInvalid, UnusableAddress."""
        self._settings = settings
        self._catalogue = catalogue or Catalogue.load(settings.model_dir)
        self._watcher = watcher or NoWatcher()
        gpus = read_gpus()
        choices = settings.models or default_choices(self._catalogue, gpus)
        check_fallbacks(choices, self._catalogue)
        for url in (url for choice in choices for url in choice.base_urls):
            check_base_url(url)
        self._shares = local_shares(self._catalogue, choices, gpus)
        self._threads = threads_each(choices)
        self._entries = {c.id: self._catalogue.get(c.id) for c in choices}
        self._choices = {c.id: c for c in choices}
        self._kept: dict[str, list[LocalEngine | RemoteEngine]] = {}
        self._pools: dict[str, ModelPool] = {}
        self._tls: TlsWays | None = None

    async def start(self) -> None:
        """Begin to start everything; returns at once. `list_facts` tells how far it is."""
        for model_id, choice in self._choices.items():
            kept = self._build(self._entries[model_id], choice)
            on_processor = not choice.base_urls and not self._shares
            rules = pool_rules(choice, self._settings, on_processor=on_processor)
            deadline_s = self._settings.watch_deadline_s
            patient_s = max(deadline_s, PROCESSOR_DEADLINE_S) if on_processor else deadline_s
            watch = WatchRules(self._settings.watch_interval_s, patient_s)
            pool = ModelPool(model_id, kept, rules, watch, self._watcher)
            self._kept[model_id], self._pools[model_id] = kept, pool
            for engine in kept:
                engine.health.changed = pool.changed
                engine.start()
            pool.start()

    async def stop(self) -> None:
        """Stop all engines and their children."""
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))
        await asyncio.gather(*(e.stop() for engines in self._kept.values() for e in engines))
        if self._tls is not None:
            await self._tls.close()

    def facts(self, model_id: str) -> ModelFacts:
        """Raises ModelUnknown."""
        entry = self._entries.get(model_id)
        if entry is None:
            raise ModelUnknown(f"The model '{model_id}' is not served here.")
        kept = self._kept.get(model_id, [])
        ready = any(e.health.ready.is_set() for e in kept)
        first = next((e.health for e in kept if e.health.ready.is_set()), kept[0].health if kept else None)
        return ModelFacts(
            model_id=model_id,
            task=entry.task,
            context_tokens=entry.window_tokens(self._choices[model_id].engine_args),
            languages=entry.languages,
            parameters_billion=entry.parameters_billion,
            licence=entry.licence,
            abilities=entry.abilities,
            ready=ready,
            state=first.state if first else "starting",
            detail=first.detail if first else "waiting to start",
        )

    def list_facts(self) -> list[ModelFacts]:
        return [self.facts(model_id) for model_id in self._entries]

    def list_replicas(self) -> list[ReplicaFacts]:
        """Every replica of every model, as they are now."""
        return [facts for pool in self._pools.values() for facts in pool.replicas()]

    def waiting(self, model_id: str, lane: Lane) -> int:
        """Requests that wait for a replica. Raises ModelUnknown."""
        return self._pool(model_id).waiting(lane)

    def drain(self, model_id: str, replica: str) -> ReplicaFacts:
        """Give a replica no new requests; those that run go on. Raises ModelUnknown, ReplicaUnknown."""
        return self._pool(model_id).drain(replica, draining=True)

    def undrain(self, model_id: str, replica: str) -> ReplicaFacts:
        """Give it requests again. Raises ModelUnknown, ReplicaUnknown."""
        return self._pool(model_id).drain(replica, draining=False)

    async def version(self, model_id: str) -> str:
        """What the model's first ready engine calls itself; empty when it does not say. Raises ModelUnknown."""
        self.facts(model_id)
        for kept in self._kept.get(model_id, []):
            if kept.health.ready.is_set() and kept.client is not None:
                try:
                    return await asyncio.wait_for(kept.client.version(), timeout=5.0)
                except (EngineUnavailable, TimeoutError):
                    continue
        return ""

    def default_chat_model(self) -> str:
        """The first configured model that chats. Raises ModelUnknown."""
        return self._first("chat").id

    def default_embedding_profile(self) -> EmbeddingProfile:
        """Of the first configured embedding model. Raises ModelUnknown."""
        return self._first("embed").profile()

    async def wait_ready(self, model_id: str, timeout_s: float) -> None:
        """Raises ModelUnknown, EngineUnavailable."""
        self.facts(model_id)
        waits = [asyncio.ensure_future(e.health.ready.wait()) for e in self._kept.get(model_id, [])]
        try:
            done, _ = await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not done:
            facts = self.facts(model_id)
            raise EngineUnavailable(f"The engine of '{model_id}' is {facts.state}: {facts.detail}.", retry_after_s=10.0)

    async def forward(self, ask: Forward) -> RoutedReply:
        """Hand a request to one of the model's engines, or of a fallback's when none takes requests.

        Raises:
            ModelUnknown: no such model is configured.
            EngineUnavailable: no engine takes requests, or those that did failed before the first byte.
            EnginesBusy: as many requests wait as may, or this one waited too long.
        """
        pool = self._pool(ask.model_id)
        fallbacks = self._choices[ask.model_id].fallbacks
        if not fallbacks or ask.content_type:
            return await pool.forward(ask)
        if pool.takes():
            try:
                return await pool.forward(ask)
            except EngineUnavailable:
                if not any(self._pools[other].takes() for other in fallbacks):
                    raise
        for other in fallbacks:
            if self._pools[other].takes():
                self._watcher.fell_back(ask.model_id, other)
                body = with_model(ask.body, other)
                return await self._pools[other].forward(
                    Forward(other, ask.path, body, ask.lane, ask.tokens, ask.affinity)
                )
        return await pool.forward(ask)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        read = sum(len(m.content) for m in request.messages) // CHARACTERS_PER_TOKEN
        begins = "\n".join(m.content[:AFFINITY_CHARACTERS] for m in request.messages[:2])
        way = self._way(request.model_id, read + request.max_tokens, "interactive", begins.encode())
        async with aclosing(ModelClient(way, request.model_id).stream(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def count_tokens(self, model_id: str, messages: Sequence[ChatMessage]) -> int:
        return await ModelClient(self._way(model_id, 1, "interactive"), model_id).count_tokens(messages)

    async def embed_passages(
        self, profile: EmbeddingProfile, texts: Sequence[str], *, lane: Lane = "batch"
    ) -> list[list[float]]:
        """In batches; waits for an engine that is being restarted, so that ingestion survives it."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            batch = [profile.passage_prefix + t for t in texts[start : start + BATCH]]
            vectors += await self._patient(profile.model_id, partial(self._embed, profile, batch, lane))
        return vectors

    async def embed_query(self, profile: EmbeddingProfile, text: str) -> list[float]:
        return (await self._embed(profile, [profile.query_prefix + text], "interactive"))[0]

    async def _embed(self, profile: EmbeddingProfile, texts: Sequence[str], lane: Lane) -> list[list[float]]:
        tokens = sum(min(profile.max_tokens, len(t) // CHARACTERS_PER_TOKEN) for t in texts)
        client = ModelClient(self._way(profile.model_id, tokens, lane), profile.model_id)
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

    def _way(self, model_id: str, tokens: int, lane: Lane, begins: bytes = b"") -> PooledTransport:
        affinity = blake2b(begins, digest_size=16).digest() if begins else b""
        return PooledTransport(self.forward, model_id, tokens=tokens, lane=lane, affinity=affinity)

    def _pool(self, model_id: str) -> ModelPool:
        if model_id in self._pools:
            return self._pools[model_id]
        facts = self.facts(model_id)
        raise EngineUnavailable(f"The engine of '{model_id}' is {facts.state}: {facts.detail}.")

    def _first(self, task: str) -> Entry:
        for entry in self._entries.values():
            if entry.task == task:
                return entry
        raise ModelUnknown(
            f"No model with task '{task}' is configured.", remedy="Add one to [[engines.models]] in the settings."
        )

    def _way_to(self, url: str) -> EngineTransport:
        if not url.startswith("https://"):
            return way_to(url, self._settings.silence_s)
        if self._tls is None:
            from appliance.inference.tls import TlsWays  # noqa: PLC0415 - takes 5 MB; engines are mostly near

            self._tls = TlsWays()
        return self._tls.way_to(url, self._settings.silence_s)

    def _build(self, entry: Entry, choice: ModelChoice) -> list[LocalEngine | RemoteEngine]:
        def connect(url: str) -> EngineClient:
            return EngineClient(self._way_to(url), entry.id)

        if choice.base_urls:
            return [
                RemoteEngine(entry, url, connect(url), self._settings, is_router=choice.router)
                for url in dict.fromkeys(choice.base_urls)
            ]
        check = partial(ModelStore(self._settings).check, entry.id)
        return [
            LocalEngine(str(number), entry, self._command(entry, choice, number), connect, check, self._settings)
            for number in range(1, choice.replicas + 1)
        ]

    def _command(self, entry: Entry, choice: ModelChoice, number: int) -> Callable[[int], EngineCommand]:
        share = self._shares.get(engine_name(entry.id, number))

        def command(port: int) -> EngineCommand:
            return engine_command(entry, choice, self._settings, port=port, gpu=share, threads=self._threads)

        return command
