"""What the index port costs over the bare engine: 100,000 passages both ways, on the same machine in the same minutes.

    python -m tests.bench.index_scale [--passages 100000] [--rounds 3] [--batch 32]

Both sides get the same clustered vectors, sparse vectors, payloads, payload indexes and questions, batch by batch, each
in a process of its own, so that memory is told apart. Rounds alternate and the best of each side counts: noise of the
machine hits both alike.

Two things the bare engine does not do have lines of their own: the port makes words of texts, and it syncs the log
after every batch, since its promise covers a power cut; the bare side writes to disk once, at its end.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

import numpy as np
import qdrant_edge as qe

from appliance.index import EdgeIndex, PassagePoint, SearchScope, SparseVector, Tokenizer, edge
from appliance.index.spaces import (
    COLLECTION_KEY,
    DENSE,
    DOCUMENT_KEY,
    PREFETCH_COUNT,
    RRF_K,
    SPARSE,
    VERSION_KEY,
)
from appliance.index.sparse import document_vector, query_vector
from tests.bench.metrics import percentile
from tests.support.process import ROOT

P = ParamSpec("P")
T = TypeVar("T")
DIMENSION, TENANTS, CLUSTERS, DOCUMENT_PASSAGES = 384, 50, 400, 10
QUESTIONS, LIMIT, EXCLUDED = 300, 20, 2000
KILLED_PASSAGES = 2000
SPACE = "scale"
GOAL = 1.5
"""Most that the port may cost, as a multiple of the bare engine."""

PUBLISHED = {
    "insert_s": "15 - 19 (+ 0.6 - 1.0 flush)",
    "one_p50_ms": "0.7 - 1.1",
    "rss_mb": "562",
    "reopen_s": "0.56",
    "disk_mb": "459",
}
"""Bare qdrant-edge-py as measured before, on two busy cores with larger batches; the run's own bare side is fairer."""

LINES = {
    "insert_s": "insert, with its last flush [s]",
    "words_s": "  of that tokenising [s]",
    "sync_s": "  of that syncing the log after each batch [s]",
    "plain_s": "insert without these two [s]",
    "one_p50_ms": "hybrid query, one collection, p50 [ms]",
    "one_p95_ms": "hybrid query, one collection, p95 [ms]",
    "all_p50_ms": f"hybrid query, all {TENANTS} collections, p50 [ms]",
    "all_p95_ms": f"hybrid query, all {TENANTS} collections, p95 [ms]",
    "less_p50_ms": f"one collection, {EXCLUDED} versions excluded, p50 [ms]",
    "less_p95_ms": f"one collection, {EXCLUDED} versions excluded, p95 [ms]",
    "rss_mb": "memory after insert [MB]",
    "reopen_s": "reopen [s]",
    "disk_mb": "disk [MB]",
}


@dataclass(frozen=True)
class Scope:
    collections: frozenset[UUID]
    excluded: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Question:
    dense: list[float]
    text: str
    sparse: SparseVector
    tenant: int


