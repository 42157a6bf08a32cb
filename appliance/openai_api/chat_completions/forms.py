"""Forms that an answer was promised to have, and the check of each; `checked.py` applies them.

A form sees whole choices (`whole`), or the chunks of one choice (`feed`), and may change them. When a choice has come
to its own end without fitting, it raises AnswerUnfit. An answer that was cut off is passed on as it is: its
`finish_reason` says so.
"""

from typing import Any, Protocol

import msgspec

from appliance.foundation import new_id
from appliance.openai_api.chat_completions.chunks import FINISHED, Value
from appliance.openai_api.chat_completions.schemas import Checker
from appliance.openai_api.chat_completions.tools import CallChecker, CallScanner, Piece
from appliance.openai_api.errors import AnswerUnfit


class Form(Protocol):
    """Of one choice; a new one for each."""

    def whole(self, choice: Value) -> None:
        """Check, and change where needed, a choice of a whole reply. Raises AnswerUnfit."""
        ...

    def feed(self, choice: Value) -> list[Value]:
        """The choices that stand for this one in the stream. Raises AnswerUnfit."""
        ...


class JsonForm:
    """The text is JSON that fits a schema."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._text: list[str] = []

    def whole(self, choice: Value) -> None:
        self._check(choice["message"].get("content") or "", choice.get("finish_reason"))

    def feed(self, choice: Value) -> list[Value]:
        self._text.append(choice["delta"].get("content") or "")
        if choice.get("finish_reason"):
            self._check("".join(self._text), choice["finish_reason"])
        return [choice]

    def _check(self, text: str, finish_reason: str | None) -> None:
        if finish_reason not in FINISHED:
            return
        try:
            wrong = self._checker.complaint(msgspec.json.decode(text))
        except msgspec.DecodeError:
            wrong = "it is no JSON"
        if wrong:
            raise AnswerUnfit(f"The model's answer does not fit the schema: {wrong}.")


class NativeCalls:
    """Calls as the engine's own parser made them: only checked."""

    def __init__(self, checker: CallChecker) -> None:
        self._checker = checker
        self._calls: dict[int, tuple[str, str]] = {}

    def whole(self, choice: Value) -> None:
        made = choice["message"].get("tool_calls") or []
        calls = [(c["function"]["name"], c["function"]["arguments"]) for c in made]
        self._check(calls, choice)

    def feed(self, choice: Value) -> list[Value]:
        for delta in choice["delta"].get("tool_calls") or []:
            name, arguments = self._calls.get(delta["index"], ("", ""))
            said: dict[str, Any] = delta.get("function") or {}
            self._calls[delta["index"]] = (name or said.get("name") or "", arguments + (said.get("arguments") or ""))
        if choice.get("finish_reason"):
            self._check(list(self._calls.values()), choice)
        return [choice]

    def _check(self, calls: list[tuple[str, str]], choice: Value) -> None:
        if choice.get("finish_reason") not in FINISHED:
            return
        _refuse(self._checker.complaint(calls))
        if calls:
            choice["finish_reason"] = "tool_calls"


class BuiltCalls:
    """Calls that we read out of the text."""

    def __init__(self, checker: CallChecker, *, forced: bool) -> None:
        self._checker = checker
        self._scanner = CallScanner(forced=forced)

    def whole(self, choice: Value) -> None:
        message = choice["message"]
        pieces = self._scanner.feed(message.get("content") or "") + self._scanner.finish()
        self._check(choice)
        message["content"] = "".join(p.text for p in pieces if p.index < 0).rstrip() or None
        if self._scanner.calls:
            message["tool_calls"] = [
                {"id": _call_id(), "type": "function", "function": {"name": name, "arguments": arguments}}
                for name, arguments in self._scanner.calls
            ]

    def feed(self, choice: Value) -> list[Value]:
        delta = choice["delta"]
        text = delta.pop("content", None)
        pieces = self._scanner.feed(text or "")
        ended = bool(choice.get("finish_reason"))
        if ended:
            pieces += self._scanner.finish()
            self._check(choice)
        if "role" in delta:
            delta["content"] = None if not pieces else ""
        plain = {k: v for k, v in choice.items() if k not in ("delta", "finish_reason", "logprobs")}
        made = [{**plain, "delta": _delta(p), "logprobs": None, "finish_reason": None} for p in pieces]
        return [*([choice] if "role" in delta and not ended else []), *made, *([choice] if ended else [])]

    def _check(self, choice: Value) -> None:
        if choice.get("finish_reason") not in FINISHED:
            return
        _refuse(self._checker.complaint(self._scanner.calls))
        if self._scanner.calls:
            choice["finish_reason"] = "tool_calls"


def _delta(piece: Piece) -> Value:
    if piece.index < 0:
        return {"content": piece.text}
    if piece.name:
        begun = {"name": piece.name, "arguments": ""}
        return {"tool_calls": [{"index": piece.index, "id": _call_id(), "type": "function", "function": begun}]}
    return {"tool_calls": [{"index": piece.index, "function": {"arguments": piece.text}}]}


def _call_id() -> str:
    return f"call_{new_id().hex}"


def _refuse(complaint: str) -> None:
    if complaint:
        raise AnswerUnfit(f"The model's calls cannot be used: {complaint}.")
