"""From bytes to text: encodings as they occur in firms' files, not only in standards."""

import re

EVERYDAY = {
    "cp932": frozenset((0x81, 0x82, 0x83, *range(0x88, 0x98))),
    "euc_jp": frozenset((0xA1, 0xA3, 0xA4, 0xA5, *range(0xB0, 0xD0))),
    "gbk": frozenset((0xA1, 0xA3, *range(0xB0, 0xD8))),
    "big5": frozenset((0xA1, 0xA2, *range(0xA4, 0xC7))),
    "euc_kr": frozenset((0xA1, 0xA3, *range(0xB0, 0xC9))),
}
"""Lead bytes of punctuation, kana and the first level of characters, which each of these standards orders by use."""

HTML_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]+)", re.IGNORECASE)


def decode(data: bytes, declared: str | None = None) -> str:
    """Text of a file. Never fails: what fits nothing is read as Windows-1252, with marks for bytes it does not have."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    wide = _utf16_without_mark(data)
    if wide:
        return data.decode(wide, "replace")
    for encoding in filter(None, ("utf-8", declared)):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return _best_legacy(data)


def html_charset(data: bytes) -> str | None:
    """What a page says of itself in its first kilobytes."""
    match = HTML_CHARSET.search(data[:4096])
    return match[1].decode("ascii") if match else None


def _utf16_without_mark(data: bytes) -> str | None:
    sample = data[:4096]
    if len(sample) < 4:
        return None
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    half = len(sample) // 2
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf-16-be"
    return None


def _best_legacy(data: bytes) -> str:
    """The East Asian encoding whose everyday characters explain the text best, else Windows-1252."""
    best, best_share = data.decode("cp1252", "replace"), 0.7
    for encoding, leads in EVERYDAY.items():
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        wide = [c.encode(encoding) for c in text if ord(c) > 127]
        double = [b for b in wide if len(b) == 2]
        share = sum(b[0] in leads for b in double) / max(1, len(wide))
        if len(double) >= 2 and share > best_share:
            best, best_share = text, share
    return best
