"""What a caller could send: good bodies of every kind, and ways to spoil them. All chance comes from one generator."""

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CHAT, EMBED = "smollm2-135m-instruct", "multilingual-e5-small"
UUID = "00000000-0000-4000-8000-000000000000"
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # noqa: E501 - one pixel
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
MESSAGES = [{"role": "system", "content": "Short."}, {"role": "user", "content": "What is the capital?"}]

GOOD: dict[str, list[Any]] = {
    "POST /v1/chat/completions": [
        {"model": CHAT, "messages": MESSAGES, "max_tokens": 8},
        {"model": CHAT, "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}},
        {"model": CHAT, "messages": MESSAGES, "tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": True},
        {"model": CHAT, "messages": MESSAGES, "tools": [TOOL], "tool_choice": "required", "stream": True},
        {"model": CHAT, "messages": MESSAGES, "response_format": {"type": "json_object"}},
        {
            "model": CHAT,
            "messages": MESSAGES,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}},
        },
        {
            "model": CHAT,
            "messages": [
                *MESSAGES,
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "1"},
            ],
            "tools": [TOOL],
        },
        {
            "model": CHAT,
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": PICTURE}}],
                }
            ],
        },
        {
            "model": CHAT,
            "messages": MESSAGES,
            "n": 2,
            "logprobs": True,
            "top_logprobs": 2,
            "seed": 1,
            "stop": ["a", "b"],
            "temperature": 0.5,
            "top_p": 0.9,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.1,
            "user": "u",
            "metadata": {"a": "b"},
            "store": False,
            "reasoning_effort": "low",
            "logit_bias": {"5": 1},
        },
        {"model": "documents", "messages": MESSAGES, "stream": True},
        {"model": "chat", "messages": MESSAGES},
    ],
    "POST /v1/completions": [
        {"model": CHAT, "prompt": "Once", "max_tokens": 4},
        {"model": CHAT, "prompt": ["a", "b"], "stream": True, "n": 1, "stop": "x", "echo": False, "logprobs": 1},
        {"model": CHAT, "prompt": [1, 2, 3], "max_tokens": 4, "seed": 5},
    ],
    "POST /v1/embeddings": [
        {"model": EMBED, "input": "text"},
        {"model": EMBED, "input": ["a", "b"], "encoding_format": "base64"},
        {"model": EMBED, "input": [[1, 2], [3]], "dimensions": 384, "user": "x"},
    ],
    "POST /v1/responses": [
        {"model": CHAT, "input": "What is it?", "max_output_tokens": 8},
        {"model": CHAT, "input": [{"role": "user", "content": "x"}], "stream": True, "store": False},
        {
            "model": CHAT,
            "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}],
            "instructions": "Short.",
            "tools": [{"type": "function", "name": "look", "parameters": SCHEMA, "strict": True}],
            "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
            "metadata": {"a": "b"},
            "previous_response_id": "resp_" + "0" * 32,
        },
        {"model": CHAT, "input": "x", "tools": [{"type": "file_search", "vector_store_ids": ["vs_" + "0" * 32]}]},
    ],
    "POST /v1/messages": [
        {"model": CHAT, "max_tokens": 8, "messages": [{"role": "user", "content": "x"}]},
        {
            "model": CHAT,
            "max_tokens": 8,
            "stream": True,
            "system": [{"type": "text", "text": "x"}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
            "tools": [{"name": "look", "input_schema": SCHEMA}],
            "tool_choice": {"type": "auto"},
        },
    ],
    "POST /v1/messages/count_tokens": [{"model": CHAT, "messages": [{"role": "user", "content": "x"}]}],
    "POST /v1/rerank": [{"model": EMBED, "query": "x", "documents": ["a", "b"], "top_n": 1}],
    "POST /v1/score": [{"model": EMBED, "text_1": "x", "text_2": ["a", "b"]}],
    "POST /v1/images/generations": [{"model": "x", "prompt": "a house", "n": 1, "size": "256x256"}],
    "POST /v1/vector_stores": [{"name": "x", "file_ids": [], "metadata": {"a": "b"}, "expires_after": None}],
    "POST /v1/vector_stores/{}": [{"name": "y", "metadata": {"a": "c"}}],
    "POST /v1/vector_stores/{}/files": [{"file_id": "file-" + "0" * 32, "attributes": {"a": 1}}],
    "POST /v1/vector_stores/{}/search": [{"query": "x", "max_num_results": 3, "rewrite_query": False}],
    "POST /v1/vector_stores/{}/file_batches": [{"file_ids": ["file-" + "0" * 32]}],
    "POST /v1/batches": [
        {"input_file_id": "file-" + "0" * 32, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    ],
    "POST /api/search": [{"query": "night", "limit": 5}, {"query": "x", "collection_ids": [UUID]}],
    "POST /api/ask": [{"question": "How much?", "assistant_id": "chat"}, {"question": "x", "collection_ids": [UUID]}],
    "POST /api/conversations": [{}],
    "PATCH /api/conversations/{}": [{"title": "x"}],
    "POST /api/conversations/{}/turns": [{"question": "x", "assistant_id": "chat"}],
    "POST /api/collections": [{"name": "fuzz", "description": "x", "readers": [{"kind": "everyone"}]}],
    "PATCH /api/collections/{}": [{"name": "y", "readers": [{"kind": "user", "id": UUID}]}],
    "POST /api/groups": [{"name": "x"}],
    "PATCH /api/users/{}": [{"name": "x", "roles": ["user"]}],
    "POST /api/keys": [{"name": "x", "expires_in_days": 1}],
    "POST /api/me/password": [{"current": "x", "new": "y"}],
    "POST /auth/login": [{"email": "x@example.org", "password": "x"}],
}
"""Bodies that are good as they are, as far as the things exist that they name."""

JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, -1e308, 5e-324, 10**400),
    *(
        "",
        " ",
        "x",
        "0",
        "\x00",
        "\u2028",
        "é" * 50,
        "日本語",
        "𝒳",
        "x" * 5000,
        "/../..",
        "${jndi:x}",
        "<script>",
        "%s%n",
    ),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": {"c": []}}}, ["x"] * 50, [[[[[[1]]]]]], {"type": "x"}, {"role": "x"}),
    *(UUID, CHAT, EMBED, "documents", "chat", "auto", "none", "required", "function", "user", "tool", "json_schema"),
]

