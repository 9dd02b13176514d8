"""Make a staple of what an agent holds, and open one that was handed over (`governance.stapling`).

Checked when it is opened, in this order; the first failure refuses it:

1. its form and size;
2. with its files alone, by the same code as over the network: DID log, signatures of the pinned author and the parties,
   version, part, statement. DID logs are compared with what the receiver has seen of them;
3. the file is not older than, and does not contradict, what the receiver has seen of each authority in it, and where
   it is newer than what the receiver holds, the parties that are named there have signed it too;
4. it is fresh now, and tells something about the issuer.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from wanderbuch.governance.facts.identifiers import Did, IdentifierError, WebvhDid
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.bundle import Bundle
from wanderbuch.governance.signed.memory import SeenVersion
from wanderbuch.governance.signed.signing import VersionBefore
from wanderbuch.governance.signed.stapling import StapleError, read_staple, write_staple
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.replaying import RecordingEdge, ReplayingEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory, LogMemory


async def make_staple(source: GovernanceSource, issuer: Did, *, edge: HttpEdge, now: datetime) -> bytes:
    """Return the standing of one issuer, from the governance that an agent holds.

    Args:
        source: the agent's governance.
        issuer: whose standing.
        edge: the way to the DID logs of the authorities; their hosts do not learn which issuer it is about.
        now: the instant, aware.

    Raises:
        StapleError: nothing fresh is held that names the issuer, or it is too large.
        ResolutionError: a DID log could not be fetched or checked.
    """
    snapshot = await source.current()
    if snapshot is None or not snapshot.is_fresh(now):
        raise StapleError("expected governance that its author vouches for now, to make a staple of")
    authors = _authors_of(snapshot, issuer)
    if not authors:
        raise StapleError(f"the governance held says nothing of {issuer}")
    recording = RecordingEdge(edge)
    documents = WebvhDocuments(recording, InMemoryLogMemory())
    files: dict[str, bytes] = {}
    for author in sorted(authors):
        try:
            await documents.resolve(WebvhDid.parse(author))
        except IdentifierError as err:
            raise StapleError(f"expected an authority with a did:webvh, found {author}") from err
        files |= await source.files_about(author, issuer)
    files |= recording.recorded
    return write_staple(Bundle(source.config.author, source.config.url, now, (), files))


async def open_staple(
    received: bytes,
    *,
    issuer: Did,
    author: Did,
    seen: Mapping[Did, SeenVersion],
    before: Mapping[Did, VersionBefore],
    memory: LogMemory,
    clock: Callable[[], datetime],
) -> GovernanceSnapshot:
    """Return the governance in a staple after all checks: good for questions about this issuer only.

    Args:
        received: as it came.
        issuer: whose standing is asked for.
        author: the pinned author.
        seen: the highest versions that the receiver has seen, by authority.
        before: the versions of which the receiver knows who must sign what follows, by authority.
        memory: what the receiver has seen of DID logs.
        clock: the instant now, aware UTC.

    Raises:
        BundleError: a check failed.
        RollbackError: it is older than what was seen.
    """
    bundle = read_staple(received)  # 1
    edge = ReplayingEdge(bundle.files)
    documents = WebvhDocuments(edge, memory)
    config = GovernanceSourceConfig(url=bundle.url, author=author, about=(issuer,), history=False)
    source = GovernanceSource(
        config, edge=edge, resolve_key=documents.assertion_key, clock=clock, seen=seen, before=before
    )
    report = await source.refresh()  # 2, 3
    snapshot = source.snapshot()
    if snapshot is None or not snapshot.is_fresh(clock()):  # 4
        why = "; ".join(reason.text for reason in report.reasons) or "it is no longer fresh"
        raise StapleError(f"the staple cannot be relied on: {why}")
    if not any(
        _tells_of(governance_snapshot, issuer) for governance_snapshot in (snapshot, *snapshot.recognised.values())
    ):
        raise StapleError(f"the staple says nothing of {issuer}")
    return snapshot


def _authors_of(snapshot: GovernanceSnapshot, issuer: Did) -> set[Did]:
    """Return whose files it takes to judge an issuer: who names it, and who is on a way to them, with our own."""
    dids = {did for did, governance_snapshot in snapshot.recognised.items() if _tells_of(governance_snapshot, issuer)}
    if not dids and not _tells_of(snapshot, issuer):
        return set()
    while more := {
        did
        for did, governance_snapshot in snapshot.recognised.items()
        if did not in dids and any(governance_snapshot.file.recognitions_of(other) for other in dids)
    }:
        dids |= more
    return {snapshot.file.author} | dids


def _tells_of(snapshot: GovernanceSnapshot, did: Did) -> bool:
    """Return whether a file says something of a participant."""
    file = snapshot.file
    return file.holds(did) and bool(file.index.by_issuer.get(did) or file.index.participants.get(did))