class World:
    """Seeded passages. Clusters share words as they share a direction, as real subjects do."""

    def __init__(self, seed: int, passages: int) -> None:
        self.count = passages
        self._seed = seed
        self._random = np.random.default_rng(seed)
        self._centres = self._random.standard_normal((CLUSTERS, DIMENSION)).astype(np.float32)
        words = random.Random(seed)
        syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "ing")]
        self._words = ["".join(words.choices(syllables, k=words.randint(1, 4))) for _ in range(30_000)]

    def batches(self, size: int) -> Iterator[list[PassagePoint]]:
        for start in range(0, self.count, size):
            numbers = range(start, min(self.count, start + size))
            clusters = self._random.integers(0, CLUSTERS // TENANTS, len(numbers))
            vectors = self._vectors([self._cluster(n, int(c)) for n, c in zip(numbers, clusters, strict=True)])
            yield [
                self._passage(n, self._cluster(n, int(c)), v)
                for n, c, v in zip(numbers, clusters, vectors, strict=True)
            ]

    def questions(self) -> list[Question]:
        generator = random.Random(self._seed + 1)
        tokenizer = Tokenizer()
        found = []
        for n in range(QUESTIONS):
            tenant = n % TENANTS
            cluster = tenant * (CLUSTERS // TENANTS) + generator.randrange(CLUSTERS // TENANTS)
            text = self._text(generator, cluster, 8)
            found.append(Question(self._vectors([cluster])[0], text, query_vector(tokenizer, text), tenant))
        return found

    def versions(self) -> frozenset[UUID]:
        """Spread evenly over the collections."""
        rounds = (n // TENANTS * 5 * TENANTS + n % TENANTS for n in range(EXCLUDED))
        return frozenset(UUID(int=(3 << 64) + document) for document in rounds)

    def _cluster(self, number: int, within: int) -> int:
        return self.tenant(number) * (CLUSTERS // TENANTS) + within

    def tenant(self, number: int) -> int:
        return number // DOCUMENT_PASSAGES % TENANTS

    def _vectors(self, clusters: Sequence[int]) -> list[list[float]]:
        noise = self._random.standard_normal((len(clusters), DIMENSION)).astype(np.float32)
        vectors = self._centres[list(clusters)] + 0.7 * noise
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).tolist()  # type: ignore[no-any-return]

    def _passage(self, number: int, cluster: int, vector: list[float]) -> PassagePoint:
        document = number // DOCUMENT_PASSAGES
        return PassagePoint(
            passage_id=UUID(int=(1 << 64) + number),
            collection_id=tenant_id(self.tenant(number)),
            document_id=UUID(int=(2 << 64) + document),
            version_id=UUID(int=(3 << 64) + document),
            dense=vector,
            text=self._text(random.Random(self._seed * 1_000_003 + number), cluster, 34),
        )

    def _text(self, generator: random.Random, cluster: int, length: int) -> str:
        """Common words by Zipf's law, a third of them from the subject's own."""
        found = []
        for _ in range(length):
            rank = int(len(self._words) ** generator.random()) - 1
            found.append(self._words[(rank + cluster * 61) % len(self._words) if generator.random() < 0.33 else rank])
        return " ".join(found).capitalize() + "."


def tenant_id(tenant: int) -> UUID:
    return UUID(int=(4 << 64) + tenant)


class Side(Protocol):
    """The same work, two ways."""

    extra_s: dict[str, float]
    """Spent inside `insert` on what the other side does not do."""

    async def open(self) -> None: ...
    async def count(self) -> int: ...
    async def insert(self, batch: Sequence[PassagePoint], words: Sequence[SparseVector]) -> None: ...
    async def finish(self) -> None: ...
    async def query(self, question: Question, scope: Scope) -> int: ...
    async def close(self) -> None: ...


class PortSide:
    def __init__(self, folder: Path) -> None:
        self._index = EdgeIndex(folder)
        self.extra_s = {"words_s": 0.0, "sync_s": 0.0}
        edge.document_vector = self._timed("words_s", document_vector)  # type: ignore[attr-defined] # the clock is nearest to the truth inside
        edge._sync_log = self._timed("sync_s", edge._sync_log)

    def _timed(self, name: str, work: Callable[P, T]) -> Callable[P, T]:
        def timed(*args: P.args, **options: P.kwargs) -> T:
            began = time.perf_counter()
            made = work(*args, **options)
            self.extra_s[name] += time.perf_counter() - began
            return made

        return timed

    async def open(self) -> None:
        await self._index.ensure_space(SPACE, DIMENSION)

    async def count(self) -> int:
        return await self._index.count(SPACE, UUID(int=3 << 64))

    async def insert(self, batch: Sequence[PassagePoint], words: Sequence[SparseVector]) -> None:
        await self._index.upsert(SPACE, batch)

    async def finish(self) -> None:
        """Nothing to do: whatever `upsert` wrote is durable when it returns."""

    async def query(self, question: Question, scope: Scope) -> int:
        inside = SearchScope(scope.collections, scope.excluded)
        return len(await self._index.search(SPACE, dense=question.dense, text=question.text, scope=inside, limit=LIMIT))

    async def close(self) -> None:
        await self._index.close()


class BareSide:
    def __init__(self, folder: Path) -> None:
        self.extra_s = dict[str, float]()
        self._folder = folder
        self._shard: qe.EdgeShard

    async def open(self) -> None:
        if self._folder.exists():
            self._shard = qe.EdgeShard.load(str(self._folder))
            return
        self._folder.mkdir()
        config = qe.EdgeConfig(
            vectors={DENSE: qe.EdgeVectorParams(size=DIMENSION, distance=qe.Distance.Cosine)},
            sparse_vectors={SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        )
        self._shard = qe.EdgeShard.create(str(self._folder), config)
        for key, tenant in ((COLLECTION_KEY, True), (VERSION_KEY, False)):
            index = qe.KeywordIndexParams(is_tenant=tenant)
            self._shard.update(qe.UpdateOperation.create_field_index(key, index))

    async def count(self) -> int:
        match = qe.FieldCondition(VERSION_KEY, match=qe.MatchValue(str(UUID(int=3 << 64))))
        return int(self._shard.count(qe.CountRequest(exact=True, filter=qe.Filter(must=[match]))))

    async def insert(self, batch: Sequence[PassagePoint], words: Sequence[SparseVector]) -> None:
        points = [
            qe.Point(
                id=p.passage_id,
                vector={DENSE: p.dense, SPARSE: qe.SparseVector(list(w.indices), list(w.values))},
                payload={
                    COLLECTION_KEY: str(p.collection_id),
                    DOCUMENT_KEY: str(p.document_id),
                    VERSION_KEY: str(p.version_id),
                },
            )
            for p, w in zip(batch, words, strict=True)
        ]
        self._shard.update(qe.UpdateOperation.upsert_points(points))

    async def finish(self) -> None:
        self._shard.flush()

    async def query(self, question: Question, scope: Scope) -> int:
        inside = qe.FieldCondition(COLLECTION_KEY, match=qe.MatchAny([str(c) for c in scope.collections]))
        dead: list[Any] = [qe.FieldCondition(VERSION_KEY, match=qe.MatchAny([str(v) for v in scope.excluded]))]
        where = qe.Filter(must=[inside], must_not=dead if scope.excluded else None)
        sparse = qe.SparseVector(list(question.sparse.indices), list(question.sparse.values))
        request = qe.QueryRequest(
            limit=LIMIT,
            query=qe.Fusion.Rrf(k=RRF_K),  # type: ignore[arg-type] # the stub does not make Rrf a Fusion
            prefetches=[
                qe.Prefetch(limit=PREFETCH_COUNT, query=qe.Query.Nearest(question.dense, using=DENSE), filter=where),
                qe.Prefetch(limit=PREFETCH_COUNT, query=qe.Query.Nearest(sparse, using=SPARSE), filter=where),
            ],
            filter=where,
            with_payload=[DOCUMENT_KEY, VERSION_KEY],
        )
        return len(self._shard.query(request))

    async def close(self) -> None:
        self._shard.flush()
        self._shard.close()


def side_of(name: str, folder: Path) -> Side:
    return PortSide(folder) if name == "port" else BareSide(folder / "bare")


async def fill(name: str, folder: Path, chosen: argparse.Namespace) -> dict[str, float]:
    """One side, from an empty folder to answered questions."""
    world, tokenizer = World(chosen.seed, chosen.passages), Tokenizer()
    side = side_of(name, folder)
    await side.open()
    insert_s, terms, words = 0.0, 0, list[SparseVector]()
    for points in world.batches(chosen.batch):
        if name == "bare":
            words = [document_vector(tokenizer, p.text) for p in points]
            terms += sum(len(w.indices) for w in words)
        began = time.perf_counter()
        await side.insert(points, words)
        insert_s += time.perf_counter() - began
    began = time.perf_counter()
    await side.finish()
    insert_s += time.perf_counter() - began
    plain_s = insert_s - sum(side.extra_s.values())
    figures = {"insert_s": insert_s, "plain_s": plain_s, "rss_mb": memory_mb(), **side.extra_s}
    if terms:
        figures["terms"] = terms / chosen.passages
    figures |= await ask(side, world)
    await side.close()
    return figures


async def ask(side: Side, world: World) -> dict[str, float]:
    questions, every = world.questions(), frozenset(tenant_id(t) for t in range(TENANTS))
    kinds = (
        ("one", questions, None, frozenset[UUID]()),
        ("all", questions[: QUESTIONS // 5], every, frozenset[UUID]()),
        ("less", questions, None, world.versions()),
    )
    figures: dict[str, Any] = {}
    for key, asked, collections, excluded in kinds:
        times = []
        for q in asked:
            scope = Scope(collections or frozenset([tenant_id(q.tenant)]), excluded)
            began = time.perf_counter()
            found = await side.query(q, scope)
            times.append((time.perf_counter() - began) * 1000)
            assert found == LIMIT, f"{found} hits"
        figures |= {f"{key}_p50_ms": percentile(times, 0.5), f"{key}_p95_ms": percentile(times, 0.95)}
    return figures


async def reopen(name: str, folder: Path) -> dict[str, float]:
    side = side_of(name, folder)
    began = time.perf_counter()
    await side.open()
    found = await side.count()
    took = time.perf_counter() - began
    assert found == DOCUMENT_PASSAGES, f"{found} passages of a version came back"
    disk = sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file())
    await side.close()
    return {"reopen_s": took, "disk_mb": disk / 1e6}


async def die(name: str, folder: Path, chosen: argparse.Namespace) -> None:
    """Add some thousand passages and be killed, for a reopening with a log to replay."""
    side = side_of(name, folder)
    await side.open()
    for points in World(chosen.seed + 1, KILLED_PASSAGES).batches(chosen.batch):
        await side.insert(points, [])
    os.kill(os.getpid(), signal.SIGKILL)


def memory_mb() -> float:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


def in_process(step: str, side: str, folder: Path, chosen: argparse.Namespace) -> dict[str, float]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.bench.index_scale", "--step", step, "--side", side, "--folder", str(folder)),
            *("--passages", str(chosen.passages), "--batch", str(chosen.batch), "--seed", str(chosen.seed)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == (-signal.SIGKILL if step == "die" else 0), (
        f"{step} of {side} ended with {done.returncode}"
    )
    return dict(json.loads(done.stdout)) if done.stdout else {}


def measure(chosen: argparse.Namespace) -> tuple[dict[str, dict[str, float]], float]:
    """Best figures of each side, and the port's reopening after a kill."""
    best: dict[str, dict[str, float]] = {"port": {}, "bare": {}}
    killed_s = float("inf")
    for number in range(chosen.rounds):
        for side in ("port", "bare") if number % 2 == 0 else ("bare", "port"):
            with tempfile.TemporaryDirectory(prefix="scale-") as place:
                folder = Path(place)
                figures = in_process("fill", side, folder, chosen) | in_process("reopen", side, folder, chosen)
                shown = json.dumps({k: round(v, 3) for k, v in figures.items()})
                print(f"round {number + 1} {side}: {shown}  load {os.getloadavg()[0]:.1f}", flush=True)
                best[side] = {k: min(v, best[side].get(k, v)) for k, v in figures.items()}
                if side == "port" and number == chosen.rounds - 1:
                    in_process("die", side, folder, chosen)
                    killed_s = in_process("reopen", side, folder, chosen)["reopen_s"]
    return best, killed_s


def report(best: dict[str, dict[str, float]], killed_s: float) -> bool:
    port, bare = best["port"], best["bare"]
    print(f"\n{'':48}{'port':>9}{'bare':>9}{'ratio':>7}   bare, measured before\n{'':-<100}")
    met = True
    for key, name in LINES.items():
        ours, theirs = port.get(key), bare.get(key)
        ratio = ours / theirs if ours is not None and theirs else None
        met &= key == "insert_s" or ratio is None or ratio <= GOAL
        shown = [f"{v:9.2f}" if v is not None else f"{'-':>9}" for v in (ours, theirs)]
        print(f"{name:48}{''.join(shown)}{f'{ratio:7.2f}' if ratio else '      -'}   {PUBLISHED.get(key, '')}")
    print(f"{f'reopen after kill -9, {KILLED_PASSAGES} passages on top [s]':48}{killed_s:9.2f}")
    print(
        f"{bare['terms']:.1f} sparse terms per passage; within {GOAL} times the bare engine: {'yes' if met else 'NO'}"
    )
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32, help="passages per call; the product writes 32")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--step", choices=("fill", "reopen", "die"))
    parser.add_argument("--side", choices=("port", "bare"))
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.step is None:
        print(
            f"{chosen.passages} passages of {DIMENSION} dimensions in batches of {chosen.batch}, {os.cpu_count()} cores"
        )
        return 0 if report(*measure(chosen)) else 1
    if chosen.step == "die":
        asyncio.run(die(chosen.side, chosen.folder, chosen))
    step = fill(chosen.side, chosen.folder, chosen) if chosen.step == "fill" else reopen(chosen.side, chosen.folder)
    print(json.dumps(asyncio.run(step)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
