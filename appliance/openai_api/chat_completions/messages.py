"""Messages as engines take them, and what they may hold."""

import base64
import binascii
import re

from msgspec import UNSET

from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, ImagePart, Message, RefusalPart, TextPart
from appliance.openai_api.errors import UnsupportedValue
from appliance.openai_api.served import ServedModel

IMAGE_TOKENS = 1000
"""What a picture costs, roughly."""
MOST_PIXELS = 40_000_000
DATA_URL = re.compile(r"data:image/(?:png|jpe?g|webp|gif);base64,", re.IGNORECASE)


def measured(request: ChatCompletionRequest, model: ServedModel) -> int:
    """An estimate of the prompt's tokens; on the way, what only newer models know is put into older words.

    Raises:
        UnsupportedValue: a picture that the model or the appliance cannot take.
    """
    tokens = 0
    for at, message in enumerate(request.messages):
        if message.role == "developer":
            message.role = "system"  # the newer name; most chat templates know the older one only
        if message.refusal is not UNSET:
            message.content = message.content or message.refusal
            message.refusal = UNSET
        if isinstance(message.content, list):
            tokens += _parts(message, at, model)
        else:
            tokens += len(message.content or "") // 4 + 4
    for tool in request.tools or ():
        tokens += 20 + len(str(tool.function.parameters)) // 4
    return tokens


def _parts(message: Message, at: int, model: ServedModel) -> int:
    parts: list[TextPart | ImagePart | RefusalPart] = []
    tokens = 4
    for number, part in enumerate(message.content or ()):
        if isinstance(part, ImagePart):
            _refuse_unseen(part, f"messages[{at}].content[{number}].image_url", model)
            tokens += IMAGE_TOKENS
            parts.append(part)
        elif isinstance(part, RefusalPart):
            parts.append(TextPart(part.refusal))
        elif isinstance(part, TextPart):
            tokens += len(part.text) // 4
            parts.append(part)
    message.content = parts
    return tokens


def _refuse_unseen(part: ImagePart, place: str, model: ServedModel) -> None:
    """The appliance fetches nothing that a caller names: images come inside the request, and small when unpacked."""
    if "vision" not in model.abilities:
        raise UnsupportedValue(
            f"'{model.id}' does not see images.", remedy="Choose a model with the ability 'vision'.", param=place
        )
    head = DATA_URL.match(part.image_url.url)
    if head is None:
        raise UnsupportedValue(
            "Images by address are not fetched.",
            remedy="Send a data:image/…;base64 URL of a PNG, JPEG, WebP or GIF.",
            param=f"{place}.url",
        )
    from appliance.openai_api.chat_completions.pictures import size_of  # noqa: PLC0415 - its library takes 3 MB

    try:
        width, height = size_of(base64.b64decode(part.image_url.url[head.end() :], validate=True))
    except (binascii.Error, ValueError) as error:
        raise UnsupportedValue("The image cannot be read.", param=f"{place}.url") from error
    if width * height > MOST_PIXELS:
        raise UnsupportedValue(f"The image has more than {MOST_PIXELS // 1_000_000} million pixels.", param=place)
