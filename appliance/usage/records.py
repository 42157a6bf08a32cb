"""The records of the journal."""

from datetime import date

import msgspec
from msgspec import Struct

from appliance.foundation import Lane
from appliance.usage.port import Outcome


class Reserved(Struct, array_like=True, tag="r", frozen=True):
    """A request goes on. Its reservation is named by this record's sequence."""

    day: date
    user: bytes
    key: bytes
    groups: tuple[bytes, ...]
    model_id: str
    endpoint: str
    lane: Lane
    prompt_tokens: int
    max_tokens: int
    milliseconds: int
    """Expected; what counts when the gateway is killed before the request ends."""
    request_id: str = ""
    source: str = ""
    """Address that the request came from."""


class Carried(Struct, array_like=True, tag="c", frozen=True):
    """A reservation that was open when its segment was full."""

    reservation: int
    reserved: Reserved


class Settled(Struct, array_like=True, tag="s", frozen=True):
    """What a request has used; the end of its reservation."""

    reservation: int
    prompt_tokens: int
    completion_tokens: int
    milliseconds: int
    outcome: Outcome


Record = Reserved | Carried | Settled

_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")
_DECODER = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    return _ENCODER.encode(record)


def decode(body: bytes) -> Record:
    """Raises msgspec.MsgspecError."""
    record: Record = _DECODER.decode(body)
    return record
