"""What other hosts answer: as the callers of the edge have it, and how it is read from the socket.

A body is counted while it arrives and never decompressed; a status that is no success is an error of its own kind.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from wanderbuch.plugins.http.errors import (
    NotFoundError,
    RedirectRefusedError,
    StatusError,
    TooLargeError,
    UnreachableError,
)

_CHUNK_BYTES: Final = 16 * 1024
_PROBLEM: Final = "application/problem+json"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})  # RFC 9110 §15.4
_PRINTABLE: Final = re.compile(r"[ -~]+")  # RFC 9110 §5.5, without what is obsolete there
_SHOWN_HEADERS: Final = ("Content-Type", "Content-Range", "ETag", "Location")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: status 200 to 299, or 304 without a body where an `etag` was sent."""

    status: int
    body: bytes
    content_type: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a host would have sent us. Nobody went there; whoever asked for it decides what it means.

    Args:
        location: the Location header, made absolute; unchecked.
    """

    status: int
    location: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """An answer of any status, as somebody else is shown it.

    Args:
        headers: those that matter to them, by name in small letters; unchecked.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


async def fetched(
    response: aiohttp.ClientResponse, shown: str, max_bytes: int, *, conditional: bool = False
) -> Fetched:
    """Read an answer that must be a success.

    Args:
        response: the answer.
        shown: its address, for people.
        max_bytes: the largest body to accept.
        conditional: whether 304 is one too.

    Raises:
        HttpError: too large, redirected, compressed, or any status but success.
    """
    check_status(response, shown, conditional=conditional)
    received = b"" if response.status == 304 else await read_body(response, shown, max_bytes)
    return Fetched(response.status, received, response.content_type, response.headers.get("ETag"))


async def fetched_or_location(response: aiohttp.ClientResponse, shown: str, max_bytes: int) -> Fetched | Redirect:
    """Read an answer that must be a success, or a redirect that says where to."""
    if response.status in _REDIRECTS and "Location" in response.headers:
        return Redirect(response.status, _absolute(response.url, response.headers["Location"], shown))
    return await fetched(response, shown, max_bytes)


async def fetched_or_refusal(response: aiohttp.ClientResponse, shown: str, max_bytes: int) -> Fetched:
    """Read an answer that must be a success; problem details (RFC 9457) are read into the error's `body`."""
    if 400 <= response.status < 500 and response.content_type == _PROBLEM:
        why = await read_body(response, shown, max_bytes)
        raise StatusError(f"{shown} refuses (status {response.status})", status=response.status, body=why)
    return await fetched(response, shown, max_bytes)


async def relayed(response: aiohttp.ClientResponse, shown: str, max_bytes: int) -> Relayed:
    """Read an answer of any status, with those of its headers that somebody else is shown."""
    body = await read_body(response, shown, max_bytes)
    headers = {
        name.lower(): value for name in _SHOWN_HEADERS if _PRINTABLE.fullmatch(value := response.headers.get(name, ""))
    }
    return Relayed(response.status, headers, body)


def check_status(response: aiohttp.ClientResponse, shown: str, *, conditional: bool = False) -> None:
    """Refuse any status but success, or 304 where that is one."""
    status = response.status
    if 200 <= status < 300 or (status == 304 and conditional):
        return
    if status in (404, 410):
        raise NotFoundError(f"there is nothing at {shown} (status {status})", status=status)
    if 300 <= status < 400:
        raise RedirectRefusedError(
            f"{shown} sends us elsewhere (status {status}); we do not follow",
            status=status,
            location=response.headers.get("Location", ""),
        )
    raise StatusError(f"expected success from {shown}, found status {status}", status=status)


async def read_body(response: aiohttp.ClientResponse, shown: str, max_bytes: int) -> bytes:
    """Read a body, whatever the status.

    Raises:
        TooLargeError: it has more than `max_bytes`.
        UnreachableError: it is compressed.
    """
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnreachableError(f"expected a plain body from {shown}, found a compressed one")
    too_large = TooLargeError(f"expected at most {max_bytes} bytes from {shown}, found more")
    if (response.content_length or 0) > max_bytes:
        raise too_large
    received = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        received += chunk
        if len(received) > max_bytes:
            raise too_large
    return bytes(received)


def _absolute(url: URL, location: str, shown: str) -> str:
    try:
        return urljoin(str(url), location)
    except ValueError as err:
        raise UnreachableError(f"{shown} sends us to something that is no address") from err
