"""The table of request fields: whole, and the one in the documentation."""

import typing
from typing import Any, cast

import msgspec
import pytest
from anthropic.types import message_create_params
from openai.types import (
    batch_create_params,
    completion_create_params,
    embedding_create_params,
    file_create_params,
    image_generate_params,
    vector_store_create_params,
    vector_store_search_params,
)
from openai.types.audio import transcription_create_params
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.responses import response_create_params
from openai.types.vector_stores import file_batch_create_params
from openai.types.vector_stores import file_create_params as store_file_create_params

from appliance.openai_api.batches.wire import BatchCreate
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest
from appliance.openai_api.completions.wire import CompletionRequest
from appliance.openai_api.embeddings.wire import EmbeddingsRequest
from appliance.openai_api.fields import ENDPOINTS
from appliance.openai_api.messages.wire import MessagesRequest
from appliance.openai_api.responses.wire import ResponsesRequest
from appliance.openai_api.vector_stores.wire import FileAttach, FileBatchCreate, SearchRequest, StoreCreate
from tests.support.field_tables import tables, written

SPECIFIED: dict[str, Any] = {
    "chat/completions": chat_create_params.CompletionCreateParamsBase,
    "completions": completion_create_params.CompletionCreateParamsBase,
    "responses": response_create_params.ResponseCreateParamsBase,
    "messages": message_create_params.MessageCreateParamsBase,
    "embeddings": embedding_create_params.EmbeddingCreateParams,
    "images/generations": image_generate_params.ImageGenerateParamsBase,
    "audio/transcriptions": transcription_create_params.TranscriptionCreateParamsBase,
    "files": file_create_params.FileCreateParams,
    "vector_stores": vector_store_create_params.VectorStoreCreateParams,
    "vector_stores/files": store_file_create_params.FileCreateParams,
    "vector_stores/file_batches": file_batch_create_params.FileBatchCreateParams,
    "vector_stores/search": vector_store_search_params.VectorStoreSearchParams,
    "batches": batch_create_params.BatchCreateParams,
}
STREAMED = {"chat/completions", "completions", "responses", "messages", "images/generations", "audio/transcriptions"}
OLDER = {"messages": {"temperature", "top_p", "top_k"}}
"""No longer in the SDK's types, still in the interface."""
TYPED = {
    "chat/completions": ChatCompletionRequest,
    "completions": CompletionRequest,
    "responses": ResponsesRequest,
    "messages": MessagesRequest,
    "embeddings": EmbeddingsRequest,
    "vector_stores": StoreCreate,
    "vector_stores/files": FileAttach,
    "vector_stores/file_batches": FileBatchCreate,
    "vector_stores/search": SearchRequest,
    "batches": BatchCreate,
}


@pytest.mark.parametrize("endpoint", SPECIFIED)
def test_every_field_of_the_sdk_is_in_the_table_and_no_other(endpoint: str) -> None:
    known = set(typing.get_type_hints(SPECIFIED[endpoint])) | ({"stream"} if endpoint in STREAMED else set())
    known |= OLDER.get(endpoint, set())
    assert {f.name for f in ENDPOINTS[endpoint]} == known


@pytest.mark.parametrize("endpoint", TYPED)
def test_every_field_of_the_table_has_its_type(endpoint: str) -> None:
    assert {f.name for f in msgspec.structs.fields(cast("type[msgspec.Struct]", TYPED[endpoint]))} == {
        f.name for f in ENDPOINTS[endpoint]
    }


def test_a_field_that_is_dropped_or_refused_has_its_reason() -> None:
    silent = [f"{e}: {f.name}" for e, fs in ENDPOINTS.items() for f in fs if f.standing != "works" and not f.note]
    assert not silent


def test_the_documentation_has_the_tables() -> None:
    assert written() == tables(), "run: python -m tests.support.field_tables"
