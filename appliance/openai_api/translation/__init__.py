"""What `responses` and `messages` share: both are told in their own words what a chat completion says.

1. `chunks.py` reads a completion, streamed or whole, as chunks.
2. `segments.py` cuts the chunks into segments (reasoning, text, tool calls), each opened, grown and closed once.
3. The endpoint's own machine tells the segments as its events; a whole reply is what the events add up to.

Rule: there is one machine per endpoint, for streams and for whole replies, so that the two cannot differ.
"""

from appliance.openai_api.translation.chunks import Chunk, ChunkUsage, Logprob, UrlCitation, chunk_of, read_chunks
from appliance.openai_api.translation.counting import TokenCounter
from appliance.openai_api.translation.segments import (
    Annotated,
    Closed,
    Ended,
    Grew,
    Opened,
    Segment,
    Segmenter,
)

__all__ = [
    "Annotated",
    "Chunk",
    "ChunkUsage",
    "Closed",
    "Ended",
    "Grew",
    "Logprob",
    "Opened",
    "Segment",
    "Segmenter",
    "TokenCounter",
    "UrlCitation",
    "chunk_of",
    "read_chunks",
]
