"""Whether an authority's history goes on from what was seen of it before. Pure; the entries were fetched by others.

1. The entries served are those whose head the author signed (RFC 9162 §2.1).
2. The history seen before is its beginning: nothing was changed or removed.
3. The version of the file that is served stands in it: nobody is shown a version that others cannot find.

All entries are fetched, not proofs about single ones, so no host learns what a reader is interested in.
"""

from dataclasses import dataclass
from typing import Final

from wanderbuch.governance.facts.question import GovernanceRef
from wanderbuch.governance.signed.history import Head, entries_match, read_entries
from wanderbuch.plugins.trust.following.refreshing import EquivocationError

MAX_HISTORY_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CheckedHistory:
    """A history that goes on from the one seen before. Only `check_history` makes one.

    Args:
        head: of the history.
        digest: of the governance file that stands in it.
    """

    head: Head
    digest: str


def check_history(received: bytes, *, head: Head, seen: Head | None, ref: GovernanceRef) -> CheckedHistory:
    """Return the history in `received` after all checks.

    Args:
        received: the content of `entries.jsonl`; may go on after the head.
        head: as the author signed it now.
        seen: the longest one that was checked before.
        ref: the governance file held.

    Raises:
        HistoryError: there are fewer entries, or they are malformed: nothing is known.
        EquivocationError: a rule is broken.
    """
    if seen is not None and head.size < seen.size:
        raise EquivocationError(f"the author's history had {seen.size} entries and now has {head.size}")
    entries = read_entries(received, size=head.size)
    if not entries_match(entries, head):  # 1
        raise EquivocationError("the entries of the history are not those that the author signed")
    if seen is not None and not entries_match(entries[: seen.size], seen):  # 2
        raise EquivocationError("the author's history is not the one that was seen before")
    if not any((entry.version, entry.digest) == (ref.version, ref.digest) for entry in entries):  # 3
        raise EquivocationError(f"version {ref.version} of the governance file does not stand in its author's history")
    return CheckedHistory(head, ref.digest)
