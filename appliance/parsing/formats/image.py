"""Pictures of pages."""

from pathlib import Path

from PIL import Image

from appliance.parsing.build import BlockBuilder
from appliance.parsing.errors import DocumentRefused
from appliance.parsing.limits import MAX_PIXELS


def parse(path: Path, builder: BlockBuilder) -> int:
    from appliance.parsing.formats.ocr import joined_rows, recognise  # noqa: PLC0415 - heavy, after the size check

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with Image.open(path, formats=("PNG", "JPEG")) as image:
        wide, high = image.size
        if wide * high > MAX_PIXELS:
            raise DocumentRefused(f"The picture has {wide} × {high} points.", remedy="Save it smaller.")
        image.load()
        for text, box in joined_rows(recognise(image)):
            builder.add("paragraph", text, page=1, box=box)
    return 1
