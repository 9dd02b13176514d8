import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.addresses import CheckedResolver, ConnectionMap, checked_url
from wanderbuch.plugins.http.errors import AddressRefusedError


class Answers(AbstractResolver):
    """A name server that gives its answers one after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    "url",
    [
        "http://registry.example.test/",
        "ftp://registry.example.test/",
        "file:///etc/passwd",
        "https:///nowhere",
        "https://user@registry.example.test/",
        "https://user:secret@registry.example.test/",
        "https://127.0.0.1/",
        "https://93.184.216.34/",
        "https://[::1]/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://registry.example.test:99999/",
        "https://a..example.test/",
        "https://.example.test/",
        "https://registry.-example.test/",
        f"https://{'a' * 64}.example.test/",
        "https://xn--a.example.test/",
        "https://xn--.example.test/",
        "no url",
        "",
    ],
)
def test_refuses_what_is_no_https_address_of_a_named_host(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        checked_url(url)


def test_accepts_an_https_address_with_or_without_a_port() -> None:
    assert checked_url("https://registry.example.test/a?b").port == 443
    assert checked_url("https://registry.example.test:8443/a").port == 8443


def test_an_internationalised_host_goes_by_its_ascii_form() -> None:
    assert checked_url("https://xn--fsq.jp/org").raw_host == "xn--fsq.jp"
    with pytest.raises(AddressRefusedError):
        checked_url("https://１２７．０．０．１/org")  # full-width digits and dots


@pytest.mark.parametrize("host", ["a_b.example.test", "_x._y.example.test", "4th.ac.ke", "a" * 63 + ".test", "agent"])
def test_accepts_names_as_they_are_in_use(host: str) -> None:
    assert checked_url(f"https://{host}/").host == host


async def test_a_name_in_the_map_goes_to_the_mapped_address_only() -> None:
    resolver = CheckedResolver(ConnectionMap.parse(["a.example.test:443=127.0.0.1:8443"]), Answers())
    (address,) = await resolver.resolve("A.example.test", 443)
    assert (address["host"], address["port"], address["hostname"]) == ("127.0.0.1", 8443, "A.example.test")


async def test_another_port_of_a_mapped_name_is_not_mapped() -> None:
    resolver = CheckedResolver(ConnectionMap.parse(["a.example.test:443=127.0.0.1:8443"]), Answers(["127.0.0.1"]))
    with pytest.raises(AddressRefusedError):
        await resolver.resolve("a.example.test", 8443)


async def test_refuses_a_name_with_one_private_address_among_public_ones() -> None:
    resolver = CheckedResolver(ConnectionMap(), Answers(["93.184.216.34", "10.0.0.1"]))
    with pytest.raises(AddressRefusedError, match="not public"):
        await resolver.resolve("a.example.test", 443)


async def test_refuses_a_name_that_turns_private_between_two_connections() -> None:
    resolver = CheckedResolver(ConnectionMap(), Answers(["93.184.216.34"], ["127.0.0.1"]))
    assert [address["host"] for address in await resolver.resolve("a.example.test", 443)] == ["93.184.216.34"]
    with pytest.raises(AddressRefusedError):
        await resolver.resolve("a.example.test", 443)


async def test_refuses_a_name_without_any_address() -> None:
    with pytest.raises(AddressRefusedError):
        await CheckedResolver(ConnectionMap(), Answers([])).resolve("a.example.test", 443)


@pytest.mark.parametrize(
    "line",
    [
        "a.example.test:443",
        "a.example.test=127.0.0.1:8443",
        "a.example.test:443=127.0.0.1",
        "a.example.test:443=localhost:8443",
        "a.example.test:0=127.0.0.1:8443",
        "a.example.test:443=127.0.0.1:65536",
        "a.example.test:x=127.0.0.1:1",
        ":443=127.0.0.1:8443",
        "",
    ],
)
def test_refuses_a_connection_map_line_of_another_form(line: str) -> None:
    with pytest.raises(ConfigurationError, match="connection map"):
        ConnectionMap.parse([line])


def test_refuses_a_name_that_stands_in_the_connection_map_twice() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        ConnectionMap.parse(["a.example.test:443=127.0.0.1:1", "A.example.test:443=127.0.0.1:2"])


def test_connection_map_takes_ipv6_targets() -> None:
    assert ConnectionMap.parse(["a.example.test:443=[::1]:8443"]).targets == {("a.example.test", 443): ("::1", 8443)}
