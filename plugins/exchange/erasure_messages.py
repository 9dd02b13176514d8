"""The messages by which a worker has erased what a verifier keeps of their answer.

`data-erasure/1.0` is a protocol of ours. EUDI TS7 1.0 asks of a relying party that it authenticates such a request
(DATA_DLT_07), and leaves the way open. Here it goes on the thread of the exchange, and carries a compact JWS by the key
that answered in it: whoever has that key is who showed something, with a connection or without, and the verifier can
show to anybody that it was asked.

    {"@type": ".../data-erasure/1.0/request", "~thread": {"thid": …}, "signed": "<JWS>"}
    {"@type": ".../data-erasure/1.0/answer", "~thread": {"thid": …}, "at": …, "erased": ["values"], "kept": [{…}]}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final
from uuid import uuid4

from aries_askar import Key
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.signed.jws import SignatureError, sign_jws, verify_jws
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.webvh.base58_text import from_base58
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.strict_json import StrictJsonError, read_strict_json

PROTOCOL: Final = "data-erasure/1.0"
ERASE: Final = f"{PROTOCOL}/request"
ERASED: Final = f"{PROTOCOL}/answer"
ERASURE_TYPE: Final = "wanderbuch-erasure+jws"
MAX_SIGNED_BYTES: Final = 2048
_MAX_DEPTH: Final = 4


class ErasureError(ExchangeError):
    """A request to erase, or the answer to one, is none that counts."""

    code = "exchange.erasure"


class ErasedPart(Enum):
    """What a verifier kept of an answer, and erased."""

    VALUES = "values"  # what was shown
    DECISION = "decision"  # what was asked, decided and why, with its receipt and its reference
    CASE_FILE = "case-file"  # the presentation, sealed


class KeptPart(BaseModel):
    """What is not erased yet, since a law asks for it; then is it erased, after `until`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    what: ErasedPart
    law: str = Field(max_length=512)
    purpose: str = Field(max_length=512)
    until: date


@dataclass(frozen=True, slots=True)
class ErasureAnswer:
    """What a verifier answers: what is gone, and what stays, with the reason."""

    at: datetime
    erased: tuple[ErasedPart, ...]
    kept: tuple[KeptPart, ...]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    erase: str = Field(max_length=64)
    at: AwareDatetime


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    at: AwareDatetime
    erased: tuple[ErasedPart, ...] = Field(max_length=8)
    kept: tuple[KeptPart, ...] = Field(max_length=8)


async def sign_erasure(key: Key, *, thread_id: str, at: datetime) -> str:
    """Return the signed request.

    Args:
        key: our secret key of the exchange.
        thread_id: of the exchange.
        at: now.
    """
    multikey = to_multikey(key.get_public_bytes())
    payload = json.dumps({"erase": thread_id, "at": at.isoformat()}, separators=(",", ":")).encode()

    async def sign(message: bytes) -> bytes:
        return bytes(key.sign_message(message))

    kid = DidUrl.parse(f"did:key:{multikey}#{multikey}")
    return (await sign_jws(payload, kid=kid, typ=ERASURE_TYPE, sign=sign)).decode("ascii")


async def check_erasure(signed: object, *, thread_id: str, key: str) -> str:
    """Return the signed request that is meant for an exchange and signed by its key.

    Args:
        signed: as it came.
        thread_id: of the exchange.
        key: that answered in it, base58.

    Raises:
        ErasureError: it is signed by somebody else, is about another exchange, or is none.
    """
    if not isinstance(signed, str) or not signed.isascii():
        raise ErasureError("expected a request to erase that is signed by the key of its exchange")
    public = from_base58(key)

    async def only_this(_: DidUrl) -> bytes:
        return public

    try:
        jws = await verify_jws(
            signed.encode(), typ=ERASURE_TYPE, author=None, resolve_key=only_this, max_bytes=MAX_SIGNED_BYTES
        )
        asked = _Asked.model_validate(read_strict_json(jws.payload, max_bytes=MAX_SIGNED_BYTES, max_depth=_MAX_DEPTH))
    except (SignatureError, StrictJsonError) as err:
        raise ErasureError(f"the request to erase does not count: {err.message}") from err
    except ValidationError as err:
        raise ErasureError("the request to erase does not say what and when") from err
    if asked.erase != thread_id:
        raise ErasureError("the request to erase is about another exchange")
    return signed


def erasure_message(*, thread_id: str, signed: str, service: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the request as a message.

    Args:
        thread_id: of the exchange.
        signed: the request.
        service: where we listen, where there is no connection (Aries RFC 0056).
    """
    return {
        "@type": f"{PREFIX}{ERASE}",
        "@id": str(uuid4()),
        "~thread": {"thid": thread_id},
        **({} if service is None else {"~service": dict(service)}),
        "signed": signed,
    }


def erased_message(
    *, thread_id: str, at: datetime, erased: Sequence[ErasedPart], kept: Sequence[KeptPart]
) -> dict[str, Any]:
    """Return the answer: what is gone, and what stays and why."""
    return {
        "@type": f"{PREFIX}{ERASED}",
        "@id": str(uuid4()),
        "~thread": {"thid": thread_id},
        "at": at.isoformat(),
        "erased": [part.value for part in erased],
        "kept": [part.model_dump(mode="json") for part in kept],
    }


def read_erased_message(members: Mapping[str, Any]) -> ErasureAnswer:
    """Return what a verifier answers.

    Raises:
        ErasureError: it does not say what was erased and what was not.
    """
    try:
        answer = _Answer.model_validate({name: members.get(name) for name in _Answer.model_fields})
    except ValidationError as err:
        raise ErasureError("the answer does not say what was erased") from err
    return ErasureAnswer(answer.at, answer.erased, answer.kept)
