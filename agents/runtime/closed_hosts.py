"""Hosts of centres that have closed, whose public files this agent goes on serving: what people are told there.

Beside the files of such a host lies `closed.json`: who was there, and whom to ask now. Slips, short links and pages of
the centre are gone; a person who opens one is told that, and sent on. It is the word of who runs this site, about a
host that is theirs by now; nothing is judged by it.
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.strict_json import StrictJsonError, read_strict_json

CLOSED: Final = "closed.json"
_MAX_BYTES: Final = 4096
_MAX_NAME: Final = 200
_MAX_ADDRESS: Final = 500
_MEDIA_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class ClosedHost:
    """A centre that was here.

    Args:
        name: what people called it.
        since: from which day on its files are served by another.
        ask: the https address of whom to ask: the authority, or the centre that goes on.
    """

    name: str
    since: date
    ask: str

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            ConfigurationError: it has no name, or no https address.
        """
        if not 0 < len(self.name) <= _MAX_NAME or not self.name.strip():
            raise ConfigurationError(f"expected the name of the centre, of at most {_MAX_NAME} characters")
        try:
            parts = urlsplit(self.ask)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme != "https" or not parts.hostname or len(self.ask) > _MAX_ADDRESS or not self.ask.isascii():
            raise ConfigurationError("expected an https address of whom to ask", hint="write it as a browser shows it")


async def publish_closed(closed: ClosedHost, publisher: Publisher) -> None:
    """Say at a host whose it was; a later word takes the place of an earlier one."""
    body = json.dumps({"name": closed.name, "since": closed.since.isoformat(), "ask": closed.ask}).encode()
    await publisher.put(CLOSED, body, _MEDIA_TYPE, number=closed.since.toordinal())


async def read_closed(publisher: Publisher) -> ClosedHost | None:
    """Return whose host it was, None if nobody has said that, or it cannot be read."""
    body = await publisher.get(CLOSED)
    if body is None:
        return None
    try:
        told = read_strict_json(body, max_bytes=_MAX_BYTES, max_depth=2)
        return ClosedHost(told["name"], date.fromisoformat(told["since"]), told["ask"])
    except (StrictJsonError, ConfigurationError, KeyError, TypeError, ValueError):
        return None
