"""How large a picture is once unpacked."""

import io
import warnings

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels; reads the head only. Raises ValueError when it is no picture of these formats."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            width, height = Image.open(io.BytesIO(picture), formats=FORMATS).size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError("no picture of a known format") from error
    return width, height
