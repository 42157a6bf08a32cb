"""Who a request comes from is what a configured proxy vouches for, and never what somebody writes."""

from typing import Any

import pytest

from appliance.edge import Proxies
from appliance.edge.proxies import ProxyUnknown


def scope(peer: str, *forwarded: str, **others: str) -> Any:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in others.items()]
    return {"client": (peer, 1), "headers": headers}


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.7", "::1"])
def test_without_a_configured_proxy_nobody_is_believed(peer: str) -> None:
    assert Proxies(()).source(scope(peer, "1.2.3.4")) == peer
    assert Proxies(()).source({"client": None, "headers": []}) == ""  # type: ignore[typeddict-item,arg-type]


@pytest.mark.parametrize(
    ("forwarded", "source"),
    [
        (("203.0.113.9",), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9",), "203.0.113.9"),
        (("1.1.1.1", "203.0.113.9"), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9, 10.0.0.8",), "203.0.113.9"),
        (("1.1.1.1, 10.0.0.8, 203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("[2001:db8::1]:4711",), "2001:db8::1"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("127.0.0.1, <script>",), "10.0.0.7"),
        (("unknown",), "10.0.0.7"),
        (("",), "10.0.0.7"),
        ((), "10.0.0.7"),
        (("10.0.0.8, 10.0.0.9",), "10.0.0.8"),
    ],
)
def test_a_configured_proxy_is_believed_as_far_as_it_saw(forwarded: tuple[str, ...], source: str) -> None:
    proxies = Proxies(("10.0.0.0/24",))
    assert proxies.source(scope("10.0.0.7", *forwarded)) == source
    assert proxies.source(scope("10.0.1.7", *forwarded)) == "10.0.1.7", "not one of them"


def test_no_other_header_counts() -> None:
    others = {"x_real_ip": "1.1.1.1", "forwarded": "for=1.1.1.1", "x_client_ip": "1.1.1.1", "true_client_ip": "1.1.1.1"}
    assert Proxies(("10.0.0.7",)).source(scope("10.0.0.7", **others)) == "10.0.0.7"


@pytest.mark.parametrize("wrong", ["proxy.example.org", "*", "10.0.0.0/33", ""])
def test_a_proxy_is_an_address(wrong: str) -> None:
    with pytest.raises(ProxyUnknown, match="trusted_proxies"):
        Proxies((wrong,))
