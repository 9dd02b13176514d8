"""What an issuer that went on for a centre tells when the authority names another one: which rows it has.

A compact JWS (RFC 7515) whose `typ` is `wanderbuch-rows-here+jws`, by a key that the issuer's DID asserts with.
It names batches and rows by their numbers at the centre, and nobody's data: so it is not sealed. The centre hands over
anew what is not in it.

1. It is signed by the issuer to which the batch was handed over. 2. It is for this centre. 3. It has the form of this
version, no member that is not known, and every list has an end.
"""

import json
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError

from wanderbuch.agents.issuer.batch_records.batch import MOST_BATCHES
from wanderbuch.agents.issuer.succession.open_rows import BatchId, ForeignPart, OpenRowsError, RowNumber
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.form.formats import DidText
from wanderbuch.governance.signed.jws import KeyResolver, Signer, sign_jws, verify_jws
from wanderbuch.strict_json import StrictJsonError, read_strict_json

ROWS_HERE_TYPE: Final = "wanderbuch-rows-here+jws"
MAX_ROWS_HERE_BYTES: Final = 4 * 1024 * 1024
_MOST_ROWS: Final = 200_000
_MAX_DEPTH: Final = 6


class RowsHere(ForeignPart):
    """Which rows of a centre an issuer has, by the ids of its batches.

    Args:
        issuer: the DID of who has them.
        centre: the DID of whose they were.
        made_at: when it was said.
    """

    format: Literal["wanderbuch-rows-here/1.0"] = "wanderbuch-rows-here/1.0"
    issuer: DidText
    centre: DidText
    made_at: AwareDatetime
    batches: Annotated[
        dict[BatchId, Annotated[tuple[RowNumber, ...], Field(max_length=_MOST_ROWS)]], Field(max_length=MOST_BATCHES)
    ]


async def sign_rows_here(rows: RowsHere, *, kid: DidUrl, sign: Signer) -> bytes:
    """Return what is here, signed by a key that its issuer asserts with."""
    payload = json.dumps(rows.model_dump(mode="json"), separators=(",", ":")).encode()
    return await sign_jws(payload, kid=kid, typ=ROWS_HERE_TYPE, sign=sign)


async def read_rows_here(received: bytes, *, issuer: str, centre: str, resolve_key: KeyResolver) -> RowsHere:
    """Return what an issuer says that it has of ours, after all checks of this module.

    Args:
        received: as it came.
        issuer: the DID of who must have signed it.
        centre: our DID.
        resolve_key: gives the keys of DID documents.

    Raises:
        OpenRowsError: it is no such file, another issuer's, or about another centre.
        SignatureError: it is not signed as it must be.
        ResolutionError: the issuer's key could not be checked.
    """
    verified = await verify_jws(
        received.strip(), typ=ROWS_HERE_TYPE, author=None, resolve_key=resolve_key, max_bytes=MAX_ROWS_HERE_BYTES
    )
    try:
        content = read_strict_json(verified.payload, max_bytes=MAX_ROWS_HERE_BYTES, max_depth=_MAX_DEPTH)
        rows = RowsHere.model_validate(content)
    except StrictJsonError as err:
        raise OpenRowsError(f"what an issuer says that it has cannot be read: {err.message}") from err
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step)[:40] for step in first["loc"]) or "the file"
        raise OpenRowsError(f"what an issuer says that it has does not fit at {where}: {first['msg']}") from err
    if not rows.issuer == verified.kid.did == issuer:  # 1
        raise OpenRowsError(
            f"expected what {issuer} says that it has, found what another issuer says",
            hint="ask the issuer to which this batch was handed over",
        )
    if rows.centre != centre:  # 2
        raise OpenRowsError("expected what an issuer has of this centre, found what it has of another one")
    return rows
