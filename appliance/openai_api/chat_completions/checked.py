"""Replies whose form was promised: nothing that does not fit is given out as if it did.

A whole reply that does not fit is asked for once more; then the caller is told. A stream cannot take back what was
sent: its end is held back, and an error event takes its place.
"""

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from appliance.openai_api.calls import Opened
from appliance.openai_api.chat_completions.chunks import event_with, events, reply_of, value_of
from appliance.openai_api.chat_completions.forms import Form
from appliance.openai_api.errors import AnswerUnfit

log = structlog.get_logger(__name__)

NewForm = Callable[[], Form]
Again = Callable[[], Awaitable[tuple[Opened, NewForm]]]
"""Asks once more, with what makes another answer likely; and the form that its reply must have."""


class CheckedWhole:
    """`Opened`, one JSON value."""

    streams = False

    def __init__(self, opened: Opened, form: NewForm, again: Again) -> None:
        self._opened = opened
        self._form = form
        self._again = again
        self.headers = opened.headers

    async def read(self) -> bytes:
        """Never asked: this is no stream."""
        return b""

    async def whole(self) -> bytes:
        """Raises AnswerUnfit after the second try, and what the engine raises."""
        body = await self._opened.whole()
        try:
            return _fitting(body, self._form)
        except AnswerUnfit as error:
            log.info("answer does not fit, asked again", reason=error.message)
        await self._opened.aclose()
        self._opened, form = await self._again()
        return _fitting(await self._opened.whole(), form)

    async def aclose(self) -> None:
        await self._opened.aclose()


class CheckedStream:
    """`Opened`, a stream."""

    streams = True

    def __init__(self, opened: Opened, form: NewForm) -> None:
        self._opened = opened
        self._new_form = form
        self._forms: dict[int, Form] = {}
        self.headers = opened.headers

    async def read(self) -> bytes:
        """Whole events; empty at the end. Raises AnswerUnfit in the place of the end, and what the engine raises."""
        while data := await self._opened.read():
            passed = b"".join(self._passed(event) for event in events(data))
            if passed:
                return passed
        return b""

    async def whole(self) -> bytes:
        """Never asked: this is a stream."""
        return b""

    async def aclose(self) -> None:
        await self._opened.aclose()

    def _passed(self, event: bytes) -> bytes:
        value = value_of(event)
        if value is None or not value.get("choices"):
            return event
        made = []
        for choice in value["choices"]:
            form = self._forms.get(choice["index"])
            if form is None:
                form = self._forms[choice["index"]] = self._new_form()
            made += form.feed(choice)
        return b"".join(event_with(value, choice) for choice in made)


def _fitting(body: bytes, form: NewForm) -> bytes:
    value = reply_of(body)
    for choice in value["choices"]:
        form().whole(choice)
    return msgspec.json.encode(value)
