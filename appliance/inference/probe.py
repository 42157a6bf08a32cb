"""Real work with a known result: what makes an engine ready, and what shows that it still is."""

import io
import wave

from appliance.inference.catalogue import Entry
from appliance.inference.client import EngineClient
from appliance.inference.errors import EngineUnavailable
from appliance.inference.port import ChatMessage, ChatRequest


class WrongAnswer(EngineUnavailable):
    """The engine runs but answers wrong; serving it would be worse than not."""

    code = "engine_wrong_answer"


async def probe(entry: Entry, client: EngineClient) -> None:
    """Ask the known question.

    Raises:
        WrongAnswer: it answers, but not rightly.
        EngineUnavailable: it does not answer.
    """
    if entry.task == "chat" and entry.probe.chat is not None:
        await _chat(entry, client)
    elif entry.task == "embed" and entry.probe.embed is not None:
        await _embed(entry, client)
    elif entry.task == "rerank" and entry.probe.rerank is not None:
        await _rerank(entry, client)
    elif entry.task == "transcribe":
        await client.transcribe(silence())  # that it does the work at all; what it hears in silence is its own affair
    elif entry.task == "image" and entry.id not in await client.models():  # a drawing would take minutes
        raise EngineUnavailable(f"The engine does not serve '{entry.id}'.")


async def touch(entry: Entry, client: EngineClient) -> None:
    """The smallest piece of real work of the model's kind, whatever comes out. Raises EngineUnavailable."""
    if entry.task == "chat" and entry.probe.chat is not None:
        await client.one_token(entry.probe.chat.prompt)
    elif entry.task == "embed" and entry.probe.embed is not None:
        await client.embed([entry.probe.embed.text], dimension=entry.dimension, max_tokens=64)
    elif entry.task == "rerank" and entry.probe.rerank is not None:
        await client.rerank(entry.probe.rerank.query, [entry.probe.rerank.relevant])
    elif entry.task == "transcribe":
        await client.transcribe(silence())
    elif entry.task == "image":
        await client.models()


async def _chat(entry: Entry, client: EngineClient) -> None:
    question = entry.probe.chat
    if question is None:
        return
    request = ChatRequest(entry.id, (ChatMessage("user", question.prompt),), max_tokens=question.max_tokens)
    text = "".join([delta.text async for delta in client.stream(request)])
    if question.contains.lower() not in text.lower():
        raise WrongAnswer(f"'{entry.id}' answers its known question wrong.", remedy="Look at the engine's log.")


async def _embed(entry: Entry, client: EngineClient) -> None:
    wanted = entry.probe.embed
    if wanted is None:
        return
    text, near, far = await client.embed(
        [wanted.text, wanted.near, wanted.far], dimension=entry.dimension, max_tokens=min(entry.window_tokens(), 512)
    )
    if _dot(text, near) <= _dot(text, far):
        raise WrongAnswer(f"'{entry.id}' ranks its known texts wrong.", remedy="Look at the engine's log.")


async def _rerank(entry: Entry, client: EngineClient) -> None:
    wanted = entry.probe.rerank
    if wanted is None:
        return
    relevant, irrelevant = await client.rerank(wanted.query, [wanted.relevant, wanted.irrelevant])
    if relevant <= irrelevant:
        raise WrongAnswer(f"'{entry.id}' ranks its known texts wrong.", remedy="Look at the engine's log.")


def silence() -> bytes:
    """One second of silence as WAV: 16 kHz, 16 bit, mono."""
    out = io.BytesIO()
    with wave.open(out, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(bytes(2 * 16_000))
    return out.getvalue()


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
