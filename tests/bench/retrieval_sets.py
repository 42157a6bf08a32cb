"""How well the shipped search finds: public question sets, the real embedding engine, the product's own code.

    python -m tests.bench.retrieval_sets [SET…]

Each passage of a set becomes a document of its own: cut, prefixed, embedded, indexed and searched by the functions that
the product uses. Embeddings are kept in .appliance/bench-cache, so a second run needs minutes less. Sets: squad_en,
jsquad_ja, cmrc_zh, cranfield_graded.
"""

import argparse
import asyncio
import csv
import hashlib
import json
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from pathlib import Path
from statistics import mean

import numpy as np

from appliance.documents.ingest import searchable_text
from appliance.index import EdgeIndex, PassagePoint, SearchScope, space_name
from appliance.inference import EmbeddingProfile, Engines, InferenceSettings, ModelChoice
from appliance.parsing import Block, ParsedDocument, PassageRules, make_passages
from tests.bench.metrics import ndcg, percentile, recall, reciprocal_rank
from tests.conftest import SHARED
from tests.support.process import ENGINE_ENVIRONMENT, ENGINE_MODELS, ROOT

GOALS = {
    "squad_en": ("nDCG@10", 0.91),
    "jsquad_ja": ("nDCG@10", 0.93),
    "cmrc_zh": ("R@5", 0.99),
    "cranfield_graded": ("nDCG@10", 0.38),
}
CACHE = ROOT / ".appliance" / "bench-cache"
COLLECTION = uuid.UUID(int=1)
DEPTH = 50
"""Passages asked for, so that ten documents come of them."""


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def grades(folder: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "qrels.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found[row["query-id"]][row["corpus-id"]] = int(row["score"])
    return found


class Embeddings:
    """The engine, asked once per text."""

    def __init__(self, engines: Engines, profile: EmbeddingProfile) -> None:
        self._engines = engines
        self._profile = profile

    async def passages(self, texts: list[str]) -> np.ndarray:
        return await self._kept("passages", texts)

    async def queries(self, texts: list[str]) -> np.ndarray:
        return await self._kept("queries", texts)

    async def _kept(self, kind: str, texts: list[str]) -> np.ndarray:
        name = hashlib.sha256("\0".join([kind, self._profile.model_id, *texts]).encode()).hexdigest()[:24]
        file = CACHE / f"{name}.npy"
        if not file.exists():
            await self._engines.wait_ready(self._profile.model_id, 300)
            if kind == "passages":
                vectors = await self._engines.embed_passages(self._profile, texts)
            else:
                vectors = [await self._engines.embed_query(self._profile, text) for text in texts]
            CACHE.mkdir(parents=True, exist_ok=True)
            np.save(file, np.array(vectors, dtype=np.float32))
        return np.load(file)


def cut(corpus: list[dict[str, str]]) -> list[tuple[str, str]]:
    """(document, searchable text) of each passage."""
    found = []
    for entry in corpus:
        block = Block(kind="paragraph", text=entry["text"])
        parsed = ParsedDocument(entry["title"], "text/plain", (block,))
        found += [(entry["id"], searchable_text(parsed.title, d)) for d in make_passages(parsed, PassageRules())]
    return found


async def measure(name: str, folder: Path, embeddings: Embeddings, dimension: int) -> bool:
    passages = cut(lines(folder / "corpus.jsonl"))
    queries, wanted = lines(folder / "queries.jsonl"), grades(folder)
    started = time.monotonic()
    vectors = await embeddings.passages([text for _, text in passages])
    asked = await embeddings.queries([q["text"] for q in queries])
    embedded_s = time.monotonic() - started
    with tempfile.TemporaryDirectory() as place:
        index = EdgeIndex(Path(place))
        space = space_name("bench", dimension)
        await index.ensure_space(space, dimension)
        documents: dict[uuid.UUID, str] = {}
        points = []
        for number, ((document, text), vector) in enumerate(zip(passages, vectors, strict=True)):
            key = uuid.UUID(int=number + 1)
            documents[key] = document
            points.append(PassagePoint(key, COLLECTION, key, key, vector.tolist(), text))
        for at in range(0, len(points), 500):
            await index.upsert(space, points[at : at + 500])
        scores: dict[str, list[float]] = defaultdict(list)
        scope = SearchScope(frozenset([COLLECTION]))
        for query, vector in zip(queries, asked, strict=True):
            began = time.perf_counter()
            hits = await index.search(space, dense=vector.tolist(), text=query["text"], scope=scope, limit=DEPTH)
            scores["ms"].append((time.perf_counter() - began) * 1000)
            ranking = list(dict.fromkeys(documents[h.passage_id] for h in hits))
            scores["nDCG@10"].append(ndcg(ranking, wanted[query["id"]]))
            scores["R@5"].append(recall(ranking, wanted[query["id"]], 5))
            scores["R@20"].append(recall(ranking, wanted[query["id"]], 20))
            scores["MRR@10"].append(reciprocal_rank(ranking, wanted[query["id"]]))
        await index.close()
    figure, goal = GOALS[name]
    reached = mean(scores[figure]) >= goal
    print(
        f"{name:18} {len(queries):4} queries over {len(passages)} passages  "
        + "  ".join(f"{k} {mean(scores[k]):.3f}" for k in ("nDCG@10", "R@5", "R@20", "MRR@10"))
        + f"  search p50 {percentile(scores['ms'], 0.5):.2f} ms p95 {percentile(scores['ms'], 0.95):.2f} ms"
        + f"  (embedding took {embedded_s:.0f} s)  {figure} >= {goal}: {'yes' if reached else 'NO'}",
        flush=True,
    )
    return reached


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(GOALS))
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "retrieval")
    chosen = parser.parse_args()
    model = "multilingual-e5-small"
    with tempfile.TemporaryDirectory() as logs:
        settings = InferenceSettings(ENGINE_ENVIRONMENT, ENGINE_MODELS, Path(logs), (ModelChoice(model),))
        engines = Engines(settings)
        profile = engines.default_embedding_profile()
        await engines.start()
        try:
            embeddings = Embeddings(engines, profile)
            reached = [await measure(s, chosen.data / s, embeddings, profile.dimension) for s in chosen.sets]
        finally:
            await engines.stop()
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
