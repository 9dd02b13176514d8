"""The hosts of those whom governance names: what is asked of them is our own work, whoever caused it."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from yarl import URL

from wanderbuch.governance.facts.identifiers import IdentifierError, WebvhDid
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.following.source import GovernanceSource

_AT_ONCE: Final = 2_000  # participants whose hosts are listed without a thread


class Parties:
    """The hosts of authorities, issuers, verifiers and whoever else stands in the governance in force.

    Args:
        source: the governance.
    """

    def __init__(self, source: GovernanceSource) -> None:
        self._source = source
        self._fixed = frozenset(_hosts_of(source.config.author, source.config.url))
        self._hosts = self._fixed
        self._digests: tuple[str, ...] = ()
        self._listing: asyncio.Task[None] | None = None

    def is_party(self, host: str) -> bool:
        """Return whether governance names somebody at this host."""
        snapshot = self._source.snapshot()
        if snapshot is not None:
            snapshots = (snapshot, *snapshot.recognised.values())
            digests = tuple(governance_snapshot.digest for governance_snapshot in snapshots)
            if digests != self._digests:
                self._digests = digests
                self._renew(snapshots)
        return host in self._hosts

    def _renew(self, snapshots: tuple[GovernanceSnapshot, ...]) -> None:
        """List the hosts anew; of a large file aside, and until that is done the hosts listed before count."""
        if sum(len(snapshot.file.participants) for snapshot in snapshots) <= _AT_ONCE:
            self._hosts = self._fixed | _list(snapshots)
            return

        async def aside() -> None:
            digests, hosts = self._digests, await asyncio.to_thread(_list, snapshots)
            if digests == self._digests:
                self._hosts = self._fixed | hosts

        self._listing = asyncio.create_task(aside(), name="parties.list")


def _list(snapshots: tuple[GovernanceSnapshot, ...]) -> frozenset[str]:
    return frozenset(
        host
        for snapshot in snapshots
        for did in (
            snapshot.file.author,
            *(participant.did for participant in snapshot.file.participants),
            *(accreditation.issuer for accreditation in snapshot.file.accreditations),
            *(verification.verifier for verification in snapshot.file.verifications),
            *snapshot.file.recognised_publishers,
        )
        for host in _hosts_of(did, None)
    )


def _hosts_of(did: str, url: str | None) -> Iterator[str]:
    with contextlib.suppress(IdentifierError):
        yield WebvhDid.parse(did).host
    if url is not None and (host := URL(url).raw_host):
        yield host.lower()
