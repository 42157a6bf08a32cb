"""The part of Qdrant's REST interface that the product uses, over Qdrant's own embedded engine.

The real client talks to a real engine; only the HTTP layer between them is ours. It refuses what it does not know, so a
new use of the client shows up as an error here and not as a silent difference.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import qdrant_edge as qe
from aiohttp import web


class Collections:
    """One shard per collection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[str, qe.EdgeShard] = {}
        self._params: dict[str, Any] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/collections/{name}/exists", self._exists)
        app.router.add_get("/collections/{name}", self._info)
        app.router.add_put("/collections/{name}", self._create)
        app.router.add_put("/collections/{name}/index", self._index)
        app.router.add_put("/collections/{name}/points", self._upsert)
        app.router.add_post("/collections/{name}/points/query", self._query)
        app.router.add_post("/collections/{name}/points/delete", self._delete)
        app.router.add_post("/collections/{name}/points/count", self._count)
        return app

    def close(self) -> None:
        for shard in self._shards.values():
            shard.close()

    async def _exists(self, request: web.Request) -> web.Response:
        return _ok({"exists": request.match_info["name"] in self._shards})

    async def _info(self, request: web.Request) -> web.Response:
        params = self._params[request.match_info["name"]]
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000}
        optimizer = {
            "deleted_threshold": 0.2,
            "vacuum_min_vector_number": 1000,
            "default_segment_number": 0,
            "flush_interval_sec": 5,
        }
        return _ok(
            {
                "status": "green",
                "optimizer_status": "ok",
                "segments_count": 1,
                "config": {"params": params, "hnsw_config": hnsw, "optimizer_config": optimizer},
                "payload_schema": {},
            }
        )

    async def _create(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await request.json()
        path = self._folder / name
        path.mkdir(parents=True)
        vectors = {
            key: qe.EdgeVectorParams(size=v["size"], distance=getattr(qe.Distance, v["distance"]))
            for key, v in body["vectors"].items()
        }
        sparse = {
            key: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf if v.get("modifier") == "idf" else None)
            for key, v in body["sparse_vectors"].items()
        }
        self._shards[name] = qe.EdgeShard.create(str(path), qe.EdgeConfig(vectors=vectors, sparse_vectors=sparse))
        self._params[name] = {"vectors": body["vectors"], "sparse_vectors": body["sparse_vectors"]}
        return _ok(True)

    async def _index(self, request: web.Request) -> web.Response:
        body = await request.json()
        schema = body["field_schema"]
        tenant = isinstance(schema, dict) and bool(schema.get("is_tenant"))
        params = qe.KeywordIndexParams(is_tenant=tenant)
        self._shard(request).update(qe.UpdateOperation.create_field_index(body["field_name"], params))
        return _ok({"operation_id": 1, "status": "completed"})

    async def _upsert(self, request: web.Request) -> web.Response:
        points = [
            qe.Point(id=p["id"], vector={k: _vector(v) for k, v in p["vector"].items()}, payload=p["payload"])
            for p in (await request.json())["points"]
        ]
        self._shard(request).update(qe.UpdateOperation.upsert_points(points))
        return _ok({"operation_id": 1, "status": "completed"})

    async def _query(self, request: web.Request) -> web.Response:
        body = await request.json()
        prefetches = [
            qe.Prefetch(
                limit=p["limit"],
                query=qe.Query.Nearest(_vector(p["query"]), using=p["using"]),
                filter=_filter(p["filter"]),
            )
            for p in body["prefetch"]
        ]
        found = self._shard(request).query(
            qe.QueryRequest(
                limit=body["limit"],
                query=qe.Fusion.Rrf(k=body["query"]["rrf"]["k"], weights=body["query"]["rrf"]["weights"]),  # type: ignore[arg-type]
                prefetches=prefetches,
                filter=_filter(body["filter"]),
                with_payload=body["with_payload"],
            )
        )
        points = [{"id": str(p.id), "version": 1, "score": p.score, "payload": p.payload} for p in found]
        return _ok({"points": points})

    async def _delete(self, request: web.Request) -> web.Response:
        match = _filter((await request.json())["filter"])
        self._shard(request).update(qe.UpdateOperation.delete_points_by_filter(match))
        return _ok({"operation_id": 1, "status": "completed"})

    async def _count(self, request: web.Request) -> web.Response:
        match = _filter((await request.json())["filter"])
        return _ok({"count": self._shard(request).count(qe.CountRequest(exact=True, filter=match))})

    def _shard(self, request: web.Request) -> qe.EdgeShard:
        return self._shards[request.match_info["name"]]


def _ok(result: object) -> web.Response:
    return web.json_response({"result": result, "status": "ok", "time": 0.0})


def _vector(value: Any) -> Any:
    if isinstance(value, dict) and "indices" in value:
        return qe.SparseVector(value["indices"], value["values"])
    return value["nearest"] if isinstance(value, dict) else value


def _filter(value: dict[str, Any]) -> qe.Filter:
    def conditions(found: list[Any] | None) -> list[Any]:
        return [qe.FieldCondition(c["key"], match=_match(c["match"])) for c in found or []]

    unknown = set(value) - {"must", "must_not"}
    assert not unknown, f"a filter with {unknown} is not known here"
    return qe.Filter(must=conditions(value.get("must")), must_not=conditions(value.get("must_not")))


def _match(value: dict[str, Any]) -> Any:
    return qe.MatchAny(value["any"]) if "any" in value else qe.MatchValue(value["value"])


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    """Listen on the loopback address while the block runs; the URL."""
    collections = Collections(folder)
    runner = web.AppRunner(collections.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        collections.close()
