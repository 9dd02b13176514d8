import ipaddress

import pytest

from wanderbuch.plugins.http.ranges import CARRIERS, PUBLIC_IPV6, REFUSED_IPV4, REFUSED_IPV6, is_public

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Written out once more, from the registries and not from the table: a range that falls out of the table is noticed.
REGISTERED = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32", "192.0.0.171/32"),
    *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "233.252.0.0/24", "240.0.0.0/4"),
    *("255.255.255.255/32", "::1/128", "::/128", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64"),
    *("100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48"),
    *("2001:3::/32", "2001:4:112::/48", "2001:5::/32", "2001:10::/28", "2001:20::/28", "2001:30::/28"),
    *("2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20", "5f00::/16", "fc00::/7"),
    *("fe80::/10", "fec0::/10", "ff00::/8", "4000::/3", "8000::/3", "e000::/4"),
)


def neighbours(network: Network) -> list[str]:
    """Return the addresses right before and right after a range."""
    first, last = int(network[0]), int(network[-1])
    kind = type(network[0])
    return [str(kind(number)) for number in (first - 1, last + 1) if 0 <= number < 2**network.max_prefixlen]


def inside(network: Network) -> list[str]:
    return [str(network[0]), str(network[-1]), str(network[network.num_addresses // 2])]


@pytest.mark.parametrize("prefix", REGISTERED)
def test_refuses_the_first_the_last_and_a_middle_address_of_each_registered_range(prefix: str) -> None:
    assert not any(is_public(address) for address in inside(ipaddress.ip_network(prefix)))


@pytest.mark.parametrize("prefix", [prefix for prefix, *_ in (*REFUSED_IPV4, *REFUSED_IPV6)])
def test_the_neighbours_of_a_range_are_public_unless_another_range_has_them(prefix: str) -> None:
    others = [ipaddress.ip_network(refused) for refused, *_ in (*REFUSED_IPV4, *REFUSED_IPV6) if refused != prefix]
    for address in neighbours(ipaddress.ip_network(prefix)):
        parsed = ipaddress.ip_address(address)
        taken = any(parsed in other for other in others if other.version == parsed.version)
        if parsed.version == 6:
            taken = taken or parsed not in ipaddress.IPv6Network(PUBLIC_IPV6[0])
        assert is_public(address) is not taken, address


def test_global_unicast_ends_where_it_ends() -> None:
    assert is_public("2000::")
    assert not is_public("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
    assert is_public("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
    assert not is_public("4000::")


@pytest.mark.parametrize("carrier", [prefix for prefix, *_ in CARRIERS])
def test_an_address_that_carries_another_is_as_public_as_that(carrier: str) -> None:
    network = ipaddress.IPv6Network(carrier)
    for prefix, *_ in REFUSED_IPV4:
        range_ = ipaddress.IPv4Network(prefix)
        for address in inside(range_):
            assert not is_public(str(network[int(ipaddress.IPv4Address(address))]))
        for address in neighbours(range_):
            assert is_public(str(network[int(ipaddress.IPv4Address(address))])) is is_public(address)
    for address in neighbours(network):
        assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::93.184.216.34",  # IPv4-compatible, deprecated
        "::ffff:0:93.184.216.34",  # IPv4-translated, RFC 2765
        "2002:7f00:1::1",
        "2002:5db8:d822::1",
        "2001:0:5db8:d822::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::5db8:d822",
        "fe80::1%eth0",
        "2606:2800:220:1:248:1893:25c8:1946%eth0",
        "93.184.216.34%eth0",
        "127.1",
        "0127.0.0.1",
        "2130706433",
        " 93.184.216.34",
        "[2606:2800:220:1::1]",
        "not an address",
        "",
    ],
)
def test_refuses_disguises(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "1.1.1.1", "223.255.255.255", "2606:2800:220:1:248:1893:25c8:1946", "2001:200::1", "2a00::1"],
)
def test_accepts_public_addresses(address: str) -> None:
    assert is_public(address)


def test_the_table_says_why_and_where_it_is_from() -> None:
    for _, purpose, source in (*REFUSED_IPV4, *REFUSED_IPV6, *CARRIERS, PUBLIC_IPV6):
        assert purpose
        assert source.startswith("RFC ")
