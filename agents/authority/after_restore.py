"""After a restore: the versions and the history of an authority as they are published, where they are ahead.

1. The public history begins with the wallet's; what it has beyond becomes the wallet's, line by line.
2. Each published version that the wallet knows is the wallet's.
3. Each that it does not know is checked as a consumer checks it, and kept, with its parts.
4. Where there were such versions, nothing that was approved before is published by itself any more: it may have become
   one of them, and one that came later may have undone it. It goes back to its editors.

A draft that was under review and became a version after the backup is under review again, to be discarded.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.history import HistoryRecord
from wanderbuch.agents.authority.published import PartStore, Published, read_root
from wanderbuch.agents.authority.telling import draft_events
from wanderbuch.agents.authority.versions import Cause, PublicationPlace, PublishedVersion, Versions, VersionState
from wanderbuch.agents.work.case import Step
from wanderbuch.agents.work.log import Log
from wanderbuch.errors import ConfigurationError, WanderbuchError
from wanderbuch.governance.divided.division import part_name
from wanderbuch.governance.signed.history import OPERATOR, SYSTEM, Action, HistoryEntry, HistoryError, read_entry
from wanderbuch.governance.signed.jws import KeyResolver, first_by, read_jws, unverified_payload, verify_signature
from wanderbuch.governance.signed.signing import FILE_TYP, MAX_JWS_BYTES, digest_of
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.store.records import RecordStore
from wanderbuch.store.telling import Teller

_SENT_BACK: Final = "restored from a backup: versions were published since; compare this draft with them"
_HINT: Final = "restore a later backup, or one of the public folder that belongs to this one"


@dataclass(frozen=True, slots=True)
class AuthorityTakenUp:
    """What was taken up."""

    entries: int
    """Lines of the history."""
    versions: tuple[int, ...]
    sent_back: int = 0
    """Drafts that were approved, and go back to their editors (4)."""


async def take_up_authority(
    profile: Profile, place: PublicationPlace, publisher: Publisher, resolve_key: KeyResolver
) -> AuthorityTakenUp:
    """Do so; may be done again.

    Args:
        profile: whose wallet.
        place: where the files lie and whose they are.
        publisher: gives what is published.
        resolve_key: gives a key of the author's.

    Raises:
        ConfigurationError: what is published is another history, or cannot be read whole.
    """
    fresh = await _take_up_history(profile, place, publisher)
    current = await publisher.get(place.current_path)
    if current is None:
        return AuthorityTakenUp(len(fresh), ())
    store, parts = Versions(profile), PartStore(profile, publisher, place.folder)
    versions = await store.all()
    known = {version.version for version in versions}
    await _compare(place, publisher, versions)
    by_version = {entry.version: entry for entry in reversed(fresh) if entry.version is not None}
    newest = int(read_root(unverified_payload(current))["version"])
    taken = sorted({*by_version, newest} - known)
    for number in taken:
        body = await publisher.get(place.version_path(number))
        if body is None:
            raise ConfigurationError(f"the public folder has lost {place.version_path(number)}", hint=_HINT)
        version = await _checked(place, number, body, by_version.get(number), resolve_key)
        await _keep_parts(parts, publisher, place, body)
        await store.insert(version)
        await store.published(version, datetime.now(UTC))
    sent_back = await _send_back(profile, versions) if taken else 0
    return AuthorityTakenUp(len(fresh), tuple(taken), sent_back)


async def _send_back(profile: Profile, known: Sequence[PublishedVersion]) -> int:
    """Send approved drafts back (4), but those that the wallet knows to have become versions; return how many."""
    drafts = RecordStore(profile, Draft)
    teller = Teller(profile, Draft, draft_events, records=drafts)
    done = {version.cause.draft_id for version in known}
    states = [state.value for state in Draft.course.approved_states]
    waiting = [draft async for draft in drafts.every(state=states) if draft.id not in done]
    for draft in waiting:
        step = Step(at=datetime.now(UTC), who=SYSTEM, what=str(DraftState.OUTDATED.value).lower(), why=_SENT_BACK)
        await teller.change(draft, lambda case, step=step: case.moved(DraftState.OUTDATED, step))  # type: ignore[misc]
    return len(waiting)


async def _compare(place: PublicationPlace, publisher: Publisher, versions: Sequence[PublishedVersion]) -> None:
    """Refuse a public folder where a version of the wallet's is another one."""
    for version in versions:
        body = await publisher.get(place.version_path(version.version))
        if body is not None and digest_of(body) != version.digest:
            raise ConfigurationError(f"another version {version.version} is published than the wallet's", hint=_HINT)


