"""Tails files: fetched without blocking, checked, and put where ACA-Py's holder looks before it looks there.

Rules (a tails hash and location come from somebody else's registry definition):

1. The hash is base58 of exactly 32 bytes; it is used as a file name, so nothing else may pass.
2. The file is fetched through the HTTP edge; it has at most as many bytes as a registry of that size needs. Where its
   host sends us on, as the old place of a DID that moved does, the new address is asked once, by the same rules.
3. The sha2-256 of what was fetched is that hash. Only then is the file put in place, whole.
"""

import asyncio
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import base58
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.util import indy_client_dir
from acapy_agent.core.profile import Profile

from wanderbuch.governance.identifiers import WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import RedirectRefusedError
from wanderbuch.plugins.webvh.errors import TailsError
from wanderbuch.plugins.webvh.publisher import Publisher

MAX_REGISTRY_SIZE: Final = 100_000
_MEDIA_TYPE: Final = "application/octet-stream"
# The anoncreds library writes 2 bytes, then 2n + 1 points of 128 bytes for a registry of n places.
_HEAD_BYTES: Final = 2
_POINT_BYTES: Final = 128
_HASH_BYTES: Final = 32
_TIMEOUT_S: Final = 60.0


def checked_tails_hash(text: object) -> str:
    """Return `text` as a tails hash (rule 1).

    Raises:
        TailsError: it is not base58 of 32 bytes.
    """
    problem = "expected base58 of 32 bytes as tails hash, found another text"
    if not isinstance(text, str) or not 32 <= len(text) <= 44 or not text.isascii() or not text.isalnum():
        raise TailsError(problem)
    try:
        decoded = base58.b58decode(text)
    except ValueError as err:
        raise TailsError(problem) from err
    if len(decoded) != _HASH_BYTES:
        raise TailsError(problem)
    return text


def tails_file(tails_hash: str) -> Path:
    """Return where ACA-Py looks for a tails file."""
    return Path(indy_client_dir("tails"), checked_tails_hash(tails_hash))


def tails_url(did: WebvhDid, tails_hash: str) -> str:
    """Return where the tails file of a registry of `did` is published."""
    return f"{did.base_url}/tails/{checked_tails_hash(tails_hash)}"


async def ensure_tails(profile: Profile, definition: RevRegDef) -> Path:
    """Make sure that the tails file of a registry is in place; return where.

    Args:
        profile: finds the HTTP edge.
        definition: of the registry, as resolved.

    Raises:
        TailsError: a rule is broken.
        HttpError: the file could not be fetched.
    """
    value = definition.value
    target = tails_file(value.tails_hash)  # rule 1
    if await asyncio.to_thread(_has_hash, target, value.tails_hash):
        return target
    body = await _fetch(profile.inject(HttpEdge), value.tails_location, _max_bytes(value.max_cred_num))  # rule 2
    if await asyncio.to_thread(_hash, body) != value.tails_hash:  # rule 3
        raise TailsError(f"the file at {value.tails_location} is not the tails file {value.tails_hash}")
    try:
        await asyncio.to_thread(_put, target, body)
    except OSError as err:
        raise TailsError(f"could not write the tails file {target}: {err.strerror}") from err
    return target


async def publish_tails(did: WebvhDid, tails_hash: str, publisher: Publisher) -> str:
    """Publish the tails file of a registry of ours, which ACA-Py has made; return its address.

    Raises:
        TailsError: the file is not there or not whole.
        ConfigurationError: it can not be published.
    """
    path = f"{'/'.join(did.path)}/tails/{checked_tails_hash(tails_hash)}"
    if await publisher.get(path) is None:
        try:
            body = await asyncio.to_thread(tails_file(tails_hash).read_bytes)
        except OSError as err:
            raise TailsError(f"the tails file {tails_hash} is not where ACA-Py keeps it") from err
        if await asyncio.to_thread(_hash, body) != tails_hash:
            raise TailsError(f"the tails file {tails_hash} is damaged")
        await publisher.put(path, body, _MEDIA_TYPE)
    return tails_url(did, tails_hash)


async def _fetch(edge: HttpEdge, location: object, max_bytes: int) -> bytes:
    if not isinstance(location, str):
        raise TailsError("expected an https address as tails location")
    try:
        return (await edge.get(location, max_bytes=max_bytes, timeout_s=_TIMEOUT_S)).body
    except RedirectRefusedError as err:
        try:
            moved = urljoin(location, err.location)
        except ValueError:
            raise err from None
        return (await edge.get(moved, max_bytes=max_bytes, timeout_s=_TIMEOUT_S)).body


def _max_bytes(size: object) -> int:
    if type(size) is not int or not 0 < size <= MAX_REGISTRY_SIZE:
        raise TailsError(f"expected a registry of 1 to {MAX_REGISTRY_SIZE} places")
    return _HEAD_BYTES + _POINT_BYTES * (2 * size + 1)


def _has_hash(file: Path, wanted: str) -> bool:
    try:
        with file.open("rb") as opened:
            return str(base58.b58encode(hashlib.file_digest(opened, "sha256").digest()), "ascii") == wanted
    except OSError:
        return False


def _hash(body: bytes) -> str:
    return str(base58.b58encode(hashlib.sha256(body).digest()), "ascii")


def _put(target: Path, body: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".writing-{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
