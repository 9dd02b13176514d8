"""The history of a governance file: what was published, suspended, refused or rotated; when, by whom, why.

An append-only log. Entry `n` (from 0) is one line of canonical JSON (RFC 8785) in
`<governance url>/history/entries.jsonl`:

    {"action":"publication","at":"2026-11-22T09:00:00Z","digest":"sha256:…","n":0,"version":1,"who":"perera","why":"…"}

The leaves of the Merkle tree (`merkle`) are these lines, without the line end. The head `{size, root}` is signed as the
member `history` of the freshness statement. The file may already be longer than a head that was signed a moment before:
the head is about its first `size` lines. `who` is the id of an official of the authority, never a worker's.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar, Final

import rfc8785

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.signed.merkle import leaf_hash, root
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_WHY: Final = 2000
MAX_ENTRY_BYTES: Final = 16 * 1024
MAX_ENTRIES: Final = 1_000_000
SYSTEM: Final = "agent"  # who, where no person decided: the agent itself
OPERATOR: Final = "operator"  # who, for the holder of the agent's own token
_MEMBERS: Final = frozenset({"n", "at", "who", "action", "why", "version", "digest"})
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class HistoryError(GovernanceError):
    """The history is not in the right form, or is not the one that was signed."""

    code: ClassVar[str] = "governance.history"


class Action(Enum):
    """What an entry is about."""

    PUBLICATION = "publication"
    SUSPENSION = "suspension"
    REVIEW = "review"
    REFUSAL = "refusal"
    ROTATION = "rotation"
    OFFICIAL_ADDED = "official-added"
    OFFICIAL_CHANGED = "official-changed"
    OFFICIAL_REMOVED = "official-removed"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of the history.

    Args:
        n: its place, from 0.
        at: when, UTC, whole seconds.
        who: id of the official (or `SYSTEM`, `OPERATOR`).
        action: such as "publication"; see `Action`. Readers meet unknown ones with respect.
        why: the reason that was given.
        version: of the governance file that came of it, None if none did.
        digest: of that version's signed bytes, "sha256:" + hex, None if none did.
    """

    n: int
    at: datetime
    who: str
    action: str
    why: str
    version: int | None
    digest: str | None

    @property
    def line(self) -> bytes:
        """The entry as canonical JSON, without the line end: the leaf of the tree."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return rfc8785.dumps(
            {
                "n": self.n,
                "at": at,
                "who": self.who,
                "action": self.action,
                "why": self.why,
                "version": self.version,
                "digest": self.digest,
            }
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a history: how many entries, and the Merkle root over them as "sha256:" + hex."""

    size: int
    root: str

    @property
    def root_hash(self) -> bytes:
        """The root as 32 bytes."""
        return bytes.fromhex(self.root.removeprefix("sha256:"))


def head_of(leaves: Sequence[bytes]) -> Head:
    """Return the head over these leaf hashes."""
    return Head(len(leaves), "sha256:" + root(leaves).hex())


def read_entries(received: bytes, *, size: int) -> list[HistoryEntry]:
    """Return the first `size` entries in `received`, the content of `entries.jsonl`.

    Whether they are those that were signed is told by `entries_match`, and by nothing else.

    Raises:
        HistoryError: there are fewer, or a line is not an entry in canonical form.
    """
    if not 0 <= size <= MAX_ENTRIES:
        raise HistoryError(f"expected at most {MAX_ENTRIES} entries, found {size}")
    lines = received.split(b"\n")[:-1]  # what does not end in a line end is not whole
    if len(lines) < size:
        raise HistoryError(f"expected {size} entries of the history, found {len(lines)}")
    return [read_entry(line, number) for number, line in enumerate(lines[:size])]


def read_entry(line: bytes, number: int) -> HistoryEntry:
    """Return the entry in one line, without the line end.

    Raises:
        HistoryError: it is not entry `number` in canonical form.
    """
    try:
        document = read_strict_json(line, max_bytes=MAX_ENTRY_BYTES, max_depth=2)
    except StrictJsonError as err:
        raise HistoryError(f"entry {number} of the history is not usable: {err.message}") from err
    if not isinstance(document, dict) or document.keys() != _MEMBERS:
        raise HistoryError(f"entry {number} of the history: expected the members {', '.join(sorted(_MEMBERS))}")
    version, digest = document["version"], document["digest"]
    texts = {name: document[name] for name in ("who", "action", "why")}
    if not (
        document["n"] == number
        and isinstance(document["n"], int)
        and all(isinstance(text, str) for text in texts.values())
        and (version is None or (isinstance(version, int) and not isinstance(version, bool) and version > 0))
        and (digest is None or (isinstance(digest, str) and _DIGEST.fullmatch(digest)))
        and isinstance(document["at"], str)
        and _INSTANT.fullmatch(document["at"])
    ):
        raise HistoryError(f"entry {number} of the history is not in the right form: {json.dumps(document)[:200]}")
    try:
        at = datetime.fromisoformat(document["at"])
    except ValueError as err:
        raise HistoryError(f"entry {number} of the history: expected an instant that exists") from err
    entry = HistoryEntry(number, at, texts["who"], texts["action"], texts["why"], version, digest)
    if entry.line != line:
        raise HistoryError(f"entry {number} of the history: expected canonical JSON (RFC 8785)")
    return entry


def entries_match(entries: Sequence[HistoryEntry], head: Head) -> bool:
    """Tell whether these entries, all from the first on, are the ones that `head` is about."""
    return head_of([leaf_hash(entry.line) for entry in entries]) == head


def write_entries(entries: Sequence[HistoryEntry]) -> bytes:
    """Return the content of `entries.jsonl`."""
    return b"".join(entry.line + b"\n" for entry in entries)
