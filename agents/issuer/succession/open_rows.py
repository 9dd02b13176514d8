"""What travels from a centre to its successor: open rows of one batch, signed by the one and sealed to the other.

Inside is a compact JWS (RFC 7515) whose `typ` is `wanderbuch-open-rows+jws`, by a key that the centre's DID asserts
with. Around it is an envelope as DIDComm v1 has them (Aries RFC 0019), for the key that the successor's DID document
has for messages: nobody on the way reads a row, or changes one. A file holds up to `MOST_ROWS` rows; a batch with more
goes in several.

1. The envelope is for a key of ours, and whole. 2. The JWS is signed by a key of the DID that the file says it is from.
3. It is for us. 4. It has the form of this version, no member that is not known, and every list has an end.
"""

import json
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from aries_askar import Key
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from wanderbuch.agents.runtime.gate.envelope import EnvelopeError, decrypt, identify, read_envelope
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.formats import CredentialTypeName, DidText
from wanderbuch.governance.signed.jws import KeyResolver, Signer, sign_jws, verify_jws
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.strict_json import StrictJsonError, read_strict_json

OPEN_ROWS_TYPE: Final = "wanderbuch-open-rows+jws"
MOST_ROWS: Final = 1000
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
_MAX_DEPTH: Final = 6
_MOST_MEMBERS: Final = 100
_MOST_CONTACTS: Final = 8
_MAX_TEXT: Final = 20_000

BatchId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
RowNumber = Annotated[int, Field(strict=True, ge=1, lt=2**24)]
_Name = Annotated[str, Field(min_length=1, max_length=64)]
_Text = Annotated[str, Field(max_length=_MAX_TEXT)]


class OpenRowsError(ExchangeError):
    """A file of open rows is none, is another's, or was changed on its way; nothing of it is kept."""

    code: ClassVar[str] = "exchange.open_rows"


class ForeignPart(BaseModel):
    """A part of a file that another issuer made."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OpenRow(ForeignPart):
    """A row that nobody has claimed: its number, its claim, and how its person is reached, where that is known."""

    number: RowNumber
    claim: Annotated[dict[_Name, _Text], Field(min_length=1, max_length=_MOST_MEMBERS, repr=False)]
    contact: Annotated[dict[_Name, _Text], Field(max_length=_MOST_CONTACTS, repr=False)] = {}


class OpenRows(ForeignPart):
    """Open rows of one batch.

    Args:
        centre: the DID of whose rows they are.
        successor: the DID of who goes on with them.
        made_at: when the file was made.
        batch: id of the batch at the centre.
        title: how the centre calls it.
        credential_type: what is to be issued.
    """

    format: Literal["wanderbuch-open-rows/1.0"] = "wanderbuch-open-rows/1.0"
    centre: DidText
    successor: DidText
    made_at: AwareDatetime
    batch: BatchId
    title: Annotated[str, Field(min_length=1, max_length=200, repr=False)]
    credential_type: CredentialTypeName
    rows: Annotated[tuple[OpenRow, ...], Field(min_length=1, max_length=MOST_ROWS, repr=False)]

    @model_validator(mode="after")
    def _has_each_once(self) -> Self:
        if len({row.number for row in self.rows}) != len(self.rows):
            raise ValueError("expected each row once")
        return self


async def seal_open_rows(rows: OpenRows, *, kid: DidUrl, sign: Signer, to: str, own: Key) -> bytes:
    """Return open rows as a file for their successor.

    Args:
        rows: what is handed over.
        kid: of the key that the centre asserts with.
        sign: signs with it.
        to: the successor's key for messages, Ed25519, base58.
        own: the centre's secret key for messages.

    Raises:
        PackingError: the successor's key is none.
    """
    payload = json.dumps(rows.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()
    jws = await sign_jws(payload, kid=kid, typ=OPEN_ROWS_TYPE, sign=sign)
    return pack({"jws": jws.decode("ascii")}, to=to, own=own)


async def read_open_rows(
    received: bytes, *, successor: str, keys: Mapping[str, Key], resolve_key: KeyResolver
) -> OpenRows:
    """Return what a file hands over to us, after all checks of this module.

    Args:
        received: as it came.
        successor: our DID.
        keys: our secret keys for messages, by their public ones in base58.
        resolve_key: gives the keys of DID documents.

    Raises:
        OpenRowsError: it is no such file, or is for somebody else.
        SignatureError: it is not signed as it must be.
        ResolutionError: the centre's key could not be checked.
    """
    try:
        envelope = read_envelope(received, max_bytes=MAX_FILE_BYTES)  # 1
        recipient = next((one for one in envelope.recipients if one.key in keys), None)
        if recipient is None:
            raise OpenRowsError(
                "expected a file that is sealed to this issuer, found one for somebody else",
                hint="it can be read only by the successor that the authority named",
            )
        inside = _members(decrypt(envelope, identify(recipient, keys[recipient.key])))
    except EnvelopeError as err:
        raise OpenRowsError(
            f"expected a file of open rows, as the other centre made it: {err.message}", hint="ask for it again"
        ) from err
    jws = inside.get("jws")
    if not isinstance(jws, str) or len(inside) != 1 or not jws.isascii():
        raise OpenRowsError("expected a file of open rows, found something else in the envelope")
    verified = await verify_jws(
        jws.encode("ascii"), typ=OPEN_ROWS_TYPE, author=None, resolve_key=resolve_key, max_bytes=MAX_FILE_BYTES
    )
    rows = _rows(verified.payload)
    if rows.centre != verified.kid.did:  # 2
        raise OpenRowsError("expected rows of the centre that signed them, found rows of another one")
    if rows.successor != successor:  # 3: else whoever could open it could pass it on as theirs
        raise OpenRowsError("expected rows that are handed over to this issuer, found rows for another one")
    return rows


def _members(content: bytes) -> dict[str, object]:
    try:
        value = read_strict_json(content, max_bytes=MAX_FILE_BYTES, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise OpenRowsError(f"the file of open rows cannot be read: {err.message}") from err
    return value if isinstance(value, dict) else {}


def _rows(payload: bytes) -> OpenRows:
    try:
        return OpenRows.model_validate(_members(payload))
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step)[:40] for step in first["loc"]) or "the file"
        raise OpenRowsError(f"the file of open rows does not fit at {where}: {first['msg']}") from err
