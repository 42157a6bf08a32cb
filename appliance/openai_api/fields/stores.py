"""Fields of files, vector stores and batches."""

from appliance.openai_api.fields.field import Field

METADATA = Field("metadata", "works", "16 pairs, keys of 64, values of 512 characters.")
ATTRIBUTES = Field(
    "attributes",
    "works",
    "16 pairs: text of up to 512 characters, numbers, true, false. They count in the next search.",
)
CHUNKING = Field(
    "chunking_strategy",
    "dropped",
    "Passages follow the document's structure; their length is `documents.passage_characters`. Files answer `other`.",
)

FILES = (
    Field("file", "works", "At most `files.max_bytes`, else 413; the last part of its name is kept."),
    Field("purpose", "works", "`assistants batch fine-tune vision user_data evals`; any other is refused."),
    Field(
        "expires_after",
        "works",
        "`anchor` `created_at`, `seconds` 3600 to 2592000. Without it `batch` goes after 30 days, the others stay.",
    ),
)

VECTOR_STORES = (
    Field("name", "works", "Up to 256 characters; stores may share one, their collections get a mark behind it."),
    Field("description", "works", "Kept as the collection's."),
    Field("file_ids", "works", "Up to 2000 own files, attached at once; none is made when one is missing."),
    METADATA,
    Field(
        "expires_after",
        "works",
        "`anchor` `last_active_at`, `days` 1 to 365. An expired store refuses searches and files until it is set anew; "
        "its documents stay.",
    ),
    CHUNKING,
)

STORE_FILES = (Field("file_id", "works", "An own file of `/v1/files`."), ATTRIBUTES, CHUNKING)

STORE_FILE_BATCHES = (
    Field("file_ids", "works", "Up to 2000, or `files`; all or none."),
    Field("files", "works", "Up to 2000, each with its own `attributes`."),
    ATTRIBUTES,
    CHUNKING,
)

STORE_SEARCH = (
    Field("query", "works", "A text, or up to 10: each is asked, a passage counts with its best score."),
    Field("max_num_results", "works", "1 to 50, else 10."),
    Field(
        "filters",
        "works",
        "`eq ne gt gte lt lte in nin`, `and or`; 10 levels, 100 comparisons; part of the search itself. Order is for "
        "numbers. A file without the key is `ne` and `nin` everything.",
    ),
    Field("ranking_options", "works", "`score_threshold` 0 to 1; `ranker` is dropped: there is one ranking."),
    Field("rewrite_query", "dropped", "The query is searched as it is."),
)

BATCHES = (
    Field("input_file_id", "works", "An own file of the purpose `batch`, at most `batches.max_file_bytes`."),
    Field(
        "endpoint", "works", "`/v1/chat/completions /v1/completions /v1/embeddings /v1/responses`; others are refused."
    ),
    Field("completion_window", "works", "`24h`"),
    METADATA,
    Field("output_expires_after", "works", "`anchor` `created_at`, `seconds` 3600 to 2592000; without it they stay."),
)
