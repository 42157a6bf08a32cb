"""Stored items: the input as it is kept and listed, and a chain of responses as the conversation that it is."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Struct

from appliance.foundation import InvalidInput
from appliance.openai_api.responses.ids import item_name
from appliance.openai_api.responses.items import InputItem, InputText, OutputText
from appliance.openai_api.responses.repository import StoredResponse

ITEMS_AT_MOST = 2000
"""Items of a whole conversation that a model is given."""


class _Output(Struct):
    output: list[InputItem] = []


_ITEMS = msgspec.json.Decoder(list[InputItem])
_OUTPUT = msgspec.json.Decoder(_Output)


class ItemList(Struct):
    """A page of a response's input."""

    data: list[InputItem]
    first_id: str | None
    last_id: str | None
    has_more: bool
    object: str = "list"


def kept(item: InputItem) -> InputItem:
    """An item as it is stored and listed: with an id, a status, and its text as a part."""
    whole = msgspec.structs.replace(item, id=item.id or item_name(item), status="completed")
    if isinstance(whole.content, str):
        text = whole.content
        whole.content = [OutputText(text)] if item.role == "assistant" else [InputText(text)]
    return whole


def conversation(chain: Sequence[StoredResponse], own: Sequence[InputItem]) -> list[InputItem]:
    """All items, oldest first: input and output of each response, then the input of this request.

    Raises:
        InvalidInput: a response of the chain has not ended well, or there are too many items.
    """
    items: list[InputItem] = []
    for stored in chain:
        if stored.status not in ("completed", "incomplete"):
            raise InvalidInput(f"A previous response is {stored.status}.", remedy="Go on from one that has ended.")
        items += read_items(stored)
        items += _OUTPUT.decode(stored.response).output
    items += own
    if len(items) > ITEMS_AT_MOST:
        raise InvalidInput(f"The conversation has more than {ITEMS_AT_MOST} items.", remedy="Begin a new one.")
    return items


def read_items(stored: StoredResponse) -> list[InputItem]:
    """The input of one response, in order."""
    return _ITEMS.decode(stored.input)


def page(items: Sequence[InputItem], *, limit: int, newest_first: bool, after: str | None) -> ItemList:
    """Raises InvalidInput for a cursor that is no item of the list."""
    ordered = list(reversed(items)) if newest_first else list(items)
    names = [i.id if i.id is not UNSET else None for i in ordered]
    if after is not None and after not in names:
        raise InvalidInput(f"'{after[:100]}' is no item of this list.")
    start = 0 if after is None else names.index(after) + 1
    data = ordered[start : start + limit]
    ends = names[start : start + limit]
    return ItemList(
        data=data,
        first_id=ends[0] if ends else None,
        last_id=ends[-1] if ends else None,
        has_more=start + limit < len(ordered),
    )
