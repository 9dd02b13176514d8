"""A DIDComm v2 plaintext message, read strictly and written (DIDComm Messaging 2.1 §Plaintext Message Structure).

Rules:

1. Strict JSON, one object, of bounded depth; `id`, `thid`, `pthid` are short printable texts, since they stand in logs.
2. `type` is a message type URI; `typ`, where it is there, says that this is a plaintext message.
3. `from` is a bare DID. It is the sender only if the envelope proves it: `check_sender`.
4. `to` lists bare DIDs. That ours is not among them is no reason to refuse (§Message Headers).
5. Times are whole seconds; a message whose `expires_time` is past is refused.
6. `body` is an object, `attachments` a list of objects. Other headers are left out: nobody here relies on them.
7. `from_prior` is refused. It says that its sender goes on under a new DID with what was begun under an old one
   (§DID Rotation); nothing is kept here by a sender's DID, so there is nothing to go on with, and a claim that nobody
   checked must not be carried along.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.json_text import to_json
from wanderbuch.plugins.exchange.v2.message_types import TypeUri
from wanderbuch.strict_json import StrictJsonError, read_strict_json

PLAIN: Final = "application/didcomm-plain+json"
MAX_DEPTH: Final = 32
MAX_ATTACHMENTS: Final = 16
_MAX_DID_CHARS: Final = 4096

_Id = Annotated[str, StringConstraints(strict=True, pattern=r"^[!-~]{1,128}$")]
_Did = Annotated[str, StringConstraints(strict=True, pattern=r"^did:[a-z0-9]+:[!-\"$-~]+$", max_length=_MAX_DID_CHARS)]
_Seconds = Annotated[int, Field(strict=True, ge=0, le=2**40)]


class PlaintextError(ExchangeError):
    """The message is not one that we can rely on; nothing of it is kept. Never says what stood there."""

    code = "exchange.message"


class _Headers(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    id: _Id
    type: Annotated[str, StringConstraints(strict=True, max_length=400)]
    typ: Literal["application/didcomm-plain+json", "didcomm-plain+json"] | None = None
    sender: _Did | None = Field(default=None, alias="from")
    to: Annotated[list[_Did], Field(max_length=64)] | None = None
    thid: _Id | None = None
    pthid: _Id | None = None
    created_time: _Seconds | None = None
    expires_time: _Seconds | None = None
    return_route: Literal["none", "all", "thread"] | None = None
    from_prior: object = None
    body: dict[str, Any] = Field(default_factory=dict)
    attachments: Annotated[list[dict[str, Any]], Field(max_length=MAX_ATTACHMENTS)] | None = None


@dataclass(frozen=True, slots=True)
class Plaintext:
    """A message.

    Args:
        id: of its own.
        type: a message type URI, with its prefix: "https://didcomm.org/trust-ping/2.0/ping".
        body: what its protocol says.
        sender: `from`, a bare DID; None: nobody.
        to: bare DIDs.
        thid: the thread; its own id where it begins one.
        pthid: the thread that this one grew out of: an invitation.
        created_time, expires_time: seconds since 1970.
        attachments: as they stood there.
        return_route: whether the sender waits for a reply on the same connection: "none", "all" or "thread".
    """

    id: str
    type: str
    body: Mapping[str, Any]
    sender: str | None = None
    to: tuple[str, ...] = ()
    thid: str = ""
    pthid: str | None = None
    created_time: int | None = None
    expires_time: int | None = None
    attachments: tuple[Mapping[str, Any], ...] = field(default=())
    return_route: str = "none"

    def __post_init__(self) -> None:
        """Give the thread its name."""
        if not self.thid:
            object.__setattr__(self, "thid", self.id)

    @classmethod
    def read(cls, content: bytes, *, max_bytes: int, now: float | None = None) -> Self:
        """Return the message in the content of an envelope.

        Args:
            content: JSON.
            max_bytes: refuse more.
            now: seconds since 1970; by default the clock's.

        Raises:
            PlaintextError: it breaks a rule of this module.
        """
        try:
            members = read_strict_json(content, max_bytes=max_bytes, max_depth=MAX_DEPTH, fractions=True)
            headers = _Headers.model_validate(members)
        except StrictJsonError as err:
            raise PlaintextError("expected the message to be strict JSON") from err
        except ValidationError as err:
            names = sorted({str(mistake["loc"][0]) for mistake in err.errors(include_input=False) if mistake["loc"]})
            known = [name for name in names if name in _NAMES] or ["an object"]
            raise PlaintextError(f"expected a DIDComm v2 message, found a mistake in {', '.join(known)}") from err
        if TypeUri.parse(headers.type) is None:
            raise PlaintextError("expected type to be a message type URI")
        if headers.from_prior is not None:
            raise PlaintextError("expected no from_prior: whoever has a new DID writes under it as a new sender")
        if headers.expires_time is not None and headers.expires_time <= (time.time() if now is None else now):
            raise PlaintextError("the message has expired")
        return cls(
            headers.id,
            headers.type,
            headers.body,
            headers.sender,
            tuple(headers.to or ()),
            headers.thid or headers.id,
            headers.pthid,
            headers.created_time,
            headers.expires_time,
            tuple(headers.attachments or ()),
            headers.return_route or "none",
        )

    def check_sender(self, proven: str | None) -> None:
        """Check that `from` is who the envelope proves: the DID of its `skid`; None: it was anonymous.

        Raises:
            PlaintextError: the message names somebody else than its envelope, or no one where that proves someone.
        """
        if proven is None and self.sender is not None:
            raise PlaintextError("the message names a sender that its envelope does not prove")
        if proven is not None and self.sender != proven:
            raise PlaintextError("the message names another sender than its envelope proves")

    def to_json(self) -> bytes:
        """Return it as it is encrypted."""
        members: dict[str, Any] = {"id": self.id, "typ": PLAIN, "type": self.type, "body": dict(self.body)}
        if self.sender is not None:
            members["from"] = self.sender
        if self.to:
            members["to"] = list(self.to)
        if self.thid != self.id:
            members["thid"] = self.thid
        for name in ("pthid", "created_time", "expires_time"):
            if (value := getattr(self, name)) is not None:
                members[name] = value
        if self.attachments:
            members["attachments"] = list(self.attachments)
        if self.return_route != "none":
            members["return_route"] = self.return_route
        return to_json(members)


_NAMES: Final = frozenset({*_Headers.model_fields, "from"})


def new_message(
    kind: str,
    body: Mapping[str, Any],
    *,
    sender: str | None,
    to: str,
    answers: Plaintext | None = None,
    pthid: str | None = None,
    attachments: Sequence[Mapping[str, Any]] = (),
) -> Plaintext:
    """Return a message of ours.

    Args:
        kind: a message type URI.
        body: what its protocol says.
        sender: our DID.
        to: theirs.
        answers: the message that it answers, in whose thread it is.
        pthid: the thread that a new one grew out of.
        attachments: ready for JSON.
    """
    own_id = str(uuid4())
    thid = own_id if answers is None else answers.thid
    return Plaintext(own_id, kind, body, sender, (to,), thid, pthid, int(time.time()), None, tuple(attachments))
