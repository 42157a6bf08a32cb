"""The endpoints with few fields."""

from appliance.openai_api.fields.field import Field

KEY = "The caller is known by the key."

COMPLETIONS = (
    Field("model", "works", "A model that chats; completing goes round its chat template."),
    Field("prompt", "works", "A text, token numbers of the model's own tokenizer, or up to 16 of either."),
    Field("best_of", "refused", "Ask for `n` and choose."),
    Field("echo", "works"),
    Field("frequency_penalty", "works", "-2 to 2"),
    Field("logit_bias", "refused", "Steering single tokens is off: their numbers differ from model to model."),
    Field("logprobs", "works", "0 to 5"),
    Field("max_tokens", "works", "1 to 1,000,000; 16 when left out."),
    Field("n", "works", "1 to 4 for each prompt."),
    Field("presence_penalty", "works", "-2 to 2"),
    Field("seed", "works"),
    Field("stop", "works", "Up to 4 strings."),
    Field("stream", "works"),
    Field("stream_options", "works", "`include_usage`; `include_obfuscation` is dropped."),
    Field("suffix", "refused", "The models here write on; they do not fill a gap."),
    Field("temperature", "works", "0 to 2"),
    Field("top_p", "works", "Above 0, to 1."),
    Field("user", "dropped", KEY),
)

EMBEDDINGS = (
    Field("model", "works", "A model that makes embeddings."),
    Field(
        "input",
        "works",
        "A text, or up to 2048. Token numbers are refused: clients make them with another model's tokenizer, and the "
        "vectors would be of other words (in LangChain: `check_embedding_ctx_length=False`).",
    ),
    Field("dimensions", "works", "For models whose vectors may be cut; the others refuse it."),
    Field("encoding_format", "works", "`float`, `base64`"),
    Field("user", "dropped", KEY),
)

RERANK = (
    Field("model", "works", "A reranker, or a model that makes embeddings (then by the angle between vectors)."),
    Field("query", "works"),
    Field("documents", "works", 'Up to 1000 texts, or `{"text": …}`.'),
    Field("top_n", "works", "All when left out."),
    Field("return_documents", "works", "True when left out."),
    Field("max_tokens_per_doc", "works", "Longer documents are cut there."),
    Field("user", "dropped", KEY),
)

SCORE = (
    Field("model", "works", "A reranker, or a model that makes embeddings (then by the angle between vectors)."),
    Field("text_1", "works", "A text, or as many as in `text_2`. `queries` is another name."),
    Field("text_2", "works", "A text, or up to 1000. `documents` is another name."),
    Field("user", "dropped", KEY),
)

TRANSCRIPTIONS = (
    Field("file", "works", "Up to 25 MiB: wav, flac, mp3, ogg, m4a, webm, as the engine can read them."),
    Field("model", "works", "A model that hears."),
    Field("chunking_strategy", "dropped", "The engine cuts long recordings by itself."),
    Field("include", "refused", "Token probabilities of speech are not given."),
    Field("keywords", "refused", "Put names and terms into `prompt`."),
    Field("known_speaker_names", "refused", "Speakers are not told apart."),
    Field("known_speaker_references", "refused", "Speakers are not told apart."),
    Field("language", "works", "ISO 639-1"),
    Field("languages", "refused", "Name one in `language`, or none."),
    Field("prompt", "works"),
    Field("response_format", "works", "`json text verbose_json`, as the engine knows them; the others are refused."),
    Field("stream", "refused", "The text comes at once."),
    Field("temperature", "works", "0 to 1"),
    Field("timestamp_granularities", "works", "`segment`, with `verbose_json`."),
)

IMAGES = (
    Field("prompt", "works", "Up to 4000 characters."),
    Field("model", "works", "A model that draws; required."),
    Field("background", "refused", "Pictures have no transparent background."),
    Field("complexity", "refused", "Vector graphics are not made."),
    Field("frame_count", "refused", "Only still pictures are made."),
    Field("frame_duration_ms", "refused", "Only still pictures are made."),
    Field("moderation", "dropped", "There is no moderation model."),
    Field("n", "works", "1 to 4"),
    Field("output_compression", "refused", "Pictures are PNG."),
    Field("output_format", "works", "`png` only."),
    Field("partial_images", "refused", "Pictures come whole."),
    Field("quality", "dropped", "The model has one quality."),
    Field("response_format", "works", "`b64_json` only: nothing is kept that an address could lead to."),
    Field("safety_identifier", "dropped", KEY),
    Field("size", "works", "`auto`, or width and height of 64 to 2048 as in `1024x1024`."),
    Field("stream", "refused", "Pictures come whole."),
    Field("style", "dropped", "Say it in the prompt."),
    Field("svg", "refused", "Vector graphics are not made."),
    Field("user", "dropped", KEY),
)
