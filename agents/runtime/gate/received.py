"""What the transport and ACA-Py's dispatcher rely on in a message, parsed once: of these alone they read.

Aries RFC 0008 (threading), 0011 (decorators), 0092 (return route), 0317 (please-ack), 0056 (service). Rules:

1. The message is strict JSON, one object, of bounded depth: no member twice, no number that readers take differently.
2. `@type` and `@id` are texts; so are `thid` and `pthid`, where they are there. No text that we look up by is long.
3. The decorators of the message that are relied on are objects of the right form. The others are left out of what
   handlers see, whatever they are: nobody traces or times us from outside, and wallets decorate in ways of their own.
4. Behind the message there may be a zero, which no JSON has, and a *tail*: bytes that would else stand in it as base64
   (ADR 120). Only handlers that say so take it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.packing import TAIL_MARK
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_DEPTH: Final = 32
MAX_ID_CHARS: Final = 128
_MAX_TYPE_CHARS: Final = 256
_ID: Final = re.compile(r"[!-~]{1,128}")  # printable, so that it can stand in a log

_Id = Annotated[str, StringConstraints(strict=True, pattern=r"^[!-~]{1,128}$")]
_Key = Annotated[str, StringConstraints(strict=True, min_length=32, max_length=128)]
_Order = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
_Text = Annotated[str, StringConstraints(strict=True, max_length=512)]


class ReceivedError(ExchangeError):
    """The message is not one that we can rely on; nothing of it is kept. Never says what stood there."""

    code = "exchange.message"


class _Thread(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    thid: _Id | None = None
    pthid: _Id | None = None
    sender_order: _Order | None = None
    received_orders: Annotated[dict[_Text, _Order], Field(max_length=64)] | None = None
    goal: _Text | None = None
    goal_code: _Text | None = None


class _Transport(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    return_route: Literal["none", "all", "thread"] | None = None
    return_route_thread: _Id | None = None
    queued_message_count: _Order | None = None


class _PleaseAck(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    message_id: _Id | None = None
    on: Annotated[list[_Text], Field(max_length=16)] | None = None


class _Service(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    recipient_keys: Annotated[list[_Key], Field(max_length=4, alias="recipientKeys")]
    endpoint: Annotated[str, StringConstraints(strict=True, max_length=2048), Field(alias="serviceEndpoint")]
    routing_keys: Annotated[list[_Key], Field(max_length=4)] | None = Field(default=None, alias="routingKeys")


_RELIED_ON: Final[Mapping[str, type[BaseModel]]] = {
    "~thread": _Thread,
    "~transport": _Transport,
    "~please_ack": _PleaseAck,
    "~service": _Service,
}


@dataclass(frozen=True, slots=True)
class Received:
    """A message that can be relied on.

    Args:
        type: `@type`, with its prefix.
        id: `@id`.
        thread_id: `thid`, or the message's own id where it begins a thread.
        parent_thread_id: `pthid`: the invitation that it answers.
        return_route: whether its sender waits for a reply on the same connection: "none", "all" or "thread".
        members: the message for a handler, without the decorators that nobody here relies on.
        size: of the message, in bytes, with its tail.
        tail: bytes behind it (4).
    """

    type: str
    id: str
    thread_id: str
    parent_thread_id: str | None
    return_route: str
    members: dict[str, Any]
    size: int
    tail: bytes = b""

    @classmethod
    def read(cls, content: bytes, *, max_bytes: int) -> Self:
        """Return the message in the content of an envelope.

        Raises:
            ReceivedError: it breaks a rule of this module.
        """
        text, _, tail = content.partition(TAIL_MARK)
        try:
            members = read_strict_json(text, max_bytes=max_bytes, max_depth=MAX_DEPTH, fractions=True)
        except StrictJsonError as err:
            raise ReceivedError("expected the message to be strict JSON") from err
        return replace(cls.of(members, size=len(content)), tail=tail)

    @classmethod
    def of(cls, members: object, *, size: int) -> Self:
        """Return the message with these members; errors as with `read`."""
        if not isinstance(members, dict):
            raise ReceivedError("expected a JSON object")
        kind, own_id = members.get("@type"), members.get("@id")
        if kind is None and "type" in members:
            raise ReceivedError("a message of DIDComm v2 in a v1 envelope: it is taken in a v2 envelope")
        if not isinstance(kind, str) or not 0 < len(kind) <= _MAX_TYPE_CHARS:
            raise ReceivedError("expected @type to be a short text")
        if not isinstance(own_id, str) or not _ID.fullmatch(own_id):
            raise ReceivedError(f"expected @id to be a text of 1 to {MAX_ID_CHARS} printable characters")
        parsed: dict[str, Any] = {}
        for name, form in _RELIED_ON.items():
            if name in members:
                parsed[name] = _parsed(form, name, members[name])
        thread, transport = parsed.get("~thread", _Thread()), parsed.get("~transport", _Transport())
        return cls(
            kind,
            own_id,
            thread.thid or own_id,
            thread.pthid,
            transport.return_route or "none",
            {name: value for name, value in members.items() if not name.startswith("~") or name in _RELIED_ON},
            size,
        )


def _parsed(form: type[BaseModel], name: str, value: object) -> BaseModel:
    try:
        return form.model_validate(value)
    except ValidationError as err:
        raise ReceivedError(f"the decorator {name} is not of the right form") from err
