"""A provider of accounts elsewhere: OpenID Connect Core 1.0, authorization code flow with PKCE.

The checks of an answer, in this order; the numbers stand in the code:

1. The answer names the issuer that was asked, if it names one; it must, if the provider says that it does (RFC 9207).
2. Metadata are those of exactly this issuer (OpenID Connect Discovery 1.0 §4.3); every endpoint is https.
3. The id_token is signed by a key of the provider, with an algorithm of our list; never "none", never a shared secret.
4. A key that is not known is looked for once more, since keys rotate; not more often than once a minute.
5. Issuer, audience, authorized party, time and nonce are ours (OpenID Connect Core 1.0 §3.1.3.7).

Everything goes out by the HTTP edge: https, public addresses, no redirects, bounded in bytes and time.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import HttpError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
MAX_BYTES: Final = 128 * 1024
TIMEOUT_S: Final = 10.0
_MAX_DEPTH: Final = 8
_MAX_KEYS: Final = 50
_METADATA_LAST: Final = timedelta(hours=1)
_KEYS_AGAIN: Final = timedelta(minutes=1)
_LEEWAY: Final = timedelta(seconds=60)
_OLDEST: Final = timedelta(minutes=10)
_MAX_SUBJECT: Final = 255  # OpenID Connect Core 1.0 §2
_DISCOVERY: Final = "/.well-known/openid-configuration"


class OpenIdRefusedError(RefusedError):
    """A provider's answer is not good."""


class OpenIdUnreachableError(WanderbuchError):
    """A provider did not answer, or not as the specification says."""

    code = "resolution"


