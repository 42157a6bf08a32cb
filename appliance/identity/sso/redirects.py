"""Where a login may lead: to a page of the appliance's own, and nowhere else."""

from urllib.parse import unquote

HOME = "/"
LONGEST = 2000
NEVER = ("/auth/", "/api/", "/v1/", "/login")
"""Not pages, or those that would begin the same again."""


def own_path(wanted: str | None) -> str:
    """`wanted`, when every browser takes it for a path of this host; else the first page.

    A list of what is allowed, not of tricks: one slash, then characters that no reader of addresses takes for anything
    but a path. It must also hold after decoding, since something on the way may decode.
    """
    if not wanted or len(wanted) > LONGEST or not _is_plain(wanted):
        return HOME
    decoded = wanted
    for _ in range(3):
        decoded = unquote(decoded, errors="strict") if _decodable(decoded) else "//"
        path = decoded.partition("?")[0].partition("#")[0]
        if not path.startswith("/") or "//" in path or "\\" in decoded or {".", ".."} & set(path.split("/")):
            return HOME
        if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in decoded):
            return HOME
    return HOME if decoded.startswith(NEVER) else wanted


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and not any(c in text for c in " \\\"'<>`{}|^")


def _decodable(text: str) -> bool:
    try:
        unquote(text, errors="strict")
    except UnicodeDecodeError:
        return False
    return True
