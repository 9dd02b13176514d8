import ipaddress

import pytest

from wanderbuch.agents.runtime.gate.networks import Networks

PROXIES = [ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.200", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("nonsense", ""),
        (None, ""),
    ],
)
def test_an_address_counts_as_its_network(remote: str | None, network: str) -> None:
    assert Networks([]).of(remote) == network


@pytest.mark.parametrize(
    ("remote", "headers", "network"),
    [
        ("10.0.0.5", ["203.0.113.7"], "203.0.113.0/24"),
        ("10.0.0.5", ["1.2.3.4, 203.0.113.7"], "203.0.113.0/24"),  # what the sender itself wrote stands before
        ("10.0.0.5", ["1.2.3.4", "203.0.113.7, 10.0.0.9"], "203.0.113.0/24"),
        ("fd00::1", ["2001:db8:1::9"], "2001:db8:1::/48"),
        ("10.0.0.5", [], "10.0.0.0/24"),
        ("10.0.0.5", ["nonsense"], ""),
        ("10.0.1.5", ["203.0.113.7"], "10.0.1.0/24"),  # no trusted proxy
    ],
)
def test_believes_trusted_proxies_and_nobody_else(remote: str, headers: list[str], network: str) -> None:
    assert Networks(PROXIES).of(remote, headers) == network


def test_a_header_does_not_move_a_sender_where_no_proxy_is_trusted() -> None:
    assert Networks([]).of("203.0.113.7", ["198.51.100.1"]) == "203.0.113.0/24"