@dataclass(frozen=True, slots=True)
class OpenIdClient:
    """How we are known at a provider.

    Args:
        issuer: the provider's name, exactly as it writes it.
        client_id: ours.
        client_secret: ours; None: we have none, and PKCE alone holds the code to us.
        name: what people call the provider.
        redirect_uri: where it sends people back to.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    name: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class _Metadata:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    names_issuer: bool
    takes_basic: bool


class OpenIdProvider:
    """One provider, as one process sees it.

    Args:
        client: how we are known there.
        edge: the way out.
        clock: the instant now, aware UTC.
    """

    def __init__(self, client: OpenIdClient, edge: HttpEdge, *, clock: Callable[[], datetime]) -> None:
        self.client = client
        self._edge = edge
        self._clock = clock
        self._lock = asyncio.Lock()
        self._metadata: tuple[_Metadata, datetime] | None = None
        self._keys: dict[str, Any] = {}
        self._keys_read_at: datetime | None = None
        self._failed_at: datetime | None = None

    async def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Return where a person's browser goes.

        Args:
            state: comes back with the answer.
            nonce: comes back in the id_token.
            verifier: of PKCE (RFC 7636); its hash alone goes there.
        """
        metadata = await self._read_metadata()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"

    async def sign_out_url(self, back: str) -> str | None:
        """Return where a person signs out of the provider, too; None if it has no such page."""
        try:
            endpoint = (await self._read_metadata()).end_session_endpoint
        except WanderbuchError:
            return None
        if endpoint is None:
            return None
        joint = "&" if urlsplit(endpoint).query else "?"
        return f"{endpoint}{joint}{urlencode({'client_id': self.client.client_id, 'post_logout_redirect_uri': back})}"

    async def subject(self, *, code: str, issuer: str | None, nonce: str, verifier: str) -> str:
        """Return whom the provider vouches for: the `sub` of a checked id_token.

        Args:
            code: as it came back.
            issuer: `iss` as it came back.
            nonce: as it was sent.
            verifier: of PKCE.

        Raises:
            OpenIdRefusedError: the answer is not good.
            OpenIdUnreachableError: the provider did not answer.
        """
        metadata = await self._read_metadata()
        if issuer != self.client.issuer and (issuer is not None or metadata.names_issuer):  # 1
            raise OpenIdRefusedError("the answer comes from another provider than the one that was asked")
        token = (await self._exchange(metadata, code, verifier)).get("id_token")
        if not isinstance(token, str):
            raise OpenIdRefusedError("the provider says nothing of who you are")
        return self._checked(await self._verified(metadata, token), nonce)

    async def _exchange(self, metadata: _Metadata, code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "client_id": self.client.client_id,
            "code_verifier": verifier,
        }
        authorization = None
        if (secret := self.client.client_secret) is not None:
            if metadata.takes_basic:  # RFC 6749 §2.3.1
                pair = f"{quote(self.client.client_id, safe='')}:{quote(secret, safe='')}"
                authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                form["client_secret"] = secret
        try:
            answer = await self._edge.post_form(
                metadata.token_endpoint,
                urlencode(form).encode(),
                authorization=authorization,
                max_bytes=MAX_BYTES,
                timeout_s=TIMEOUT_S,
            )
        except HttpError as err:
            if getattr(err, "status", None) in {400, 401}:
                raise OpenIdRefusedError("the provider takes this answer for none of its own") from err
            raise self._away() from err
        return _object(answer.body)

    async def _verified(self, metadata: _Metadata, token: str) -> Mapping[str, Any]:
        """Return the claims of an id_token whose signature is good (3, 4)."""
        from joserfc import jws  # not before somebody comes from a provider: it takes memory
        from joserfc.errors import JoseError

        header = _header(token)
        kid, alg = header.get("kid"), header.get("alg")
        if alg not in ALGORITHMS or "crit" in header:
            raise OpenIdRefusedError("the provider's word is signed in a way that we do not take")
        key = await self._key(metadata, kid)
        try:
            signed = jws.deserialize_compact(token, key, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError) as err:
            raise OpenIdRefusedError("the provider's word is not signed by the provider") from err
        return _object(signed.payload)

    def _checked(self, claims: Mapping[str, Any], nonce: str) -> str:
        """Return the subject of claims that are about this sign-in (5)."""
        own, now = self.client.client_id, self._clock().timestamp()
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        party, subject = claims.get("azp"), claims.get("sub")
        ends, made = _number(claims.get("exp")), _number(claims.get("iat"))
        is_ours = isinstance(audiences, list) and own in audiences and party in (None, own)
        if claims.get("iss") != self.client.issuer or not isinstance(audiences, list) or not is_ours:
            raise OpenIdRefusedError("the provider's word is for somebody else")
        if len(audiences) > 1 and party != own:
            raise OpenIdRefusedError("the provider's word is for several, and does not name us")
        if ends is None or made is None:
            raise OpenIdRefusedError("the provider does not say when its word was given, and until when it holds")
        if ends <= now - _LEEWAY.total_seconds():
            raise OpenIdRefusedError("the provider's word has ended")
        if not now - _OLDEST.total_seconds() <= made <= now + _LEEWAY.total_seconds():
            raise OpenIdRefusedError("the provider's word is of another time")
        given = claims.get("nonce")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
            raise OpenIdRefusedError("the provider's word answers another question than yours")
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
            raise OpenIdRefusedError("the provider does not say who you are")
        return subject

    async def _key(self, metadata: _Metadata, kid: object) -> Any:
        """Return the key of this name, or the only one where the token names none."""
        async with self._lock:
            key = self._known_key(kid)
            now, before = self._clock(), self._keys_read_at
            if key is None and (before is None or now - before >= _KEYS_AGAIN):
                self._keys = _keys(await self._get(metadata.jwks_uri))
                self._keys_read_at = now
                key = self._known_key(kid)
        if key is None:
            raise OpenIdRefusedError("the provider's word is signed by a key that the provider does not show")
        return key

    def _known_key(self, kid: object) -> Any:
        if isinstance(kid, str):
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if kid is None and len(self._keys) == 1 else None

    async def _read_metadata(self) -> _Metadata:
        async with self._lock:
            now = self._clock()
            if self._metadata is not None and now - self._metadata[1] < _METADATA_LAST:
                return self._metadata[0]
            if self._failed_at is not None and now - self._failed_at < timedelta(seconds=10):
                raise self._away()
            try:
                metadata = self._metadata_of(await self._get(f"{self.client.issuer.rstrip('/')}{_DISCOVERY}"))
            except WanderbuchError:
                self._failed_at = now
                raise
            self._metadata, self._failed_at = (metadata, now), None
            return metadata

    def _metadata_of(self, told: Mapping[str, Any]) -> _Metadata:
        """Return the metadata of this issuer (2)."""
        if told.get("issuer") != self.client.issuer:
            raise OpenIdRefusedError("the provider's metadata are those of another provider")
        methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        end = told.get("end_session_endpoint")
        return _Metadata(
            authorization_endpoint=_https(told.get("authorization_endpoint")),
            token_endpoint=_https(told.get("token_endpoint")),
            jwks_uri=_https(told.get("jwks_uri")),
            end_session_endpoint=None if end is None else _https(end),
            names_issuer=told.get("authorization_response_iss_parameter_supported") is True,
            takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        )

    async def _get(self, url: str) -> Mapping[str, Any]:
        try:
            answer = await self._edge.get(url, max_bytes=MAX_BYTES, timeout_s=TIMEOUT_S, accept="application/json")
        except HttpError as err:
            raise self._away() from err
        return _object(answer.body)

    def _away(self) -> OpenIdUnreachableError:
        return OpenIdUnreachableError(
            f"{self.client.name} does not answer", hint="try again in a minute, or sign in another way"
        )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        read = read_strict_json(body, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH, fractions=True)
    except StrictJsonError as err:
        raise OpenIdRefusedError("the provider's answer is not JSON") from err
    if not isinstance(read, dict):
        raise OpenIdRefusedError("the provider's answer is not an object")
    return read


def _header(token: str) -> Mapping[str, Any]:
    """Return the header of a token (RFC 7515 §3.1), read strictly before anybody else reads it."""
    part = token.partition(".")[0]
    try:
        octets = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError as err:
        raise OpenIdRefusedError("the provider's word cannot be read") from err
    return _object(octets)


def _keys(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public keys for signatures by their names; what we do not know is left out."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    types: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    listed = told.get("keys")
    keys: dict[str, Any] = {}
    for number, key in enumerate(listed[:_MAX_KEYS] if isinstance(listed, list) else ()):
        kind = types.get(str(key.get("kty"))) if isinstance(key, dict) else None
        if kind is None or key.get("use", "sig") != "sig" or "d" in key:
            continue
        try:
            keys[str(key.get("kid", number))] = kind.import_key(key)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return keys


def _https(endpoint: object) -> str:
    if not isinstance(endpoint, str) or not endpoint.startswith("https://") or len(endpoint) > 2000 or "#" in endpoint:
        raise OpenIdRefusedError("the provider's metadata name no https address")
    return endpoint


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