MOST_CHARACTERS = 20_000
"""Of a text that was made longer; long bodies have ways of their own, and one that is spoilt often must not explode."""

NEW_KEYS = (
    "",
    "x",
    "chat_template",
    "priority",
    "__class__",
    "cache_salt",
    "n",
    "stream",
    "model",
    "id",
    "guided_json",
)


@dataclass(frozen=True)
class Spoilt:
    """A body as bytes, with the headers that belong to it."""

    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def body_for(rng: random.Random, operation: str) -> Spoilt:
    """A body for `METHOD /path` with `{}` for each parameter: good, spoilt in its values, or in its bytes."""
    value = copy.deepcopy(rng.choice(GOOD.get(operation) or [{}, {"name": "x"}, {"id": UUID}]))
    way = rng.random()
    if way < 0.15:
        return Spoilt(json.dumps(value).encode())
    if way < 0.70:
        for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
            value = spoil_value(rng, value)
        return Spoilt(json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass"))
    if way < 0.92:
        return Spoilt(rng.choice(TEXT_WAYS)(rng, json.dumps(value).encode()))
    return rng.choice(TYPE_WAYS)(rng, json.dumps(value).encode())


def spoil_value(rng: random.Random, value: Any) -> Any:
    """Change one place."""
    places = list(_places(value))
    if not places or rng.random() < 0.02:
        return copy.deepcopy(rng.choice(JUNK))  # it may be spoilt further
    container, key = rng.choice(places)
    way = rng.random()
    if way < 0.5:
        container[key] = copy.deepcopy(rng.choice(JUNK))
    elif way < 0.65:
        del container[key]
    elif way < 0.8 and isinstance(container, dict):
        container[rng.choice(NEW_KEYS)] = copy.deepcopy(rng.choice(JUNK))
    elif way < 0.9 and isinstance(container, list):
        more = rng.choice((1, 5, 300)) if len(container) < 300 and isinstance(container[key], int | str) else 3
        container.extend(copy.deepcopy(container[key]) for _ in range(more))
    else:
        container[key] = _like(rng, container[key])
    return value


def _like(rng: random.Random, value: Any) -> Any:
    """Another value of the same type, or the value inside something."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice((0, -1, value * 1000, 10**18, 0.1, -0.0))
    if isinstance(value, str):
        return rng.choice(
            (
                (value * 200)[:MOST_CHARACTERS],
                value[:1],
                value.upper(),
                f" {value}",
                value + "\x00",
                "\ud800",
                "ﷺ" * 100,
            )
        )
    return rng.choice(([value], {"x": value}, [value] * 3))


def _places(value: Any) -> Any:
    stack = [value]
    while stack:
        inside = stack.pop()
        keys = list(inside) if isinstance(inside, dict) else range(len(inside)) if isinstance(inside, list) else ()
        for key in keys:
            yield inside, key
            if isinstance(inside[key], dict | list):
                stack.append(inside[key])


def _cut(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _noise(rng: random.Random, body: bytes) -> bytes:
    at = rng.randrange(len(body) + 1)
    return body[:at] + rng.randbytes(rng.choice((1, 1, 2, 8, 200))) + body[at + rng.choice((0, 1)) :]


def _swapped(rng: random.Random, body: bytes) -> bytes:
    old = rng.choice((b'"', b":", b",", b"{", b"}", b"[", b"]", b"1", b"true", b"null", b"x"))
    return body.replace(old, rng.choice((b"", b"NaN", b"1e999", b"-Infinity", b'"\\ud800"', b"\x00", b"9" * 6000)), 1)


def _double_key(_rng: random.Random, body: bytes) -> bytes:
    return body.replace(b"{", b'{"model":"x","model":"y",', 1)


def _deep(rng: random.Random, body: bytes) -> bytes:
    depth = rng.choice((63, 64, 65, 500, 1000, 5000, 50_000))
    opened, closed = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    inner = opened * depth + b"1" + closed * (depth if rng.random() < 0.7 else 0)
    return rng.choice((inner, body.replace(b'"x"', inner, 1)))


def _encoded(rng: random.Random, body: bytes) -> bytes:
    text = body.decode()
    return rng.choice(
        (b"\xef\xbb\xbf" + body, text.encode("utf-16"), text.encode("utf-32"), b"\xff" + body, body + body)
    )


def _numbers(rng: random.Random, _body: bytes) -> bytes:
    number = rng.choice((b"1" * 5000, b"1e400", b"-" + b"9" * 20_000, b"0." + b"1" * 5000, b"1E+999999", b"01", b"1."))
    return b'{"model":"x","max_tokens":' + number + b',"temperature":' + number + b"}"


def _large(rng: random.Random, _body: bytes) -> bytes:
    if rng.random() < 0.1:
        size = rng.choice((70_000, 5 << 20))
        return b'{"model":"x","messages":[{"role":"user","content":"' + b"A" * size + b'"}]}'
    piece, count = rng.choice(((b"[],", 20_000), (b'{"a":1},', 10_000), (b"1,", 50_000), (b'"x",', 20_000)))
    return b'{"model":"x","input":[' + piece * count + b"1]}"


def _nothing(rng: random.Random, _body: bytes) -> bytes:
    return rng.choice((b"", b"null", b"[]", b'""', b"0", b"{}", b" ", b"{" * 3, rng.randbytes(40)))


TEXT_WAYS: list[Callable[[random.Random, bytes], bytes]] = [
    *(_cut, _cut, _noise, _noise, _swapped, _swapped),
    *(_double_key, _deep, _encoded, _numbers, _nothing),
    _large,
]


def _other_type(rng: random.Random, body: bytes) -> Spoilt:
    kinds = (
        *("", "text/plain", "application/json; charset=latin-1", "application/json; charset=utf-8", "application/xml"),
        *("APPLICATION/JSON", "application/json; x", "application/x-www-form-urlencoded", "*/*", "a" * 3000, "é/ü"),
        *("application/msgpack", "application/vnd.api+json", "multipart/form-data", "application/json, text/plain"),
    )
    return Spoilt(body, {"content-type": rng.choice(kinds)})


def _compressed(rng: random.Random, body: bytes) -> Spoilt:
    coding = rng.choice(("gzip", "br", "deflate", "identity", "x", "gzip, identity", ""))
    return Spoilt(body, {"content-type": "application/json", "content-encoding": coding})


def _form(rng: random.Random, body: bytes) -> Spoilt:
    parts = [
        (
            rng.choice(("file", "path", "purpose", "model", "prompt", "", "x" * 300, "é")),
            rng.choice(("", "a.txt", "../../x", "é.pdf", "a\x00b")),
        )
        for _ in range(rng.choice((0, 1, 2, 2, 3, 40)))
    ]
    boundary = rng.choice((b"x", b"----abc", b"y" * 70))
    data = b"".join(
        b"--" + boundary + b'\r\ncontent-disposition: form-data; name="' + name.encode() + b'"'
        + (b'; filename="' + file.encode() + b'"\r\ncontent-type: text/plain' if file else b"")
        + b"\r\n\r\n" + rng.choice((b"", b"words", body, rng.randbytes(100), b"batch", b"user_data")) + b"\r\n"
        for name, file in parts
    )  # fmt: skip
    data += rng.choice((b"--" + boundary + b"--\r\n", b"", b"--" + boundary))
    declared = rng.choice(
        (f"multipart/form-data; boundary={boundary.decode()}", "multipart/form-data", "multipart/form-data; boundary=z")
    )
    return Spoilt(data, {"content-type": declared})


TYPE_WAYS: list[Callable[[random.Random, bytes], Spoilt]] = [_other_type, _compressed, _form, _form]
