"""Who asks about a vault, and whether they may: read from the headers, so that no address and no log names a vault.

1. `Vault-Key`: the public key of the vault (Ed25519, base64url), derived from the key that only the worker has. Who
   knows it may read: what it gives is ciphertext.
2. `Vault-Signature`: of what is to be done, by the secret key: to whom, what, upon which number, with which content
   (`signed_text`). Heard once: the number goes on. Who has it not cannot write, delete or lock anybody out.
3. `If-None-Match: *` makes a vault, `If-Match: "7"` goes on from revision 7; one of them must be there (RFC 9110 §13).
4. `Vault-Newest` says which revision is meant by its number: a host that came back from an older copy counts numbers a
   second time.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wanderbuch.base64_text import from_base64

KEY_HEADER: Final = "Vault-Key"
SIGNATURE_HEADER: Final = "Vault-Signature"
BASE_HEADER: Final = "Vault-Base"
NEWEST_HEADER: Final = "Vault-Newest"
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_MOST_NUMBER: Final = 2**53 - 1  # what the page can count
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_SIGNATURE: Final = re.compile(r"[A-Za-z0-9_-]{86}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TAG: Final = re.compile(r'"(0|[1-9][0-9]{0,15})"')


@dataclass(frozen=True, slots=True)
class VaultWrite:
    """A write as its headers have it.

    Args:
        after: number of the revision that it comes after; 0: it makes the vault.
        is_base: whether it stands for all before it.
        upon: digest of the revision that it comes after (4); None: any of that number.
        unverified_signature: as it came.
    """

    after: int
    is_base: bool
    upon: str | None
    unverified_signature: bytes


def vault_key(request: web.Request) -> bytes:
    """Return the public key of the vault that is asked for (1).

    Raises:
        HTTPBadRequest: there is none.
    """
    return _bytes_in(request, KEY_HEADER, _KEY, _KEY_BYTES)


def vault_write(request: web.Request) -> VaultWrite:
    """Return what the headers of a write say (3).

    Raises:
        HTTPBadRequest: they do not say it.
        HTTPPreconditionRequired: they name no revision.
    """
    matches, makes = request.headers.getall("If-Match", ()), request.headers.getall("If-None-Match", ())
    if len(matches) + len(makes) != 1:
        raise web.HTTPPreconditionRequired(text='expected If-Match: "<number>" or If-None-Match: *')
    tag = _TAG.fullmatch(matches[0]) if matches else None
    after = int(tag[1]) if tag else 0
    if (matches and not 0 < after < _MOST_NUMBER) or (makes and makes[0] != "*"):
        raise web.HTTPBadRequest(text='expected If-Match: "<number>" or If-None-Match: *')
    named = request.headers.getall(BASE_HEADER, ())
    if named not in ((), ["?1"]) or (makes and not named):
        raise web.HTTPBadRequest(text=f"expected {BASE_HEADER}: ?1, or none; the first revision is a base")
    signature = _bytes_in(request, SIGNATURE_HEADER, _SIGNATURE, _SIGNATURE_BYTES)
    return VaultWrite(after, bool(named), newest_known(request), signature)


def newest_known(request: web.Request) -> str | None:
    """Return the digest of the newest revision that who asks knows (4), None if they do not say it.

    Raises:
        HTTPBadRequest: it is no digest.
    """
    named = request.headers.getall(NEWEST_HEADER, ())
    if not named:
        return None
    if len(named) != 1 or not _DIGEST.fullmatch(named[0]):
        raise web.HTTPBadRequest(text=f"expected {NEWEST_HEADER}: SHA-256 in 64 hexadecimal digits")
    return named[0]


def check_write(origin: str, key: bytes, write: VaultWrite, sealed: bytes) -> None:
    """Check that who writes has the secret key of the vault (2).

    Raises:
        HTTPForbidden: they have not.
    """
    what = "base" if write.is_base else "further"
    _check(key, write.unverified_signature, signed_text(origin, what, write.after, sealed))


def check_delete(origin: str, key: bytes, request: web.Request) -> str:
    """Check that who deletes has the secret key of the vault, whichever revision it has; return the signature.

    Raises:
        HTTPBadRequest: there is no signature.
        HTTPForbidden: it is another's.
    """
    signature = _bytes_in(request, SIGNATURE_HEADER, _SIGNATURE, _SIGNATURE_BYTES)
    _check(key, signature, signed_text(origin, "delete", 0, b""))
    return str(request.headers[SIGNATURE_HEADER])


def signed_text(origin: str, what: str, after: int, sealed: bytes) -> bytes:
    """Return what is signed: lines of text, the last one the content's SHA-256 in hexadecimal.

    Args:
        origin: of the host, such as `https://wallet.example.org`.
        what: `base`, `further` or `delete`.
        after: number of the revision that it comes after.
        sealed: the content.
    """
    return f"wanderbuch vault 1\n{origin}\n{what}\n{after}\n{hashlib.sha256(sealed).hexdigest()}".encode()


def _check(key: bytes, signature: bytes, text: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError) as err:
        raise web.HTTPForbidden(text="expected a signature by the key of the vault") from err


def _bytes_in(request: web.Request, name: str, form: re.Pattern[str], size: int) -> bytes:
    values = request.headers.getall(name, ())
    if len(values) != 1 or not form.fullmatch(values[0]):
        raise web.HTTPBadRequest(text=f"expected the header {name}: {size} bytes in base64url")
    return from_base64(values[0], url_too=True)
