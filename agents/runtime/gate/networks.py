"""Which network a request came from: what senders without an identity can be told apart by.

An IPv4 address counts as its /24, an IPv6 address as its /48: about what one person can have. Behind a proxy every
request comes from the proxy; then the last address in `X-Forwarded-For` that no trusted proxy has is the sender's. A
proxy is trusted only if the configuration names it: else anybody could write that header.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

from aiohttp import web

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAX_FORWARDS = 16
_MAX_ADDRESS_CHARS = 128  # longer is no address, and is not remembered


class Networks:
    """Tells networks apart.

    >>> Networks([]).of("203.0.113.7", ["198.51.100.1"])
    '203.0.113.0/24'
    >>> proxies = [ipaddress.ip_network("10.0.0.0/8")]
    >>> Networks(proxies).of("10.0.0.5", ["198.51.100.1, 203.0.113.7", "10.0.0.4"])
    '203.0.113.0/24'

    Args:
        trusted_proxies: whose `X-Forwarded-For` is believed.
    """

    def __init__(self, trusted_proxies: Iterable[Network]) -> None:
        self._trusted = tuple(trusted_proxies)

    def of(self, remote: str | None, forwarded_for: Sequence[str] = ()) -> str:
        """Return the network of a request; "" if it is not known.

        Args:
            remote: the address at the other end of the connection.
            forwarded_for: the `X-Forwarded-For` headers, as they came.
        """
        address = _address(remote)
        if self._is_trusted(address):
            named = [hop for line in forwarded_for for hop in line.split(",")]
            for text in reversed(named[-_MAX_FORWARDS:]):
                address = _address(text[:_MAX_ADDRESS_CHARS])
                if not self._is_trusted(address):
                    break
        return "" if address is None else _network(address)

    def of_request(self, request: web.BaseRequest) -> str:
        """Return the network of a request as it came to a site of ours."""
        return self.of(request.remote, request.headers.getall("X-Forwarded-For", ()))

    def trusts(self, remote: str | None) -> bool:
        """Return whether the address at the other end of a connection is a proxy that we trust."""
        return self._is_trusted(_address(remote))

    def _is_trusted(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))
