"""`POST /v1/chat/completions`."""

from appliance.openai_api.fields.field import Field

CHAT = (
    Field("model", "works", "A model of `GET /v1/models` that chats, or an assistant."),
    Field(
        "messages",
        "works",
        "1 to 2000; roles `system developer user assistant tool`; parts `text image_url refusal`; images as `data:` "
        "addresses, for a model that sees. Fields of a message that are not known are dropped.",
    ),
    Field("audio", "refused", "Answers are text; there is no speech."),
    Field("frequency_penalty", "works", "-2 to 2"),
    Field("function_call", "refused", "Use `tool_choice`, which replaced it."),
    Field("functions", "refused", "Use `tools`, which replaced it."),
    Field("logit_bias", "refused", "Steering single tokens is off: their numbers differ from model to model."),
    Field("logprobs", "works"),
    Field("max_completion_tokens", "works", "1 to 1,000,000, and what is left of the window. Not beside `max_tokens`."),
    Field("max_tokens", "works", "The older name of `max_completion_tokens`."),
    Field("metadata", "dropped", "Nothing is stored that it could be found by."),
    Field("modalities", "dropped", 'Answers are text. Anything but `["text"]` is refused.'),
    Field("moderation", "refused", "There is no moderation model."),
    Field("n", "works", "1 to 4; usage counts all choices."),
    Field("parallel_tool_calls", "works"),
    Field("prediction", "dropped", "It could only make the same answer come sooner."),
    Field("presence_penalty", "works", "-2 to 2"),
    Field("prompt_cache_key", "dropped", "Requests that begin alike find the same cache by themselves."),
    Field("prompt_cache_options", "dropped", "The cache is the engine's own."),
    Field("prompt_cache_retention", "dropped", "The cache is the engine's own."),
    Field("reasoning_effort", "works", "For models that think; `none` turns it off where the model's template can."),
    Field(
        "response_format",
        "works",
        "`text`, `json_object`, `json_schema`. A schema with a keyword that decoding cannot hold is refused by the "
        "keyword's name, strict or not.",
    ),
    Field("safety_identifier", "dropped", "The caller is known by the key."),
    Field("seed", "works", "The same text for the same request, as long as one engine serves it alone."),
    Field("service_tier", "works", "`flex` gives way to interactive work; the other tiers are all the same."),
    Field("stop", "works", "Up to 4 strings."),
    Field("store", "dropped", "Chat completions are never stored."),
    Field("stream", "works"),
    Field("stream_options", "works", "`include_usage`; `include_obfuscation` is dropped."),
    Field("temperature", "works", "0 to 2"),
    Field("tool_choice", "works", "`none auto required`, one function by name, `allowed_tools`; `custom` is refused."),
    Field("tools", "works", "Up to 128 functions; `custom` tools are refused."),
    Field("top_logprobs", "works", "0 to 20, with `logprobs`."),
    Field("top_p", "works", "Above 0, to 1."),
    Field("user", "dropped", "The caller is known by the key."),
    Field("verbosity", "dropped", "Say it in a message: no open model knows the field."),
    Field("web_search_options", "refused", "Nothing leaves the machine; an assistant searches the firm's documents."),
)
