"""Tails files: fetched without blocking, checked, and put where ACA-Py's holder looks before it looks there.

Rules (a tails hash and location come from somebody else's registry definition):

1. The hash is base58 of exactly 32 bytes; it is used as a file name, so nothing else may pass.
2. The file is fetched through the HTTP edge; it has at most as many bytes as a registry of that size needs. Where its
   host sends us on, as the old place of a DID that moved does, the new address is asked once, by the same rules.
3. The sha2-256 of what was fetched is that hash. Only then is the file put in place, whole.
4. What was hashed is not hashed again while the file is the same by its time, size and place on the disk.
"""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Final
from urllib.parse import urljoin
from weakref import WeakValueDictionary

import base58
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.util import indy_client_dir
from acapy_agent.core.profile import Profile
from cachetools import LRUCache

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import RedirectRefusedError
from wanderbuch.plugins.webvh.errors import TailsError
from wanderbuch.plugins.webvh.publisher import Publisher, replace_file

MAX_REGISTRY_SIZE: Final = 100_000
_MEDIA_TYPE: Final = "application/octet-stream"
# The anoncreds library writes 2 bytes, then 2n + 1 points of 128 bytes for a registry of n places.
_HEAD_BYTES: Final = 2
_POINT_BYTES: Final = 128
_HASH_BYTES: Final = 32
_TIMEOUT_S: Final = 60.0
_MAX_HASHED: Final = 4096

_HASHED: LRUCache[Path, tuple[int, int, int]] = LRUCache(_MAX_HASHED)
"""What a file was like when it had the hash of its name: public data, of a process."""
_TURNS: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()


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


def tails_in_place(tails_hash: str) -> Path | None:
    """Return where a tails file is, None if it is not there or has to be looked at first; costs no more than a `stat`.

    Raises:
        TailsError: the hash is none (rule 1).
    """
    file = tails_file(tails_hash)
    try:
        mark = _mark(file.stat())
    except OSError:
        return None
    return file if _HASHED.get(file) == mark else None  # rule 4


async def place_tails(profile: Profile, *, tails_hash: str, location: object, size: object) -> Path:
    """Make sure that a tails file is in place; return where.

    Args:
        profile: finds the HTTP edge.
        tails_hash: as the registry definition says.
        location: where it is published.
        size: places in the registry.

    Raises:
        TailsError: a rule is broken.
        HttpError: the file could not be fetched.
    """
    target = tails_file(tails_hash)  # rule 1
    if (there := tails_in_place(tails_hash)) is not None:
        return there
    async with _TURNS.setdefault(target, asyncio.Lock()):  # it is fetched once, however many wait for it
        if await asyncio.to_thread(_has_hash, target, tails_hash):
            return target
        body = await _fetch(profile.inject(HttpEdge), location, tails_max_bytes(size))  # rule 2
        if await asyncio.to_thread(tails_hash_of, body) != tails_hash:  # rule 3
            raise TailsError(f"the file at {location} is not the tails file {tails_hash}")
        try:
            await asyncio.to_thread(replace_file, target, body)
        except OSError as err:
            raise TailsError(f"could not write the tails file {target}: {err.strerror}") from err
    return target


async def ensure_tails(profile: Profile, definition: RevRegDef) -> Path:
    """Make sure that the tails file of a registry, as ACA-Py describes it, is in place; as `place_tails`."""
    value = definition.value
    return await place_tails(
        profile, tails_hash=value.tails_hash, location=value.tails_location, size=value.max_cred_num
    )


async def publish_tails(did: WebvhDid, tails_hash: str, publisher: Publisher) -> str:
    """Publish the tails file of a registry of ours, which ACA-Py has made; return its address.

    Raises:
        TailsError: the file is not there or not whole.
        ConfigurationError: it cannot be published.
    """
    await put_tails(f"{'/'.join(did.path)}/tails", tails_hash, publisher)
    return tails_url(did, tails_hash)


async def put_tails(folder: str, tails_hash: str, publisher: Publisher) -> None:
    """Publish a tails file that ACA-Py has made, in a folder of the public files; errors as `publish_tails`."""
    path = f"{folder}/{checked_tails_hash(tails_hash)}"
    if await publisher.get(path) is None:
        try:
            body = await asyncio.to_thread(tails_file(tails_hash).read_bytes)
        except OSError as err:
            raise TailsError(f"the tails file {tails_hash} is not where ACA-Py keeps it") from err
        if await asyncio.to_thread(tails_hash_of, body) != tails_hash:
            raise TailsError(f"the tails file {tails_hash} is damaged")
        await publisher.put(path, body, _MEDIA_TYPE)


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


def tails_max_bytes(size: object) -> int:
    """Return how many bytes the tails file of a registry of so many places may have; TailsError: it is no size."""
    if type(size) is not int or not 0 < size <= MAX_REGISTRY_SIZE:
        raise TailsError(f"expected a registry of 1 to {MAX_REGISTRY_SIZE} places")
    return _HEAD_BYTES + _POINT_BYTES * (2 * size + 1)


def _has_hash(file: Path, wanted: str) -> bool:
    """Tell whether a file has a hash, and remember which file that was (rule 4)."""
    try:
        with file.open("rb") as opened:
            mark = _mark(os.fstat(opened.fileno()))
            if str(base58.b58encode(hashlib.file_digest(opened, "sha256").digest()), "ascii") != wanted:
                return False
    except OSError:
        return False
    _HASHED[file] = mark
    return True


def _mark(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def tails_hash_of(body: bytes) -> str:
    """Return the hash by which a tails file is named."""
    return str(base58.b58encode(hashlib.sha256(body).digest()), "ascii")
