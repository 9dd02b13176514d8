"""What we have seen of other parties' histories, so that nobody can show us an older or another one.

A history is a chain of numbered entries: the entries of a DID log (number = version number, text = versionId, which
holds the entry's hash and through it commits to all entries before), or the status lists of a revocation registry
(number = timestamp, text = resource id). A log is remembered by the SCID of its DID, which stays when the DID moves.
The rule, for both:

1. The newest number is not lower than the newest one seen.
2. Where the entry seen last is still listed, it is the same one.

What the wallet remembers is kept at hand where no other process can remember more: then a history that says nothing new
costs no look into the store. Where several processes share one, the store is asked each time, for another process may
have seen more than this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, Entry
from cachetools import LRUCache

from wanderbuch.plugins.webvh.errors import ForkError, LogHistoryError, ShortenedHistoryError
from wanderbuch.store.tables import tables_of

_CATEGORY: Final = "wanderbuch.webvh.seen"
_AT_HAND: Final = 2_000  # of some 200 bytes each


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest entry seen of a history."""

    number: int
    entry: str


@runtime_checkable
class LogMemory(Protocol):
    """Remembers the newest entry of every history seen; it never goes back."""

    async def accept(self, subject: str, history: Mapping[int, str], *, formerly: Sequence[str] = ()) -> None:
        """Check a verified history against what was seen of it before, then remember its newest entry.

        Args:
            subject: whose history: a DID up to its SCID, or the id of a revocation registry definition.
            history: number -> entry; not empty.
            formerly: as what it was remembered by releases that kept DIDs apart by their place; counts where nothing
                is remembered as `subject` yet.

        Raises:
            ShortenedHistoryError: it ends before the entry seen last (rule 1).
            ForkError: it has another entry in that place (rule 2).
            LogHistoryError: the memory cannot be read.
        """


def newest(subject: str, history: Mapping[int, str], seen: Seen | None) -> Seen:
    """Return what to remember of `history` if `seen` was remembered so far; errors as with `LogMemory.accept`."""
    number = max(history)
    if seen is not None and number < seen.number:  # rule 1
        raise ShortenedHistoryError(
            f"expected at least entry {seen.number} of {subject}, found a history that ends at {number}"
        )
    if seen is not None and history.get(seen.number, seen.entry) != seen.entry:  # rule 2
        raise ForkError(f"expected entry {seen.number} of {subject} as seen before, found another one")
    return Seen(number, history[number])


class InMemoryLogMemory:
    """Remembers for as long as the process runs: for commands and tests, not for agents."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    async def accept(self, subject: str, history: Mapping[int, str], *, formerly: Sequence[str] = ()) -> None:
        """Check and remember; see `LogMemory.accept`."""
        if subject not in self._seen:
            _check_formerly(subject, history, [self._seen.get(name) for name in formerly])
        self._seen[subject] = newest(subject, history, self._seen.get(subject))


class WalletLogMemory:
    """Remembers in the wallet store.

    Args:
        profile: the agent's root profile; may be given later with `attach`, as it does not exist yet when plugins load.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self._profile = profile
        self._at_hand: LRUCache[str, Seen] = LRUCache(_AT_HAND)

    def attach(self, profile: Profile) -> None:
        """Use the wallet of `profile` from now on."""
        self._profile = profile
        self._at_hand.clear()

    @property
    def attached(self) -> bool:
        """Whether there is a wallet to remember in."""
        return self._profile is not None

    async def accept(self, subject: str, history: Mapping[int, str], *, formerly: Sequence[str] = ()) -> None:
        """Check and remember; see `LogMemory.accept`."""
        profile = self._profile
        if profile is None:
            raise LogHistoryError("the wallet that remembers DID logs is not open yet", hint="try again in a moment")
        at_hand = self._at_hand.get(subject)
        if at_hand is not None and newest(subject, history, at_hand) == at_hand:
            return
        try:
            async with profile.session() as session:
                seen = _seen(await session.handle.fetch(_CATEGORY, subject))
                if seen is None:
                    kept = [_seen(await session.handle.fetch(_CATEGORY, name)) for name in formerly]
                    _check_formerly(subject, history, kept)
            if seen is not None and newest(subject, history, seen) == seen:
                self._have_at_hand(profile, subject, seen)
                return
            # Checked again inside the transaction: another task or process may have seen more in between.
            async with profile.transaction() as session:
                entry = await session.handle.fetch(_CATEGORY, subject, for_update=True)
                remembered = newest(subject, history, _seen(entry))
                write = session.handle.insert if entry is None else session.handle.replace
                await write(_CATEGORY, subject, value_json={"number": remembered.number, "entry": remembered.entry})
                await session.commit()
        except AskarError as err:
            raise LogHistoryError(f"could not read or write what was seen of {subject}") from err
        self._have_at_hand(profile, subject, remembered)

    def _have_at_hand(self, profile: Profile, subject: str, seen: Seen) -> None:
        at_hand = self._at_hand.get(subject)
        if tables_of(profile).engine.is_shared or (at_hand is not None and at_hand.number > seen.number):
            return  # another task has seen more since this one read
        self._at_hand[subject] = seen


def _check_formerly(subject: str, history: Mapping[int, str], kept: Sequence[Seen | None]) -> None:
    for seen in kept:
        newest(subject, history, seen)


def _seen(entry: Entry | None) -> Seen | None:
    if entry is None:
        return None
    try:
        kept = entry.value_json
        return Seen(int(kept["number"]), str(kept["entry"]))
    except (ValueError, KeyError, TypeError) as err:
        raise LogHistoryError(f"the wallet's memory of {entry.name} is damaged") from err
