"""A push without content, as a push service takes it (RFC 8030): encrypted (RFC 8291) and signed by us (RFC 8292).

What is pushed is the same for everybody and for ever, so neither its text nor its length says anything. Encrypted it
is all the same: only who was given the subscription can push to its wallet. The libraries for this come with an HTTP
client of their own, or as source that is built at each installation; the RFCs are these few lines over `cryptography`.
"""

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from wanderbuch.agents.mediator.errors import MediationError
from wanderbuch.plugins.http.addresses import checked_url
from wanderbuch.plugins.http.errors import AddressRefusedError

CONTENT: Final = b'{"type":"https://didcomm.org/push-notifications-webpush/1.0/waiting"}'
"""What every push says."""

_MAX_ENDPOINT: Final = 1_024
_POINT_BYTES: Final = 65
_AUTH_BYTES: Final = 16
_RECORD_BYTES: Final = 4_096
_HTTPS: Final = 443
_KEEP_S: Final = 7 * 24 * 3600
_SIGNED_S: Final = 12 * 3600  # at most 24 hours (RFC 8292, section 2)
_CURVE: Final = ec.SECP256R1()
_UNCOMPRESSED: Final = (Encoding.X962, PublicFormat.UncompressedPoint)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a wallet is told, checked (W3C Push API, `PushSubscription`).

    Args:
        endpoint: at a push service that we know.
        p256dh: the wallet's public key, an uncompressed point of P-256.
        auth: 16 bytes that the wallet shares with us.
    """

    endpoint: str = field(repr=False)
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)

    @classmethod
    def read(cls, members: Mapping[str, Any], *, services: "Services") -> Self:
        """Return what a wallet says.

        Raises:
            MediationError: it is no subscription, or at no push service that we know.
        """
        endpoint, p256dh, auth = (members.get(name) for name in ("endpoint", "p256dh", "auth"))
        if not isinstance(endpoint, str) or not services.has(endpoint):
            raise MediationError("expected an endpoint at a push service that is known here, found another")
        point, secret = _bytes(p256dh), _bytes(auth)
        if len(secret) != _AUTH_BYTES or not _is_point(point):
            raise MediationError("expected p256dh, a point of P-256, and auth, 16 bytes, in base64url")
        return cls(endpoint, point, secret)


class Services:
    """The push services to which pushes are sent.

    >>> services = Services(("updates.push.example", "*.push.example.org"))
    >>> [services.has(f"https://{host}/x") for host in ("updates.push.example", "a.push.example.org")]
    [True, True]
    >>> [services.has(f"https://{host}/x") for host in ("push.example.org", "updates.push.example:8443", "b.example")]
    [False, False, False]

    Args:
        hosts: their names, in small letters; `*.` stands for any host below a name.
    """

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts

    def has(self, endpoint: str) -> bool:
        """Tell whether an address is at one of them."""
        if len(endpoint) > _MAX_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable():
            return False
        try:
            url = checked_url(endpoint)
        except AddressRefusedError:
            return False
        host = (url.raw_host or "").lower()
        return url.port == _HTTPS and any(
            host.endswith(known[1:]) if known.startswith("*.") else host == known for known in self.hosts
        )


class VapidKey:
    """The key by which push services know us (RFC 8292).

    Args:
        key: of P-256, with its secret.
        contact: an https or mailto address: whom a push service asks when we are a nuisance.
    """

    def __init__(self, key: ECKey, *, contact: str) -> None:
        self._key = key
        self._contact = contact
        public = key.public_key.public_bytes(*_UNCOMPRESSED)
        self.public = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        """As `applicationServerKey` has it: base64url of the uncompressed point."""

    def __repr__(self) -> str:
        return "VapidKey(…)"

    def authorization(self, endpoint: str) -> str:
        """Return the header that says who pushes (section 3)."""
        claims = {
            "aud": f"https://{checked_url(endpoint).raw_host}",
            "exp": int(time.time()) // 3600 * 3600 + _SIGNED_S,
            "sub": self._contact,
        }
        return f"vapid t={jwt.encode({'alg': 'ES256', 'typ': 'JWT'}, claims, self._key)}, k={self.public}"


def push_body(subscription: Subscription) -> bytes:
    """Return the push, encrypted for a wallet (RFC 8291, section 3; RFC 8188)."""
    own, salt = ec.generate_private_key(_CURVE), secrets.token_bytes(16)
    public = own.public_key().public_bytes(*_UNCOMPRESSED)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, subscription.p256dh))
    secret = _derived(shared, subscription.auth, b"WebPush: info\0" + subscription.p256dh + public, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, CONTENT + b"\x02", None)  # the last record
    return salt + _RECORD_BYTES.to_bytes(4) + bytes([len(public)]) + public + sealed


def push_headers(key: VapidKey, endpoint: str) -> dict[str, str]:
    """Return the headers of a push (RFC 8030, section 5): one that was not delivered yet is replaced by the next."""
    return {
        "Authorization": key.authorization(endpoint),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(_KEEP_S),
        "Topic": "waiting",
        "Urgency": "normal",
    }


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _bytes(text: object) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * _POINT_BYTES:
        return b""
    try:
        plain = text.rstrip("=").replace("+", "-").replace("/", "_").encode("ascii")
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_point(point: bytes) -> bool:
    if len(point) != _POINT_BYTES:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError:
        return False
    return True
