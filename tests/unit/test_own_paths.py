"""Row AUTH-18 of the plan: a login leads to our own pages, whatever the address asks for."""

import itertools
from urllib.parse import quote, urljoin, urlsplit

import pytest

from appliance.identity.sso import own_path

HOSTS = ("evil.example", "evil.example/", "evil.example:443/x", "chat.firm.example@evil.example", "[::1]", "0x7f000001")
BEFORE = (
    *("//", "///", "////", "/\\", "\\\\", "\\/", "/\\/", "/\\\\", "/%5c", "/%5C/", "/%2f", "/%2F/", "/%252f", "/%255c"),
    *(
        "http://",
        "https://",
        "https:",
        "https:/",
        "HTTPS://",
        "http:\\\\",
        "javascript://",
        "data:text/html,",
        "ftp://",
    ),
    *(" //", "\t//", "/\t/", "/\n/", "/\r/", "\x00//", "/%09/", "/%0a/", "/%0d%0a/", "/%00/", "//%00"),
    *("/./", "/.//", "/..//", "/x/..//", "/%2e%2e//", "/;@", "@", ".", "..//", "?//", "#//", "/?x=\\\\"),
    *("/\u2024/", "/\uff0f", "\uff0f\uff0f", "/\u3002", "/\u2215", "/\u2044\u2044", "/\ufe68"),
)
FORGED = (
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "blob:x"),
    *("/x%0d%0aSet-Cookie:%20a=b", "/x\r\nLocation: https://evil.example", '/"><script>', "/<svg onload=x>", "/'"),
    *(
        "/auth/logout",
        "/auth/oidc/login?next=/",
        "/api/users",
        "/v1/models",
        "/login",
        "/login?next=/",
        "/%61uth/logout",
    ),
    *("/" + "a" * 3000, "/%", "/%zz\\", "/%c0%af%c0%afevil.example", "/%ff", "/{x}", "/`", "/|", "/^"),
    *("", " ", "x", "library", "./library", "../library", "?", "#", None),
)
PAYLOADS = (*(before + host for before, host in itertools.product(BEFORE, HOSTS)), *FORGED)
OURS = (
    "/",
    "/library",
    "/library/6f1e?page=3&passage=a",
    "/c/018f-2a",
    "/account/keys",
    "/library?q=%E5%9C%A8",
    "/models#x",
)
BASE = "https://chat.firm.example"


@pytest.mark.parametrize("page", OURS)
def test_our_own_pages_are_led_to(page: str) -> None:
    assert own_path(page) == page


def test_nothing_else_is() -> None:
    assert len(PAYLOADS) >= 200
    led = [payload for payload in PAYLOADS if not is_harmless(own_path(payload))]
    print(f"redirects tried: {len(PAYLOADS)}, led elsewhere: {len(led)}")
    assert led == []


def test_what_is_encoded_once_more_is_refused_as_well() -> None:
    for payload in PAYLOADS:
        once = "/" + quote(payload or "", safe="")
        for wrapped in (once, "/" + quote(once, safe=""), "/library?next=" + quote(payload or "", safe="")):
            assert is_harmless(own_path(wrapped)), wrapped


def is_harmless(path: str) -> bool:
    """Read as browsers read it: backslashes are slashes, and white space is dropped."""
    seen = path.replace("\\", "/").translate({9: None, 10: None, 13: None})
    led = urlsplit(urljoin(BASE + "/login", seen))
    same = (led.scheme, led.netloc) == ("https", "chat.firm.example")
    return same and seen.startswith("/") and not seen.startswith(("//", "/auth", "/api", "/v1", "/login"))
