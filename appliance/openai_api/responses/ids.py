"""Ids of responses and of their items, as OpenAI writes them."""

import re
from uuid import UUID

from appliance.foundation import new_id
from appliance.openai_api.responses.items import InputItem

MARK, STORE_MARK = "resp_", "vs_"
HEX = re.compile(r"[0-9a-f]{32}")
ITEM_MARKS = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "reasoning": "rs_",
    "file_search_call": "fs_",
}


def response_name(key: UUID) -> str:
    return MARK + key.hex


def read_name(text: str, mark: str = MARK) -> UUID | None:
    """None when it is no id of this kind: then there is no such thing either."""
    digits = text.removeprefix(mark)
    return UUID(digits) if text.startswith(mark) and HEX.fullmatch(digits) else None


def item_name(item: InputItem) -> str:
    return ITEM_MARKS[item.type] + new_id().hex
