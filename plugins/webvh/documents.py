"""Resolving did:webvh DIDs over https, without a profile: agents, commands and governance checks share it.

A DID that moved is found by its old name where the old place still serves its log, or sends us to the new place
(did:webvh 1.0, Misattribution: the preferred way). Redirects are followed for that alone: the log that we arrive at has
to say that the DID lives there now. What was seen of a log is remembered by its SCID, so that no name of a DID can show
less than another one did.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from cachetools import LRUCache

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import DidUrl, IdentifierError, WebvhDid
from wanderbuch.plugins.http.answers import Fetched
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import RedirectRefusedError
from wanderbuch.plugins.webvh.cache import ExpiringCache
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.entries import MAX_LOG_BYTES, read_entries, unverified_name
from wanderbuch.plugins.webvh.errors import DeactivatedError
from wanderbuch.plugins.webvh.log import VerifiedLog, names_witnesses, verify_log
from wanderbuch.plugins.webvh.memory import LogMemory
from wanderbuch.plugins.webvh.witnesses import MAX_WITNESS_BYTES

_TIMEOUT_S: Final = 10.0
_MAX_DOCUMENTS: Final = 500
# A key that was rotated out must stop counting soon; a log that did not change costs one small conditional request.
_LIFETIME_S: Final = 30.0
_MAX_MOVES: Final = 3  # how many places one after the other a redirect may lead through
_CHECKED_AT_ONCE: Final = 2  # a long log takes a thread for a while, and others need threads too
_ASK_AGAIN_S: Final = 2.0  # how often names of keys that do not stand there can make us ask a host


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: bytes  # of what was received; a host could make us keep the bytes of hundreds of logs
    etag: str | None
    log: VerifiedLog


class WebvhDocuments:
    """Resolves DIDs and remembers their logs.

    Args:
        edge: how to reach other hosts.
        memory: what was seen of each log before.
        lifetime_s: how long a resolved document counts before its host is asked again, in seconds.
    """

    def __init__(self, edge: HttpEdge, memory: LogMemory, *, lifetime_s: float = _LIFETIME_S) -> None:
        self._edge = edge
        self._memory = memory
        self._documents: ExpiringCache[WebvhDid, DidDocument] = ExpiringCache(
            max_entries=_MAX_DOCUMENTS, lifetime_s=lifetime_s
        )
        self._asked_again: ExpiringCache[WebvhDid, DidDocument] = ExpiringCache(
            max_entries=_MAX_DOCUMENTS, lifetime_s=_ASK_AGAIN_S
        )
        # Outlives the documents, so that an unchanged log is neither sent nor verified again.
        self._logs: LRUCache[WebvhDid, _Kept] = LRUCache(_MAX_DOCUMENTS)
        self._checking = asyncio.Semaphore(_CHECKED_AT_ONCE)

    async def resolve(self, did: WebvhDid) -> DidDocument:
        """Return the newest document of `did`.

        Raises:
            LogError: the log breaks a rule of did:webvh.
            HistoryError: the log is shorter than, or different from, the one seen before.
            DeactivatedError: the DID has ended.
            HttpError: the log could not be fetched.
        """
        return await self._documents.get(did, lambda: self._resolve(did))

    async def assertion_key(self, url: DidUrl) -> bytes:
        """Return the raw 32-byte Ed25519 public key that stands in `assertionMethod` as `url` now.

        A key that is not in the document at hand may have come in since: then the host is asked once more.

        Raises:
            ResolutionError: it could not be checked.
            GovernanceError: no such key stands there, or the DID is no did:webvh DID.
        """
        try:
            did = WebvhDid.parse(url.did)
        except IdentifierError as err:
            raise GovernanceError(f"expected a key of a did:webvh DID, found {url}") from err
        key = (await self.resolve(did)).assertion_keys.get(url)
        if key is None:
            key = (await self._asked_again.get(did, lambda: self._resolve_anew(did))).assertion_keys.get(url)
        if key is None:
            raise GovernanceError(f"{url} does not stand in the assertionMethod of {did} now")
        return key

    def forget(self, did: WebvhDid) -> None:
        """Ask the host again at the next request; what was seen of the log stays remembered."""
        self._documents.forget(did)

    async def _resolve_anew(self, did: WebvhDid) -> DidDocument:
        self._documents.forget(did)
        return await self.resolve(did)

    async def _resolve(self, did: WebvhDid) -> DidDocument:
        log = await self._log(did)
        await self._memory.accept(f"did:webvh:{did.scid}", log.version_ids, formerly=log.names)
        if log.deactivated:
            raise DeactivatedError(f"{did} was deactivated by its controller")
        return DidDocument.of(did, log.version_id, log.document, log.names)

    async def _log(self, did: WebvhDid) -> VerifiedLog:
        kept = self._logs.get(did)
        fetched, present = await self._fetch(did, kept)
        if kept is not None and (fetched.status == 304 or _digest(fetched.body) == kept.digest):
            return kept.log
        witness: bytes | None = None
        if await asyncio.to_thread(names_witnesses, fetched.body):
            proofs = await self._edge.get(present.witness_url, max_bytes=MAX_WITNESS_BYTES, timeout_s=_TIMEOUT_S)
            witness = proofs.body
        async with self._checking:
            log = await verify_log(did, fetched.body, witness)
        self._logs[did] = _Kept(_digest(fetched.body), fetched.etag, log)
        return log

    async def _fetch(self, did: WebvhDid, kept: _Kept | None) -> tuple[Fetched, WebvhDid]:
        """Return the log, and by which name of the DID it was found."""
        url = did.log_url
        refusals: list[RedirectRefusedError] = []
        ends = asyncio.get_running_loop().time() + _TIMEOUT_S
        while True:
            left_s = max(ends - asyncio.get_running_loop().time(), 0.01)
            try:
                fetched = await self._edge.get(
                    url, max_bytes=MAX_LOG_BYTES, timeout_s=left_s, etag=kept.etag if kept else None
                )
                break
            except RedirectRefusedError as err:
                refusals.append(err)
                if len(refusals) > _MAX_MOVES:
                    raise
                try:
                    url = urljoin(url, err.location)
                except ValueError:
                    raise err from None
        if not refusals:
            return fetched, did
        if fetched.status == 304 and kept is not None:
            present = kept.log.names[0]
        else:
            present = await asyncio.to_thread(lambda: unverified_name(read_entries(fetched.body)[-1]))
        if present.log_url != url:
            raise refusals[0]
        return fetched, present


def _digest(received: bytes) -> bytes:
    return hashlib.sha256(received).digest()
