"""The ranges of addresses that are not of the public internet, as data: what a Python calls global changes with Python.

Sources: IANA IPv4 Special-Purpose Address Registry, IANA IPv6 Special-Purpose Address Registry, IANA Internet Protocol
Version 6 Address Space, IANA IPv4 Address Space Registry, each as of November 2026.

Stricter than the registries in one point: a range with a purpose of its own (anycast sinks, tunnels, identifiers) is
refused also where it is reachable from anywhere, because no agent is published there.
"""

import ipaddress
from typing import Final

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REFUSED_IPV4: Final = (
    ("0.0.0.0/8", "this network", "RFC 791 §3.2"),
    ("10.0.0.0/8", "private use", "RFC 1918"),
    ("100.64.0.0/10", "shared by customers of one carrier", "RFC 6598"),
    ("127.0.0.0/8", "loopback", "RFC 1122 §3.2.1.3"),
    ("169.254.0.0/16", "link local", "RFC 3927"),
    ("172.16.0.0/12", "private use", "RFC 1918"),
    ("192.0.0.0/24", "IETF protocol assignments", "RFC 6890 §2.1"),
    ("192.0.2.0/24", "documentation", "RFC 5737"),
    ("192.31.196.0/24", "AS112, a sink", "RFC 7535"),
    ("192.52.193.0/24", "multicast tunnels (AMT)", "RFC 7450"),
    ("192.88.99.0/24", "6to4 relays, deprecated", "RFC 7526"),
    ("192.168.0.0/16", "private use", "RFC 1918"),
    ("192.175.48.0/24", "AS112, a sink", "RFC 7534"),
    ("198.18.0.0/15", "benchmarking", "RFC 2544"),
    ("198.51.100.0/24", "documentation", "RFC 5737"),
    ("203.0.113.0/24", "documentation", "RFC 5737"),
    ("224.0.0.0/4", "multicast", "RFC 5771"),
    ("240.0.0.0/4", "reserved, and broadcast", "RFC 1112 §4, RFC 8190"),
)

# Everything else in IPv6 is unspecified, loopback, private, link or site local, multicast, discard, a segment routing
# identifier or not assigned at all. The two that carry an IPv4 address are in `CARRIERS`.
PUBLIC_IPV6: Final = ("2000::/3", "global unicast", "RFC 4291 §2.4")

REFUSED_IPV6: Final = (
    ("2001::/23", "IETF protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, DRIP, …", "RFC 2928, RFC 4380"),
    ("2001:db8::/32", "documentation", "RFC 3849"),
    ("2002::/16", "6to4", "RFC 3056, RFC 7526"),
    ("2620:4f:8000::/48", "AS112, a sink", "RFC 7534"),
    ("3ffe::/16", "6bone, returned", "RFC 3701"),
    ("3fff::/20", "documentation", "RFC 9637"),
)

# An address below one of these reaches the IPv4 address in its last 32 bits, and is as public as that.
CARRIERS: Final = (
    ("::ffff:0:0/96", "IPv4-mapped", "RFC 4291 §2.5.5.2"),
    ("64:ff9b::/96", "translated to IPv4 (NAT64)", "RFC 6052 §2.1"),
)

_REFUSED_IPV4 = tuple(ipaddress.IPv4Network(prefix) for prefix, *_ in REFUSED_IPV4)
_REFUSED_IPV6 = tuple(ipaddress.IPv6Network(prefix) for prefix, *_ in REFUSED_IPV6)
_PUBLIC_IPV6 = ipaddress.IPv6Network(PUBLIC_IPV6[0])
_CARRIERS = tuple(ipaddress.IPv6Network(prefix) for prefix, *_ in CARRIERS)


def is_public(address: str) -> bool:
    """Tell whether the IP address `address` is one of the public internet; one with a zone is not.

    >>> is_public("203.0.114.1"), is_public("203.0.113.1"), is_public("fec0::1")
    (True, False, False)
    """
    try:
        parsed: Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.scope_id is not None:
            return False
        if not any(parsed in carrier for carrier in _CARRIERS):
            return parsed in _PUBLIC_IPV6 and not any(parsed in refused for refused in _REFUSED_IPV6)
        parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return not any(parsed in refused for refused in _REFUSED_IPV4)
