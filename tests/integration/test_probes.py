"""Each kind of engine is asked for work with a known result before it counts as ready."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from appliance.inference import Catalogue, EngineUnavailable, Entry
from appliance.inference.catalogue import ChatProbe, Probes, RerankProbe
from appliance.inference.client import EngineClient
from appliance.inference.probe import WrongAnswer, probe
from appliance.inference.tls import AiohttpTransport
from appliance.inference.transport import EngineTransport, way_to
from tests.fakes.engine import FakeEngine

CATALOGUE = Catalogue.load(Path("/nonexistent"))


Connect = Callable[[str], EngineTransport]


@pytest.fixture(params=["own client", "aiohttp"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    ways: list[EngineTransport] = []
    async with aiohttp.ClientSession() as session:

        def make(url: str) -> EngineTransport:
            if request.param == "aiohttp":
                return AiohttpTransport(session, url.removesuffix("/v1"), 10.0)
            ways.append(way_to(url, 10.0))
            return ways[-1]

        yield make
    for way in ways:
        way.close()


@pytest.mark.parametrize(
    "model", ["smollm2-135m-instruct", "multilingual-e5-small", "bge-reranker-v2-m3", "whisper-large-v3"]
)
async def test_an_engine_that_does_its_work_is_ready(engine: FakeEngine, connect: Connect, model: str) -> None:
    await probe(CATALOGUE.get(model), EngineClient(connect(engine.url), model))


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        ("smollm2-135m-instruct", Probes(chat=ChatProbe("What is the capital of Germany?", "Paris"))),
        ("bge-reranker-v2-m3", Probes(rerank=RerankProbe("a b c", "nothing", "a b c"))),
    ],
)
async def test_an_engine_that_answers_wrong_is_not(
    engine: FakeEngine, connect: Connect, model: str, wrong: Probes
) -> None:
    entry: Entry = replace(CATALOGUE.get(model), probe=wrong)
    with pytest.raises(WrongAnswer):
        await probe(entry, EngineClient(connect(engine.url), model))


@pytest.mark.parametrize("model", ["bge-reranker-v2-m3", "whisper-large-v3"])
async def test_an_engine_that_is_not_there_is_not(connect: Connect, model: str) -> None:
    with pytest.raises(EngineUnavailable):
        await probe(CATALOGUE.get(model), EngineClient(connect("http://127.0.0.1:9/v1"), model))
