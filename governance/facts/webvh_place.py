"""Where the files of a did:webvh DID lie: the DID-to-HTTPS transformation of did:webvh 1.0, without a request.

One set of rules for whoever reads such a DID, resolves it, or is about to make one:

1. The host is a dotted name: labels of 1 to 63 letters, digits and inner hyphens, at most 253 characters, and the last
   label begins with a letter, so that nothing that a URL parser takes for an IP address is one. Upper case counts as
   lower case; what is percent-encoded is decoded once; other scripts become their ASCII form (IDNA 2008).
2. A port is 1 to 65535, written `%3A<port>` behind the host.
3. A path segment is percent-decoded once; it is not empty, `.` or `..`, and has no slash, backslash or control
   character, and no blank at its ends.
4. Nothing under `localhost` is meant for others (RFC 6761).

Who makes a DID keeps `published_place` besides: what other people's readers get wrong is left out of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import idna

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST_PATTERN: Final = rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}"
_HOST: Final = re.compile(HOST_PATTERN)
_MAX_HOST: Final = 253
_MAX_OWN_PLACE: Final = 380  # a DID of our own, with the digest of an object behind it, is an id of at most 512
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f/\\]")
_OWN_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
# did-webvh 1.0.1, the library of ACA-Py's own resolver, wants labels of two characters or more, the first a letter.
_OLD_READERS: Final = re.compile(r"[a-z][a-z0-9-]+(?:\.[a-z][a-z0-9-]+)+")


class PlaceError(ValueError):
    """Text that is no host, port or path of a did:webvh DID; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class WebvhPlace:
    """Where the files of a DID lie.

    Args:
        host: in ASCII and lower case.
        port: None for 443.
        path: the segments below the host, decoded; none: the log lies in `.well-known`.
    """

    host: str
    port: int | None
    path: tuple[str, ...]

    @property
    def base_url(self) -> str:
        """The address below which the DID's files lie, without a trailing slash."""
        authority = self.host if self.port is None else f"{self.host}:{self.port}"
        return "/".join((f"https://{authority}", *(quote(segment, safe="") for segment in self.path)))

    @property
    def log_folder(self) -> str:
        """The address of the folder of `did.jsonl`, without a trailing slash."""
        return self.base_url if self.path else f"{self.base_url}/.well-known"


def read_place(domain: str, segments: Sequence[str]) -> WebvhPlace:
    """Return the place that the components of a DID name.

    Args:
        domain: the component behind the SCID, as written.
        segments: those behind it, as written.

    Raises:
        PlaceError: a rule is broken.
    """
    host, port = _host_and_port(domain)
    if host == "localhost" or host.endswith(".localhost"):  # rule 4
        raise PlaceError("a name under localhost is reached by nobody else")
    return WebvhPlace(host, port, tuple(map(_segment, segments)))


def published_place(host: str, path: str) -> WebvhPlace:
    """Return the place of a DID of our own; only what everybody reads is one.

    Args:
        host: as configured: dotted, in ASCII and lower case, without a port.
        path: one or more segments with `/` between them.

    Raises:
        PlaceError: a rule is broken, or readers other than ours could not find the DID.
    """
    if "://" in host:
        raise PlaceError("a public name is a name alone: no https:// before it")
    if ":" in host or "%" in host:
        raise PlaceError("a public name has no port: wallets find nothing there; any port may listen behind a proxy")
    place = read_place(host, ())
    if host != place.host:
        raise PlaceError(f"write the host as it stands on the wire: {place.host}")
    try:
        for label in host.split("."):
            if label.startswith("xn--"):
                idna.decode(label)
    except (idna.IDNAError, UnicodeError) as err:
        raise PlaceError(f"{host} is not a proper internationalised name: {err}") from err
    if "localhost" in host:
        raise PlaceError('a name with "localhost" in it is read over http by some wallets')
    if not path:
        raise PlaceError("a path is needed: one segment or more")
    if len(host) + len(path) > _MAX_OWN_PLACE:
        raise PlaceError(f"host and path have {len(host) + len(path)} characters together, more than {_MAX_OWN_PLACE}")
    segments = path.split("/")
    for segment in segments:
        if not _OWN_SEGMENT.fullmatch(segment):
            raise PlaceError(
                f"the path segment {segment[:80]!r} is not made of letters, digits, hyphens, dots and underscores, "
                "the first no dot"
            )
    return WebvhPlace(place.host, None, tuple(segments))


def is_read_by_old_readers(host: str) -> bool:
    """Tell whether did-webvh 1.0.1 and before takes the host for one; they refuse `4th.ac.ke`, which is legal."""
    return _OLD_READERS.fullmatch(host) is not None


def _host_and_port(domain: str) -> tuple[str, int | None]:
    name, mark, port = _decoded(domain).partition(":")
    if mark and (not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536):  # rule 2
        raise PlaceError(f"expected a port from 1 to 65535 behind the host, found {port[:20]!r}")
    if name.isascii():
        host = name.lower()
    else:
        try:
            host = idna.encode(name, uts46=True, std3_rules=True).decode()
        except (idna.IDNAError, UnicodeError) as err:
            raise PlaceError(f"the host is no internationalised name: {err}"[:200]) from err
    if len(host) > _MAX_HOST or not _HOST.fullmatch(host):  # rule 1
        raise PlaceError(
            "expected a dotted host name such as 4th.ac.ke, of labels of letters, digits and inner hyphens, "
            f"found {host[:80]!r}"
        )
    return host, int(port) if mark else None


def _segment(text: str) -> str:
    segment = _decoded(text)
    if segment in ("", ".", "..") or segment != segment.strip() or _CONTROL.search(segment):  # rule 3
        raise PlaceError(f"expected a path segment, found {segment[:80]!r}")
    return segment


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    if _PERCENT.search(text):
        raise PlaceError("expected two hexadecimal digits behind each %")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as err:
        raise PlaceError("expected percent-encoded UTF-8") from err
