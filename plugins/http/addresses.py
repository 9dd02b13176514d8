"""Which addresses we talk to.

Rules, each checked on what is really connected to, never on a name looked up before:

1. https only, a host name (no IP literal), no user name in the URL.
2. A name in the connection map goes to the mapped address, and only there.
3. Every address that a name resolves to must be public (`ranges`). One address that is not refuses the name.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.errors import AddressRefusedError
from wanderbuch.plugins.http.ranges import is_public

# Labels of 1 to 63 characters (RFC 1035 §2.3.4): what looks names up fails on others in ways of its own.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")


@dataclass(frozen=True, slots=True)
class ConnectionMap:
    """Where to connect for some names, as `curl --connect-to` does: the TLS name stays, only the TCP target changes.

    Args:
        targets: (host in lower case, port) -> (IP address, port).
    """

    targets: Mapping[tuple[str, int], tuple[str, int]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """Return the map that lines such as `agent.example.test:443=127.0.0.1:8443` describe.

        Raises:
            ConfigurationError: a line has another form, or a host stands there twice.
        """
        targets: dict[tuple[str, int], tuple[str, int]] = {}
        for line in lines:
            name, mark, target = line.strip().partition("=")
            host, _, port = name.rpartition(":")
            address, _, target_port = target.rpartition(":")
            try:
                if not mark or not _HOST.fullmatch(host.lower()):
                    raise ValueError  # noqa: TRY301
                key = (host.lower(), _port(port))
                value = (str(ipaddress.ip_address(address.strip("[]"))), _port(target_port))
            except ValueError:
                raise ConfigurationError(
                    f"expected <host>:<port>=<IP address>:<port> in the connection map, found {line!r}"
                ) from None
            if key in targets:
                raise ConfigurationError(f"the connection map names {host}:{port} twice")
            targets[key] = value
        return cls(MappingProxyType(targets))


def checked_url(text: str) -> URL:
    """Return `text` as a URL that rule 1 allows.

    Raises:
        AddressRefusedError: it is not one.
    """
    try:
        url = URL(text)
        host, port, _ = url.raw_host, url.port, url.host  # the last one is decoded, if it can be
    except (ValueError, TypeError):
        raise AddressRefusedError("expected an https address, found a text that is no URL") from None
    if url.scheme != "https":
        raise AddressRefusedError(f"expected an https address, found the scheme {url.scheme!r}")
    if not host or not port or url.user is not None or url.password is not None:
        raise AddressRefusedError("expected https://<host>/…, found no host name or a user name in the address")
    if not _HOST.fullmatch(host.lower()) or _is_ip_literal(host):
        raise AddressRefusedError(f"expected a host name, found {host!r}")
    return url


class CheckedResolver(AbstractResolver):
    """Resolves names for the connector and lets no address through that the rules refuse (rules 2 and 3).

    aiohttp connects to exactly what this returns, so a name cannot change its address between check and use.

    Args:
        connect: the connection map.
        resolver: who looks names up.
    """

    def __init__(self, connect: ConnectionMap, resolver: AbstractResolver) -> None:
        self._connect = connect
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses to connect to for `host`.

        Raises:
            AddressRefusedError: an address is not public and not in the connection map.
            OSError: the name could not be looked up.
        """
        target = self._connect.targets.get((host.lower(), port))
        if target is not None:
            address, target_port = target
            version = socket.AF_INET6 if ":" in address else socket.AF_INET
            numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            return [
                ResolveResult(hostname=host, host=address, port=target_port, family=version, proto=0, flags=numeric)
            ]
        hosts = await self._resolver.resolve(host, port, family)
        if not hosts or not all(is_public(result["host"]) for result in hosts):
            raise AddressRefusedError(
                f"{host} resolves to an address that is not public",
                hint="name it in the connection map if it is meant to be reached",
            )
        return hosts

    async def close(self) -> None:
        """Release the resolver."""
        await self._resolver.close()


def _is_ip_literal(host: str) -> bool:
    # The resolver is not asked for what looks like an address (also 127.1 or 2130706433), so it must not get that far.
    last = host.rstrip(".").rpartition(".")[2]
    return ":" in host or last.isdigit() or last.lower().startswith("0x")


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number < 65536:
        raise ValueError
    return number
