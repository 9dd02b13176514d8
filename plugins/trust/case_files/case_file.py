"""A case file: the question, the answer, every public file that was read for it, and the decision; sealed. Format only.

Sealed it is a compact JWE (RFC 7516), `alg` "dir", `enc` "A256GCM", under a key of its own. Its protected header says
in the clear what it is of, why it is kept and until when: `kid` (the id of the question), `law`, `purpose`, `until`.
The content is deflated JSON (`zip` "DEF"). Whoever changes one bit of either opens it no more.

A received case file is refused unless, in this order:

1. it is a compact JWE of at most `MAX_SEALED_BYTES`, with exactly the members above in its header;
2. the key opens it;
3. the content, at most `MAX_CASE_BYTES`, is JSON of the form below, and of the same question, law, purpose and day.
"""

import base64
import binascii
import json
import secrets
import zlib
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, ValidationError

from wanderbuch.errors import PresentationError
from wanderbuch.governance.facts.question import TrustDecision
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerGrounds
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_CASE_BYTES: Final = 96 * 1024 * 1024
MAX_SEALED_BYTES: Final = 64 * 1024 * 1024
KEY_BYTES: Final = 32
CASE_TYPE: Final = "wanderbuch-case+jwe"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_MAX_HEADER_BYTES: Final = 8192
_MAX_DEPTH: Final = 32
_FIXED: Final = {"alg": "dir", "enc": "A256GCM", "typ": CASE_TYPE, "zip": "DEF"}


class CaseFileError(PresentationError):
    """A case file is malformed or altered, the key is another one, or there is none."""

    code = "presentation.case_file"


class CaseFile(BaseModel):
    """What is in a case file.

    Args:
        asked: the question, as it was put.
        presentation: the members of the answer that make up the presentation, as they came.
        bundle: the recording of every public file that was read (`governance.bundle`), base64.
        decision: what was decided.
        grounds: the same fact by fact.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["wanderbuch-case/1.0"] = "wanderbuch-case/1.0"
    asked: Verification
    presentation: dict[str, Any]
    bundle: str
    decision: TrustDecision
    grounds: AnswerGrounds

    @property
    def keeping(self) -> Keeping:
        """Why it is kept.

        Raises:
            CaseFileError: the question did not say that it would be.
        """
        if self.asked.keeping is None:
            raise CaseFileError("expected a question that said that its answer would be kept, found another one")
        return self.asked.keeping

    def bundle_bytes(self) -> bytes:
        """Return the recording.

        Raises:
            CaseFileError: it is not base64.
        """
        try:
            return base64.b64decode(self.bundle, validate=True)
        except (ValueError, binascii.Error) as err:
            raise CaseFileError("expected the recording in base64") from err


@dataclass(frozen=True, slots=True)
class SealedCase:
    """What a sealed case file says in the clear; nothing of it is to be relied on before it is opened."""

    exchange: str
    law: str
    purpose: str
    until: date


def new_key() -> bytes:
    """Return a fresh key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(case: CaseFile, key: bytes) -> str:
    """Return a case file as it is kept and handed over.

    Raises:
        CaseFileError: it is too large, or the question did not say that it would be kept.
    """
    content = case.model_dump_json().encode()
    if len(content) > MAX_CASE_BYTES:
        raise CaseFileError(f"expected a case of at most {MAX_CASE_BYTES} bytes, found {len(content)}")
    keeping = case.keeping
    label = {"kid": case.asked.id, "law": keeping.law, "purpose": keeping.purpose, "until": keeping.until.isoformat()}
    header = _encode(json.dumps(_FIXED | label, separators=(",", ":"), sort_keys=True).encode())
    nonce = secrets.token_bytes(_NONCE_BYTES)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)  # RFC 7516 §4.1.3: raw DEFLATE
    packed = deflate.compress(content) + deflate.flush()
    sealed = AESGCM(key).encrypt(nonce, packed, header.encode())
    text = ".".join((header, "", _encode(nonce), _encode(sealed[:-_TAG_BYTES]), _encode(sealed[-_TAG_BYTES:])))
    if len(text) > MAX_SEALED_BYTES:
        raise CaseFileError(f"expected a sealed case of at most {MAX_SEALED_BYTES} bytes, found {len(text)}")
    return text


def unverified_label(sealed: str) -> SealedCase:
    """Return what a sealed case file says in the clear, after check 1.

    Raises:
        CaseFileError: the check failed.
    """
    return _read(sealed)[0]


def open_case(sealed: str, key: bytes) -> CaseFile:
    """Return the case in a sealed file after all checks of this module.

    Raises:
        CaseFileError: a check failed.
    """
    label, header, nonce, closed = _read(sealed)  # 1
    if len(key) != KEY_BYTES:
        raise CaseFileError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
    try:  # 2
        packed = AESGCM(key).decrypt(nonce, closed, header)
    except InvalidTag as err:
        raise CaseFileError("the case file was altered, or this is another one's key: it does not open") from err
    case = _content(packed)  # 3
    keeping = case.keeping
    if label != SealedCase(case.asked.id, keeping.law, keeping.purpose, keeping.until):
        raise CaseFileError("expected a case of the question, law, purpose and day that its header names")
    return case


def _content(packed: bytes) -> CaseFile:
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        content = inflate.decompress(packed, MAX_CASE_BYTES + 1)
        if len(content) > MAX_CASE_BYTES or not inflate.eof or inflate.unused_data:
            raise CaseFileError(f"expected one deflated case of at most {MAX_CASE_BYTES} bytes")
        read_strict_json(content, max_bytes=MAX_CASE_BYTES, max_depth=_MAX_DEPTH, fractions=True)
        return CaseFile.model_validate_json(content)
    except zlib.error as err:
        raise CaseFileError("expected a deflated case, found other bytes") from err
    except StrictJsonError as err:
        raise CaseFileError(f"the case is not usable JSON: {err.message}") from err
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise CaseFileError(f"the case is malformed at {where}: {first['msg']}") from None


def _read(sealed: str) -> tuple[SealedCase, bytes, bytes, bytes]:
    if len(sealed) > MAX_SEALED_BYTES:
        raise CaseFileError(f"expected a case file of at most {MAX_SEALED_BYTES} bytes, found {len(sealed)}")
    parts = sealed.strip().split(".")
    if len(parts) != 5 or parts[1]:
        raise CaseFileError("expected a case file: a compact JWE of five parts, the second empty")
    header, _, nonce, closed, tag = parts
    try:
        members = read_strict_json(_decode(header), max_bytes=_MAX_HEADER_BYTES, max_depth=2)
        texts = {name: members.pop(name) for name in ("kid", "law", "purpose", "until")}
        if members != _FIXED or not all(isinstance(text, str) for text in texts.values()):
            raise CaseFileError("expected the header of a case file, found another one")
        label = SealedCase(texts["kid"], texts["law"], texts["purpose"], date.fromisoformat(texts["until"]))
    except (StrictJsonError, AttributeError, KeyError, TypeError, ValueError) as err:
        raise CaseFileError("expected the header of a case file, found another one") from err
    opened_nonce, opened_tag = _decode(nonce), _decode(tag)
    if len(opened_nonce) != _NONCE_BYTES or len(opened_tag) != _TAG_BYTES:
        raise CaseFileError("expected a nonce of 12 bytes and a tag of 16, found others")
    return label, header.encode("ascii"), opened_nonce, _decode(closed) + opened_tag


def _encode(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as err:
        raise CaseFileError("expected base64url in a case file") from err
    if _encode(decoded) != text:  # one sealed text has one form
        raise CaseFileError("expected canonical base64url in a case file")
    return decoded
