"""The form of a sealed case file: whoever has the key writes another one no more than whoever has it not."""

import base64
import json
import secrets
import zlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.unit.trust.receipts.test_receipts import verification

from wanderbuch.plugins.trust.case_files.case_file import (
    CaseFile,
    CaseFileError,
    new_key,
    open_case,
    seal,
    unverified_label,
)
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerGrounds
from wanderbuch.plugins.trust.verifying.keeping import Keeping

KEY = new_key()
HEADER = {
    "alg": "dir", "enc": "A256GCM", "kid": "case-1", "law": "Act", "purpose": "inspections",
    "typ": "wanderbuch-case+jwe", "until": "2031-12-31", "zip": "DEF",
}  # fmt: skip


def case() -> CaseFile:
    asked = verification(id="case-1", keeping=Keeping("Act", "inspections", date(2031, 12, 31)))
    assert asked.decision is not None
    return CaseFile(asked=asked, presentation={}, bundle="", decision=asked.decision, grounds=AnswerGrounds())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def deflated(content: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(content) + deflate.flush()


def sealed(*, packed: bytes | None = None, nonce: bytes | None = None, **changed: Any) -> str:
    """Return a case as whoever has its key might write it."""
    header = {name: value for name, value in (HEADER | changed).items() if value is not None}
    told, nonce = encoded(json.dumps(header).encode()), nonce or secrets.token_bytes(12)
    packed = deflated(case().model_dump_json().encode()) if packed is None else packed
    closed = AESGCM(KEY).encrypt(nonce, packed, told.encode())
    return ".".join((told, "", encoded(nonce), encoded(closed[:-16]), encoded(closed[-16:])))


def test_what_is_sealed_opens_and_says_in_the_clear_what_it_is() -> None:
    assert open_case(sealed(), KEY) == open_case(seal(case(), KEY), KEY) == case()
    label = unverified_label(sealed())
    assert (label.exchange, label.law, label.purpose) == ("case-1", "Act", "inspections")
    assert label.until == date(2031, 12, 31)


@pytest.mark.parametrize(
    "changed", [{"kid": "case-2"}, {"law": "Another Act"}, {"purpose": "marketing"}, {"until": "2099-12-31"}], ids=str
)
def test_refuses_another_label_than_that_of_its_content(changed: dict[str, str]) -> None:
    with pytest.raises(CaseFileError, match="that its header names"):
        open_case(sealed(**changed), KEY)


@pytest.mark.parametrize(
    "changed",
    [
        {"enc": "A128GCM"}, {"alg": "RSA-OAEP"}, {"typ": None}, {"zip": None}, {"crit": ["exp"]}, {"law": 7},
        {"until": "never"}, {"kid": None},
    ],
    ids=str,
)  # fmt: skip
def test_refuses_another_header(changed: dict[str, Any]) -> None:
    with pytest.raises(CaseFileError, match="expected the header of a case file"):
        open_case(sealed(**changed), KEY)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda packed: packed + b"more", "one deflated case"),
        (lambda packed: packed[:-4], "one deflated case"),
        (lambda packed: b"\xff" + packed, "a deflated case"),
        (lambda _: deflated(b"{}"), "malformed at"),
        (lambda _: deflated(b'{"format": 1, "format": 2}'), "not usable JSON"),
    ],
    ids=["more behind it", "half", "not deflated", "empty", "twice"],
)
def test_refuses_other_content(change: Callable[[bytes], bytes], told: str) -> None:
    packed = deflated(case().model_dump_json().encode())
    with pytest.raises(CaseFileError, match=told):
        open_case(sealed(packed=change(packed)), KEY)


def test_one_sealed_text_has_one_form() -> None:
    """Unused bits of the last letter, padding, or another nonce's length."""
    text = sealed()
    head, rest = text.rsplit(".", 1)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(rest[-1])
    assert last % 16 == 0  # of 16 bytes, the last letter has two bits
    other = rest[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last + 1]
    for wrong in (f"{head}.{other}", f"{text}==", f"{text}."):
        with pytest.raises(CaseFileError):
            open_case(wrong, KEY)
    with pytest.raises(CaseFileError, match="a nonce of 12 bytes"):
        open_case(sealed(nonce=secrets.token_bytes(13)), KEY)
