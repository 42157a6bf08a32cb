"""Lists as OpenAI answers them: one page, and the ids at its ends."""

from collections.abc import Callable
from typing import Generic, Literal, TypeVar
from uuid import UUID

from msgspec import Struct

from appliance.openai_api.errors import UnknownCursor
from appliance.openai_api.ids import Kind, read_id
from appliance.storage import Page, PageAsk

S = TypeVar("S", bound=Struct)
T = TypeVar("T")
Order = Literal["asc", "desc"]


class Listed(Struct, Generic[S]):
    data: list[S]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: Literal["list"] = "list"


def page_ask(kind: Kind, *, limit: int, order: Order, after: str | None, before: str | None = None) -> PageAsk:
    """Raises UnknownCursor."""
    return PageAsk(limit=limit, newest_first=order == "desc", after=_cursor(kind, after), before=_cursor(kind, before))


def listed(page: Page[T], show: Callable[[T], S], name: Callable[[S], str]) -> Listed[S]:
    """`name` gives the id of what `show` made."""
    data = [show(item) for item in page.items]
    ends = (name(data[0]), name(data[-1])) if data else (None, None)
    return Listed(data=data, first_id=ends[0], last_id=ends[1], has_more=page.has_more)


def _cursor(kind: Kind, text: str | None) -> UUID | None:
    if text is None:
        return None
    key = read_id(kind, text)
    if key is None:
        raise UnknownCursor(f"'{text[:100]}' is no id of this list.")
    return key
