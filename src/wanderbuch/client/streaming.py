"""Server-sent events, read line by line (HTML standard, "Server-sent events"), as far as the agents send them."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from pydantic import ValidationError

from wanderbuch.client.errors import UnreachableError
from wanderbuch.client.models import Event
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MISSED: Final = "missed"
_MAX_LINE_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 8


class MissedEventsError(UnreachableError):
    """Events came and went while nobody read: look at the lists of the API, then go on."""

    code = "client.missed"


async def read_events(lines: AsyncIterable[bytes]) -> AsyncIterator[Event | None]:
    """Yield events as they come; None for a sign of life.

    Raises:
        MissedEventsError: the log has lost what came after the last event that was read.
        UnreachableError: what comes is no stream of events.
    """
    kind, data = "", b""
    async for line in lines:
        text = line.rstrip(b"\r\n")
        if len(text) > _MAX_LINE_BYTES:
            raise UnreachableError("a line of the stream is too long")
        name, _, value = text.partition(b":")
        value = value.removeprefix(b" ")
        if not text and data:
            if kind == _MISSED:
                raise MissedEventsError("events were missed: the log is shorter than the pause was long")
            yield _event(data)
        elif name == b"event":
            kind = value.decode()
        elif name == b"data":
            data += value
        elif text.startswith(b":"):
            yield None
        if not text:
            kind, data = "", b""


def _event(data: bytes) -> Event:
    try:
        return Event.model_validate(read_strict_json(data, max_bytes=_MAX_LINE_BYTES, max_depth=_MAX_DEPTH))
    except (StrictJsonError, ValidationError) as err:
        raise UnreachableError("the stream has something that is no event") from err