async def _take_up_history(profile: Profile, place: PublicationPlace, publisher: Publisher) -> list[HistoryEntry]:
    body = await publisher.get(f"{place.folder}/history/entries.jsonl")
    log = Log(profile, HistoryRecord)
    kept = list(await log.lines())
    published = [] if body is None else body.decode("utf-8", "replace").splitlines()
    if published[: len(kept)] != kept[: len(published)]:
        raise ConfigurationError("the published history is another one than the wallet's", hint=_HINT)
    entries: list[HistoryEntry] = []
    for number, line in enumerate(published[len(kept) :], start=len(kept)):
        try:
            entry = read_entry(line.encode(), number)
        except HistoryError as err:
            raise ConfigurationError(f"the published history cannot be read: {err.message}", hint=_HINT) from err
        await log.append(_key(entry, entries), lambda _, line=line: line)  # type: ignore[misc]
        entries.append(entry)
    return entries


def _key(entry: HistoryEntry, before: list[HistoryEntry]) -> str:
    """Return the key under which an entry was told: that of its version, or one of its own."""
    if entry.version is None:
        return f"restored:{entry.n}"
    if entry.action == Action.REFUSAL.value:
        return f"refusal:{entry.version}:{entry.why.partition(':')[0]}:{entry.n}"
    is_first = all(earlier.version != entry.version for earlier in before)
    return f"version:{entry.version}" if is_first else f"restored:{entry.n}"


async def _checked(
    place: PublicationPlace, number: int, body: bytes, entry: HistoryEntry | None, resolve_key: KeyResolver
) -> PublishedVersion:
    try:
        received = read_jws(body, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES)
        by_author = first_by(place.author, received)
        await verify_signature(received, by_author, resolve_key)
    except WanderbuchError as err:
        raise ConfigurationError(f"version {number} as it is published is not ours: {err.message}", hint=_HINT) from err
    root = read_root(received.unverified_payload)
    if (root["version"], root["author"]) != (number, place.author):
        raise ConfigurationError(f"expected version {number} by {place.author}, found another", hint=_HINT)
    action = next((action for action in Action if entry is not None and action.value == entry.action), None)
    cause = Cause(
        who=OPERATOR if entry is None else entry.who,
        action=action or Action.PUBLICATION,
        why="taken up from the public folder" if entry is None else entry.why,
    )
    return PublishedVersion(
        id=str(number),
        version=number,
        governance_id=str(root["id"]),
        digest=digest_of(body),
        payload_digest=digest_of(received.unverified_payload),
        kid=str(by_author.kid),
        cause=cause,
        parts=await asyncio.to_thread(_parts_in, body),
        jws=body.decode("ascii"),
        state=VersionState.PENDING,
    )


def _parts_in(body: bytes) -> tuple[str, ...]:
    division = Published(read_root(unverified_payload(body)), None).division  # type: ignore[arg-type]
    return () if division is None else tuple(part.digest for part in division.parts)


async def _keep_parts(parts: PartStore, publisher: Publisher, place: PublicationPlace, body: bytes) -> None:
    for digest in await asyncio.to_thread(_parts_in, body):
        part = await publisher.get(f"{place.folder}/{part_name(digest)}")
        if part is None:
            raise ConfigurationError(f"the public folder has lost {part_name(digest)}", hint=_HINT)
        await parts.keep({digest: part})
