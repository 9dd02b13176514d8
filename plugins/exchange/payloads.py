"""What must arrive, kept until it is acknowledged or over: the outbox of the exchanges.

    payload = Payload({"@type": …}, {"state": "ISSUED", "index": 4})
    await markers.add(offer.id, "outcome", payload.note, first=payloads.keeping(offer.id, payload))
    …
    await markers.add(offer.id, "receipt", {…}, then=payloads.removing(offer.id))

A credential, a presentation and the notice of a revocation cannot be made anew as they were; anything else is, from
the exchange's record. A payload is an entry of its own, named by its exchange, with the message unpacked: keys and
addresses are those of the moment in which it is sent. What is attached in base64 is kept decoded and deflated (most of
it are long numbers in decimal), behind the message and a zero byte, which no JSON text has. A payload is kept before
the marker that says it exists, so a crash between the two leaves a payload without its marker. The next try finds that
its name is taken, and goes on with what is there: so of two tries, in one process or in two, one message is ever sent.
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import msgspec
from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.base64_text import from_base64
from wanderbuch.plugins.exchange.json_text import to_json
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.markers import Beside

CATEGORY: Final = "wanderbuch.payload"

_BEHIND: Final = b"\0"
_LEVEL: Final = 1  # others cost more and make digits no smaller
_NO_NOTE: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Payload:
    """A message that is to arrive.

    Args:
        message: ready for JSON.
        note: what its marker says of it (fields of the exchange's record), for whoever finds it without one.
    """

    message: Mapping[str, Any] = field(repr=False)
    note: Mapping[str, Any] = field(default_factory=lambda: _NO_NOTE)

    def to_bytes(self) -> bytes:
        """Return it as it is kept."""
        message, attached = _taken_out(self.message)
        kept = to_json({"message": message, "note": self.note})
        return kept if attached is None else kept + _BEHIND + zlib.compress(attached, _LEVEL)

    @classmethod
    def read(cls, kept: bytes) -> Self:
        """Return what `to_bytes` gave."""
        text, _, attached = kept.partition(_BEHIND)
        document = msgspec.json.decode(text)
        if attached:
            _put_back(document["message"], zlib.decompress(attached))
        return cls(document["message"], document["note"])


class Payloads:
    """The payloads of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    async def find(self, name: str) -> Payload | None:
        """Return a payload by its name; None: it was acknowledged, is over, or never was."""
        async with self._profile.session() as session:
            entry = await session.handle.fetch(CATEGORY, name)
        return None if entry is None else Payload.read(bytes(entry.value))

    async def keep(self, name: str, payload: Payload) -> None:
        """Keep a payload; DuplicateError: there is one of this name."""
        async with self._profile.session() as session:
            await keeping(name, payload)(session.handle)

    async def remove(self, name: str) -> None:
        """Remove a payload, if it is there."""
        async with self._profile.session() as session:
            await removing(name)(session.handle)


def keeping(name: str, payload: Payload) -> Beside:
    """Return what keeps a payload in a session that is open, before its marker; DuplicateError: the name is taken."""

    async def keep(handle: Any) -> None:
        try:
            await handle.insert(CATEGORY, name, payload.to_bytes())
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise
            raise DuplicateError("a payload of this exchange is already there") from err

    return keep


def removing(name: str) -> Beside:
    """Return what removes a payload in a session that is open, after the marker that makes it needless."""

    async def remove(handle: Any) -> None:
        try:
            await handle.remove(CATEGORY, name)
        except AskarError as err:
            if err.code != AskarErrorCode.NOT_FOUND:
                raise

    return remove


def _taken_out(message: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes | None]:
    """Return a message without what is attached to it, and that; as it is and None where it would not come back so."""
    for name, listed in message.items():
        data = listed[0].get("data") if name.endswith("~attach") and isinstance(listed, list) and listed else None
        if not isinstance(data, dict) or not isinstance(encoded := data.get("base64"), str):
            continue
        try:
            attached = from_base64(encoded)
        except ValueError:
            continue
        if attached and base64.b64encode(attached).decode("ascii") == encoded:
            first = {**listed[0], "data": {**data, "base64": None}}
            return {**message, name: [first, *listed[1:]]}, attached
    return message, None


def _put_back(message: dict[str, Any], attached: bytes) -> None:
    """Attach again what was taken out."""
    for name, listed in message.items():
        if name.endswith("~attach") and listed and listed[0].get("data", {}).get("base64", "") is None:
            listed[0]["data"]["base64"] = base64.b64encode(attached).decode("ascii")
            return
