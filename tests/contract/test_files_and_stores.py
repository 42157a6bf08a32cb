"""Files, vector stores and batches by the official SDK, sync and async, against the whole appliance."""

import io
import json
import uuid
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types import Batch

from tests.support.process import ApplianceProcess, wait_until

pytestmark = pytest.mark.engine

CHAT, EMBED = "smollm2-135m-instruct", "multilingual-e5-small"
HOTEL = b"# Travel\n\nThe company pays up to 140 euros per night for a hotel.\n"
PUMP = b"# Maintenance\n\nThe pump in hall 3 is oiled every six months.\n"


@pytest.fixture(scope="module")
def key(product: ApplianceProcess) -> str:
    return str(product.cli_json("keys", "create", "stores")["key"])


@pytest.fixture(scope="module")
def client(product: ApplianceProcess, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{product.url}/v1", api_key=key, max_retries=0, timeout=120) as made:
        yield made


def a_client(product: ApplianceProcess, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{product.url}/v1", api_key=key, max_retries=0, timeout=120)


def test_a_file_from_upload_to_deletion(client: openai.OpenAI) -> None:
    made = client.files.create(
        file=("notes.txt", HOTEL), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert (made.object, made.bytes, made.filename, made.purpose) == ("file", len(HOTEL), "notes.txt", "user_data")
    assert made.expires_at == made.created_at + 3600
    assert client.files.retrieve(made.id) == made
    assert client.files.wait_for_processing(made.id).status == "processed"
    assert client.files.content(made.id).read() == HOTEL
    others = [client.files.create(file=io.BytesIO(PUMP), purpose="vision").id for _ in range(3)]
    pages = [f.id for f in client.files.list(limit=2, purpose="vision")]
    assert pages == others[::-1], "the SDK follows our cursor"
    for file_id in (made.id, *others):
        assert client.files.delete(file_id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=HOTEL, purpose="virtue")  # type: ignore[arg-type]


def test_a_vector_store_with_files_and_search(client: openai.OpenAI) -> None:
    store = client.vector_stores.create(
        name="Rules", metadata={"team": "a"}, expires_after={"anchor": "last_active_at", "days": 7}
    )
    assert (store.object, store.name, store.metadata) == ("vector_store", "Rules", {"team": "a"})
    uploaded = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("travel.md", HOTEL))
    assert uploaded.status == "completed", uploaded
    pump = client.files.create(file=("pump.md", PUMP), purpose="assistants")
    polled = client.vector_stores.files.create_and_poll(
        pump.id, vector_store_id=store.id, attributes={"hall": 3, "kind": "manual"}
    )
    assert (polled.status, polled.attributes) == ("completed", {"hall": 3, "kind": "manual"})
    found = client.vector_stores.search(store.id, query="How much may a hotel cost per night?", max_num_results=5)
    best = next(iter(found))
    assert (best.file_id, best.filename) == (uploaded.id, "travel.md")
    assert "140 euros" in best.content[0].text
    assert 0 < best.score <= 1
    only = client.vector_stores.search(
        store.id,
        query="How much may a hotel cost per night?",
        filters={
            "type": "and",
            "filters": [
                {"type": "gte", "key": "hall", "value": 3},
                {"type": "eq", "key": "kind", "value": "manual"},
            ],
        },
        ranking_options={"ranker": "auto", "score_threshold": 0.0},
        rewrite_query=True,
    )
    assert {hit.file_id for hit in only} == {pump.id}
    changed = client.vector_stores.files.update(pump.id, vector_store_id=store.id, attributes={"hall": 4})
    assert changed.attributes == {"hall": 4}
    text = "".join(part.text or "" for part in client.vector_stores.files.content(pump.id, vector_store_id=store.id))
    assert "six months" in text
    assert client.vector_stores.retrieve(store.id).file_counts.completed == 2
    assert client.vector_stores.update(store.id, name="Other").name == "Other"
    assert store.id in {s.id for s in client.vector_stores.list(limit=1)}
    assert client.vector_stores.files.delete(pump.id, vector_store_id=store.id).deleted
    assert [f.id for f in client.vector_stores.files.list(store.id, filter="completed")] == [uploaded.id]
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(store.id)


def test_documents_of_the_firm_are_there_for_programs(client: openai.OpenAI) -> None:
    (samples,) = [s for s in client.vector_stores.list() if s.name == "Samples"]
    assert samples.file_counts.completed > 5
    found = client.vector_stores.search(samples.id, query="How much does the company pay per night for a hotel?")
    assert any("140 euros" in part.text for hit in found for part in hit.content)


def test_a_file_that_cannot_be_read_tells_why(client: openai.OpenAI) -> None:
    store = client.vector_stores.create(name=f"broken {uuid.uuid4().hex}")
    broken = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("a.pdf", b"%PDF-1.7 no"))
    assert broken.status == "failed"
    assert broken.last_error is not None
    assert broken.last_error.code == "invalid_file"
    client.vector_stores.delete(store.id)


async def test_a_batch_of_files_async(product: ApplianceProcess, key: str) -> None:
    async with a_client(product, key) as client:
        store = await client.vector_stores.create(name="Async")
        done = await client.vector_stores.file_batches.upload_and_poll(
            store.id, files=[("travel.md", HOTEL), ("pump.md", PUMP)]
        )
        assert done.status == "completed"
        assert (done.file_counts.completed, done.file_counts.total) == (2, 2)
        assert (await client.vector_stores.file_batches.retrieve(done.id, vector_store_id=store.id)).id == done.id
        listed = client.vector_stores.file_batches.list_files(done.id, vector_store_id=store.id)
        assert len({file.id async for file in listed}) == 2
        found = await client.vector_stores.search(store.id, query=["hotel per night", "oil for the pump"])
        assert {hit.filename for hit in found.data} == {"travel.md", "pump.md"}
        cancelled = await client.vector_stores.file_batches.cancel(done.id, vector_store_id=store.id)
        assert cancelled.status == "cancelled"
        assert cancelled.file_counts.completed == 2, "what is in the store stays"
        await client.vector_stores.delete(store.id)


def jsonl(url: str, bodies: list[dict[str, Any]]) -> bytes:
    lines = [{"custom_id": f"r{n}", "method": "POST", "url": url, "body": body} for n, body in enumerate(bodies)]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def ended(client: openai.OpenAI, batch_id: str) -> Batch:
    states = ("completed", "failed", "cancelled", "expired")
    wait_until(lambda: client.batches.retrieve(batch_id).status in states, 100, "the batch has ended")
    return client.batches.retrieve(batch_id)


def test_a_batch_of_chats(client: openai.OpenAI) -> None:
    question = [{"role": "user", "content": "What is the capital of Germany?"}]
    bodies = [{"model": CHAT, "messages": question, "max_tokens": 10, "temperature": 0} for _ in range(3)]
    bodies.append({"model": CHAT, "messages": [], "max_tokens": 10})
    file = client.files.create(file=("in.jsonl", jsonl("/v1/chat/completions", bodies)), purpose="batch")
    made = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"job": "nightly"},
        output_expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert (made.object, made.metadata, made.input_file_id) == ("batch", {"job": "nightly"}, file.id)
    done = ended(client, made.id)
    assert (done.status, done.model) == ("completed", CHAT)
    assert done.request_counts is not None
    assert (done.request_counts.completed, done.request_counts.failed) == (3, 1)
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0
    output = [json.loads(x) for x in client.files.content(done.output_file_id or "").text.splitlines()]
    answers = [x["response"]["body"]["choices"][0]["message"]["content"] for x in output]
    assert [x["custom_id"] for x in output] == ["r0", "r1", "r2"]
    assert all("Berlin" in answer for answer in answers)
    (failed,) = [json.loads(x) for x in client.files.content(done.error_file_id or "").text.splitlines()]
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("r3", 400)
    assert client.files.retrieve(done.output_file_id or "").expires_at is not None
    assert made.id in {b.id for b in client.batches.list(limit=1)}
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(made.id)


async def test_a_batch_of_embeddings_async(product: ApplianceProcess, key: str, client: openai.OpenAI) -> None:
    bodies = [{"model": EMBED, "input": f"query: {n}"} for n in range(4)]
    async with a_client(product, key) as program:
        file = await program.files.create(file=("in.jsonl", jsonl("/v1/embeddings", bodies)), purpose="batch")
        made = await program.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h")
        assert (await program.batches.retrieve(made.id)).id == made.id
    done = ended(client, made.id)
    output = [json.loads(x) for x in client.files.content(done.output_file_id or "").text.splitlines()]
    assert [len(x["response"]["body"]["data"][0]["embedding"]) for x in output] == [384] * 4


def test_an_input_that_does_not_fit_names_its_lines(client: openai.OpenAI) -> None:
    file = client.files.create(file=("in.jsonl", b'{"custom_id": "a"}\nno json\n'), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h")
    done = ended(client, made.id)
    assert done.status == "failed"
    assert done.errors is not None
    assert [error.line for error in done.errors.data or []] == [1, 2]
