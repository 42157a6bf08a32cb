"""What may be asked of `/v1/rerank` and `/v1/score`, and what comes back."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.chat_completions.wire import Line, Name, Text

MOST_TEXTS = 1000


class Document(Struct):
    text: Text


Texts = Annotated[list[Text], Meta(min_length=1, max_length=MOST_TEXTS)]


class RerankRequest(Struct, forbid_unknown_fields=True):
    model: Name
    query: Text
    documents: Annotated[list[Text | Document], Meta(min_length=1, max_length=MOST_TEXTS)]
    top_n: Annotated[int, Meta(ge=1)] | None | UnsetType = UNSET
    return_documents: bool | None | UnsetType = UNSET
    max_tokens_per_doc: Annotated[int, Meta(ge=1, le=1_000_000)] | None | UnsetType = UNSET
    user: Line = UNSET


class EngineRerank(Struct, omit_defaults=True):
    """The same for the engine."""

    model: str
    query: str
    documents: list[str]
    top_n: int = 0
    max_tokens_per_doc: int = 0


class ScoreRequest(Struct, forbid_unknown_fields=True):
    model: Name
    text_1: Text | Texts | UnsetType = UNSET
    text_2: Text | Texts | UnsetType = UNSET
    queries: Text | Texts | UnsetType = UNSET
    documents: Text | Texts | UnsetType = UNSET
    user: Line = UNSET


class EngineScore(Struct):
    model: str
    text_1: list[str]
    text_2: list[str]


class Used(Struct, frozen=True):
    prompt_tokens: int = 0
    total_tokens: int = 0


class Judged(Struct):
    index: int
    relevance_score: float
    document: Document | None | UnsetType = UNSET


class RerankReply(Struct):
    model: str
    results: list[Judged]
    id: str = ""
    usage: Used = Used()


class Score(Struct):
    index: int
    score: float
    object: Literal["score"] = "score"


class ScoreReply(Struct):
    model: str
    data: list[Score]
    id: str = ""
    object: Literal["list"] = "list"
    created: int = 0
    usage: Used = Used()
