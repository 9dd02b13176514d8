"""Whose is a source? What an adapter asks that has verified a signature by a certificate, before evidence is made.

1. A source that names a DID is that DID's; nothing else can make it another's.
2. A certificate is the issuer's under which a file lists it: the home file, or one of an authority that it recognises.
3. If two issuers are named, in one file or in two, nobody can tell whose it is: it is nobody's.

Whether the issuer counts is for `decision.decide` to say, whose rule 9 looks for the source again.
"""

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import SourceId


def source_owner(source: SourceId, snapshot: GovernanceSnapshot) -> Did | None:
    """Return the issuer that a source belongs to, None if that cannot be told.

    Raises:
        PartMissingError: parts of a divided file were not read, so another issuer might list it too.
    """
    if source.owner is not None:  # 1
        return source.owner
    listing: set[Did] = set()
    for governance_snapshot in (snapshot, *snapshot.recognised.values()):  # 2
        listing |= governance_snapshot.file.index.listing(source)
    return listing.pop() if len(listing) == 1 else None  # 3
