"""Formats that one library reads for us: old Office, OpenDocument, EPUB, RTF, Outlook mail. Its OCR is off."""

from pathlib import Path

import kreuzberg

from appliance.parsing.build import BlockBuilder
from appliance.parsing.formats.markdown import add_markdown


def parse_as(kind: str, path: Path, builder: BlockBuilder) -> int:
    """Read a file of a media type that the library knows."""
    config = kreuzberg.ExtractionConfig(disable_ocr=True, use_cache=False, output_format="markdown")  # type: ignore[call-arg] # the stub lags behind
    found = kreuzberg.extract_bytes_sync(path.read_bytes(), kind, config)
    add_markdown(found.content, builder)
    return 0
