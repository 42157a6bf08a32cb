"""Lines of an input: read, checked before anything runs, and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from appliance.edge import check_json, openai_error
from appliance.foundation import ApplianceError, InvalidInput, new_id
from appliance.openai_api.batches.settings import BatchSettings
from appliance.openai_api.batches.values import Endpoint, InputError, LineResult

LINE_BYTES = 4 * 1024 * 1024
"""Longest line: as long as a request may be."""
MOST_ERRORS = 100
READ_AT_ONCE = 100
LONGEST_ID, LONGEST_MODEL = 512, 200


class Line(Struct):
    """A line that was checked."""

    custom_id: str
    body: Raw


class _Sent(Struct, forbid_unknown_fields=True):
    custom_id: Any = UNSET
    method: Any = UNSET
    url: Any = UNSET
    body: Raw | UnsetType = UNSET


class _Head(Struct):
    model: Any = UNSET
    stream: Any = UNSET


class _Used(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class _Answer(Struct):
    usage: _Used | None = None


_sent = msgspec.json.Decoder(_Sent)
_head = msgspec.json.Decoder(_Head)
_line = msgspec.json.Decoder(Line)
_answer = msgspec.json.Decoder(_Answer)


class Checked(Struct, frozen=True):
    """What an input is."""

    errors: tuple[InputError, ...]
    total: int
    model: str


class Refused(Exception):
    """Why a line cannot run."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def check_input(path: Path, endpoint: Endpoint, settings: BatchSettings) -> Checked:
    """Read all of it; takes seconds for a large one, so it runs on a thread."""
    errors: list[InputError] = []
    seen: set[str] = set()
    model, total = "", 0
    if not path.is_file():
        return Checked((InputError("file_gone", "The bytes of the input file are gone."),), 0, "")
    with path.open("rb") as file:
        for number, raw in _numbered(file):
            total += 1
            if total > settings.max_requests:
                message = f"The file has more than {settings.max_requests} requests."
                errors.append(InputError("too_many_requests", message))
                break
            try:
                model = _check(raw, endpoint, seen, model)
            except Refused as refused:
                errors.append(InputError(refused.code, refused.message, number, refused.param))
            if len(errors) >= MOST_ERRORS:
                break
    if not total:
        errors.append(InputError("empty_file", "The file has no requests."))
    return Checked(tuple(errors), total, model)


async def read_lines(path: Path) -> AsyncIterator[tuple[int, Line]]:
    """Lines of an input that was checked, with their numbers. Raises FileNotFoundError."""
    with await asyncio.to_thread(path.open, "rb") as file:
        numbered = _numbered(file)
        while some := await asyncio.to_thread(lambda: list(islice(numbered, READ_AT_ONCE))):
            for number, raw in some:
                yield number, _line.decode(raw)


def answered(number: int, line: Line, body: bytes) -> LineResult:
    """A line of the output file."""
    if b"\n" in body:
        body = msgspec.json.encode(msgspec.json.decode(body))
    used = _usage_of(body)
    return LineResult(
        line=number,
        good=True,
        text=_result(line, _response(200, Raw(body)), None),
        input_tokens=used.prompt_tokens or used.input_tokens,
        output_tokens=used.completion_tokens or used.output_tokens,
    )


def _usage_of(body: bytes) -> _Used:
    try:
        return _answer.decode(body).usage or _Used()
    except msgspec.ValidationError:
        return _Used()  # the answer stands, whatever it says of its cost


def refused(number: int, line: Line, error: ApplianceError) -> LineResult:
    """A line of the error file: it was asked, and this came back."""
    response = _response(error.status, Raw(msgspec.json.encode(openai_error(error))))
    return LineResult(number, good=False, text=_result(line, response, None))


def not_run(number: int, line: Line, code: str, message: str) -> LineResult:
    """A line of the error file: it was never asked."""
    return LineResult(number, good=False, text=_result(line, None, {"code": code, "message": message}))


def _response(status: int, body: Raw) -> dict[str, object]:
    return {"status_code": status, "request_id": new_id().hex, "body": body}


def _result(line: Line, response: dict[str, object] | None, error: dict[str, str] | None) -> bytes:
    return msgspec.json.encode(
        {"id": f"batch_req_{new_id().hex}", "custom_id": line.custom_id, "response": response, "error": error}
    )


def _numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not empty; one that is too long is cut just behind the bound."""
    number = 0
    while raw := file.readline(LINE_BYTES + 1):
        number += 1
        if raw.strip():
            yield number, raw
        while len(raw) > LINE_BYTES and not raw.endswith(b"\n"):
            raw = file.readline(LINE_BYTES + 1)


def _check(raw: bytes, endpoint: Endpoint, seen: set[str], model: str) -> str:
    """The model of the line. Raises Refused."""
    if len(raw) > LINE_BYTES:
        raise Refused("line_too_long", f"The line is longer than {LINE_BYTES} bytes.")
    try:
        check_json(raw)
        sent = _sent.decode(raw)
    except InvalidInput as error:
        raise Refused("invalid_json_line", error.message) from error
    except msgspec.ValidationError as error:
        raise Refused("invalid_request", f"{error}.") from error
    _check_envelope(sent, endpoint, seen)
    return _check_body(sent, model)


def _check_envelope(sent: _Sent, endpoint: Endpoint, seen: set[str]) -> None:
    name = sent.custom_id
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_ID:
        raise Refused("invalid_custom_id", f"'custom_id' must be text of 1 to {LONGEST_ID} characters.", "custom_id")
    if name in seen:
        raise Refused("duplicate_custom_id", f"The custom_id '{name[:100]}' stands in an earlier line.", "custom_id")
    seen.add(name)
    if sent.method != "POST":
        raise Refused("invalid_method", "'method' must be POST.", "method")
    if sent.url != endpoint:
        raise Refused("invalid_url", f"'url' must be the endpoint of the batch, {endpoint}.", "url")


def _check_body(sent: _Sent, model: str) -> str:
    if sent.body is UNSET:
        raise Refused("missing_required_parameter", "'body' is missing.", "body")
    try:
        head = _head.decode(sent.body)
    except msgspec.ValidationError as error:
        raise Refused("invalid_request", "'body' must be an object.", "body") from error
    if isinstance(head.model, str) and (len(head.model) > LONGEST_MODEL or "\0" in head.model):
        raise Refused("invalid_value", f"'body.model' has at most {LONGEST_MODEL} characters.", "body.model")
    if not isinstance(head.model, str) or not head.model:
        raise Refused("missing_required_parameter", "'body.model' is missing.", "body.model")
    if head.stream not in (UNSET, None, False):
        raise Refused("unsupported_parameter", "A batch cannot stream.", "body.stream")
    if model and head.model != model:
        message = f"All lines of a batch name one model; the first named '{model[:100]}'."
        raise Refused("mismatched_model", message, "body.model")
    return head.model
