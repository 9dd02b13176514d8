"""Where people reach a site: what passkeys and other providers are bound to.

Authenticators sign for one origin and one relying party, so both come from the configuration, never from a request: a
`Host` header is the caller's word.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_USUAL_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class SiteAddress:
    """The configured address (`[app] url`).

    Args:
        origin: as browsers write it: scheme, host, and a port that is not the usual one.
        rp_id: the relying party (WebAuthn 2 §5.1.2): the host.
    """

    origin: str
    rp_id: str


def site_address(url: str | None) -> SiteAddress | None:
    """Return the address, None if browsers have no passkeys there: it is no name, or neither https nor on this machine.

    >>> site_address("https://desk.example:443")
    SiteAddress(origin='https://desk.example', rp_id='desk.example')
    >>> site_address("http://desk.example"), site_address("https://192.0.2.7")
    (None, None)
    """
    parts = urlsplit(url or "")
    host = parts.hostname or ""
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
    try:
        port = parts.port
    except ValueError:
        return None
    if not host or not is_secure or _is_number(host):
        return None
    own = "" if port in {None, _USUAL_PORTS[parts.scheme]} else f":{port}"
    return SiteAddress(f"{parts.scheme}://{host}{own}", host)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
