"""`POST /v1/responses` and `POST /v1/messages`."""

from appliance.openai_api.fields.field import Field

CACHE = "The cache is the engine's own, and finds equal beginnings by itself."
KEY = "The caller is known by the key."

RESPONSES = (
    Field("model", "works", "A model of `GET /v1/models` that chats, or an assistant."),
    Field(
        "input",
        "works",
        "A text, or up to 2000 items: `message function_call function_call_output`; `reasoning` and `file_search_call` "
        "are taken back and left out of the prompt. Parts: `input_text input_image output_text refusal`; images as "
        "`data:` addresses, for a model that sees.",
    ),
    Field("access_programs", "refused", "There are no such programs here."),
    Field("background", "works", "With `store`; runs in the batch lane. Ask again until it has ended, or cancel it."),
    Field("background_options", "refused", "Background work begins as soon as there is room."),
    Field("context_management", "refused", "Use `truncation`, or send a shorter `input`."),
    Field("conversation", "refused", "Use `previous_response_id`."),
    Field("image", "refused", "Pictures reach the model as they are."),
    Field(
        "include",
        "works",
        "`file_search_call.results`, `message.output_text.logprobs`; `message.input_image.image_url` and "
        "`reasoning.encrypted_content` are dropped. Of other tools: refused.",
    ),
    Field("instructions", "works", "Not carried over by `previous_response_id`."),
    Field("max_output_tokens", "works", "1 to 1,000,000, and what is left of the window."),
    Field("max_tool_calls", "dropped", "There is at most one search, before the model writes."),
    Field("metadata", "works", "Up to 16 pairs, given back with the response."),
    Field("moderation", "refused", "There is no moderation model."),
    Field("parallel_tool_calls", "works"),
    Field("previous_response_id", "works", "A stored response of the same account; up to 200 in a chain."),
    Field("prompt", "refused", "There are no stored prompts; send `instructions`."),
    Field("prompt_cache_key", "dropped", CACHE),
    Field("prompt_cache_options", "dropped", CACHE),
    Field("prompt_cache_retention", "dropped", CACHE),
    Field(
        "reasoning",
        "works",
        "`effort`, for models that think. `summary` is dropped: what was thought comes whole, as `content` of a "
        "`reasoning` item.",
    ),
    Field("safety_identifier", "dropped", KEY),
    Field("service_tier", "works", "`flex` gives way to interactive work; the other tiers are all the same."),
    Field("store", "works", "True when left out; kept for `responses.retention_days`."),
    Field("stream", "works"),
    Field("stream_options", "dropped", "`include_obfuscation`: streams are not padded."),
    Field("temperature", "works", "0 to 2"),
    Field("text", "works", "`format`: `text`, `json_object`, `json_schema`. `verbosity` is dropped."),
    Field(
        "tool_choice",
        "works",
        "`none auto required`, a function by name, `file_search`, `allowed_tools`; of other tools: refused.",
    ),
    Field(
        "tools",
        "works",
        "Up to 128 functions, and one `file_search` over up to 32 vector stores, with `filters`, `max_num_results` and "
        "`ranking_options.score_threshold`. Other tools are refused: they would leave the machine, or run code on it.",
    ),
    Field("top_logprobs", "works", "0 to 20"),
    Field("top_p", "works", "Above 0, to 1."),
    Field("truncation", "works", "`disabled`, `auto`: the oldest exchanges are left out, until the prompt fits."),
    Field("user", "dropped", KEY),
)

MESSAGES = (
    Field("model", "works", "A model of `GET /v1/models` that chats, or an assistant."),
    Field("max_tokens", "works", "Needed; 1 to 1,000,000, and what is left of the window."),
    Field(
        "messages",
        "works",
        "1 to 2000; roles `user assistant system`; blocks `text image tool_use tool_result`, images as `base64`. "
        "`thinking` and `redacted_thinking` are taken back and left out of the prompt. Other blocks are refused.",
    ),
    Field("cache_control", "dropped", CACHE),
    Field("container", "refused", "No code is run here."),
    Field("diagnostics", "refused", "There are none."),
    Field("inference_geo", "refused", "Everything stays on this installation."),
    Field("metadata", "dropped", KEY),
    Field("output_config", "works", "`format` `json_schema`, and `effort` for models that think."),
    Field("service_tier", "dropped", "There is one tier."),
    Field("speed", "refused", "There is one speed."),
    Field("stop_sequences", "works", "Up to 4 strings."),
    Field("stream", "works"),
    Field("system", "works", "A text, or text blocks."),
    Field("temperature", "works", "0 to 1; this, `top_k` and `top_p` with both versions of the shapes."),
    Field(
        "thinking",
        "works",
        "`enabled`, `adaptive`: `thinking` blocks are shown when the model thinks; `disabled`. `budget_tokens` is "
        "dropped: engines bound the whole answer only.",
    ),
    Field("tool_choice", "works", "`auto any tool none`, and `disable_parallel_tool_use`."),
    Field("tools", "works", "Up to 128 of your own; Anthropic's server tools are refused."),
    Field("top_k", "works", "1 to 1000"),
    Field("top_p", "works", "Above 0, to 1."),
    Field("user_profile_id", "refused", "Accounts are this installation's own."),
    Field("workspace_id", "refused", "There are no workspaces."),
)
