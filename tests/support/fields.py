"""A value for each request field, with which a row of `openai_api/fields` is proved by a call."""

from typing import Any

NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": NOTHING}}

CHAT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Say one word."}],
    "audio": {"voice": "alloy", "format": "wav"},
    "frequency_penalty": 0.5,
    "function_call": "auto",
    "functions": [{"name": "look"}],
    "logit_bias": {"50": 5},
    "logprobs": True,
    "max_completion_tokens": 4,
    "max_tokens": 4,
    "metadata": {"ticket": "1"},
    "modalities": ["text"],
    "moderation": {"model": "omni"},
    "n": 2,
    "parallel_tool_calls": True,
    "prediction": {"type": "content", "content": "one"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "implicit"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "text"},
    "safety_identifier": "someone",
    "seed": 7,
    "service_tier": "flex",
    "stop": ["\n\n", "END"],
    "store": False,
    "stream": True,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "temperature": 0.5,
    "tool_choice": "none",
    "tools": [TOOL],
    "top_logprobs": 2,
    "top_p": 0.9,
    "user": "someone",
    "verbosity": "low",
    "web_search_options": {},
}

COMPLETIONS: dict[str, Any] = {
    "prompt": "One word:",
    "best_of": 2,
    "echo": True,
    "frequency_penalty": 0.5,
    "logit_bias": {"50": 5},
    "logprobs": 2,
    "max_tokens": 4,
    "n": 2,
    "presence_penalty": 0.5,
    "seed": 7,
    "stop": "END",
    "stream": True,
    "stream_options": {"include_usage": True},
    "suffix": "END",
    "temperature": 0.5,
    "top_p": 0.9,
    "user": "someone",
}

EMBEDDINGS: dict[str, Any] = {
    "input": ["query: one", "query: two"],
    "encoding_format": "base64",
    "user": "someone",
}

WITH = {"top_logprobs": {"logprobs": True}, "stream_options": {"stream": True}, "tool_choice": {"tools": [TOOL]}}
"""Fields that mean something only beside others."""
