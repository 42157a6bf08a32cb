"""Where a request came from, when a proxy of ours passed it on.

`X-Forwarded-For` is what anybody may write. It counts only as far as a configured proxy answers for it: from the right,
each address that is such a proxy vouches for the one before it. No other forwarding header counts at all.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from litestar.types import Scope

from appliance.foundation import InvalidInput

Address = IPv4Address | IPv6Address


class ProxyUnknown(InvalidInput):
    """A setting names a proxy by something that is no address."""

    code = "settings_invalid"
    remedy = "Name addresses or networks, as '10.0.0.7' or '10.0.0.0/24'."


class Proxies:
    """The proxies that are believed."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """`trusted`: addresses and networks. Raises ProxyUnknown."""
        self._trusted = tuple(map(_network, trusted))

    def source(self, scope: Scope) -> str:
        """The address of whoever asks; empty when the web server does not know it."""
        client = scope["client"]
        peer = client[0] if client is not None else ""
        return self._behind(peer, scope["headers"]) if self._trusted else peer

    def _behind(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        values = [value for name, value in headers if name == b"x-forwarded-for"]
        hops = [hop.strip() for hop in b",".join(values).decode("latin-1").split(",")] if values else []
        while hops and self._trusts(peer):
            before = _read(hops.pop())
            if before is None:
                break  # what the proxy was told by somebody else
            peer = str(before)
        return peer

    def _trusts(self, peer: str) -> bool:
        address = _read(peer)
        return address is not None and any(address in network for network in self._trusted)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ProxyUnknown(f"server.trusted_proxies: '{text}' is no address and no network.") from error


def _read(text: str) -> Address | None:
    """An address, perhaps with a port; one of IPv4 that is written as IPv6 is that of IPv4."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
