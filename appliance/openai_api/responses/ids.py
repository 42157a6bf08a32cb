"""Ids of the items of a response."""

from appliance.foundation import new_id
from appliance.openai_api.responses.items import InputItem

MARKS = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "reasoning": "rs_",
    "file_search_call": "fs_",
}


def item_name(item: InputItem) -> str:
    return MARKS[item.type] + new_id().hex
