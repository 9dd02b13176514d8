"""A large governance file laid out in parts, so that a change moves what changed. Pure: no signature, no I/O.

The *root* is an ordinary governance file: the author's own record, roles, schemas, crosswalks, recognitions and
whatever else is no record. Its `divided.json` statement names, for each value of the first `bits` bits of SHA-256(DID),
the part in which the records of these DIDs stand, by digest and size; so the signature over the root covers all. A
*part* is the canonical JSON list of records (see `records`), sorted by their keys (DIDs; register ids of institutions
that have none, which are never in the root); it is published under its digest and never
changes.

A change to one participant moves the root and one part. Whoever asks for one part alone tells its bucket and no more,
which other participants share. Why hash buckets and no tree: docs/adr/0010-divided-files.md.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from wanderbuch.canonical_json import canonical
from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.statements import Division, Part
from wanderbuch.governance.form.model import DIVIDED
from wanderbuch.governance.form.records import ParticipantRecord, Payload, join, record_key, split
from wanderbuch.governance.form.statement_model import MAX_BITS
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_PART_BYTES: Final = 8 * 1024 * 1024
_MAX_DEPTH: Final = 24  # as of a whole file
PARTS_FOLDER: Final = "parts"  # below the address of the governance file
_SMALLEST_PART_BYTES: Final = 16 * 1024  # on average: fewer records are a smaller crowd to hide in (ADR 111)
_ROOT_BYTES_EACH: Final = 100  # what the root grows by for each part

type PartReader = Callable[[str], bytes]
"""Gives the bytes of the part with this digest ("sha256:" + hex); whoever calls it checks them."""


class DivisionError(GovernanceError):
    """A root and its parts do not belong together, or cannot be laid out so."""

    code: ClassVar[str] = "governance.division"


def part_digest(part: bytes) -> str:
    """Return "sha256:" + hex of a part's bytes."""
    return "sha256:" + hashlib.sha256(part).hexdigest()


def part_name(digest: str) -> str:
    """Return where a part lies relative to the governance file's address.

    >>> part_name("sha256:00ff")
    'parts/00ff.json'
    """
    return f"{PARTS_FOLDER}/{digest.removeprefix('sha256:')}.json"


def checked_part(part: Part, received: bytes) -> bytes:
    """Return the received bytes if they are this part.

    Raises:
        DivisionError: they are not.
    """
    if len(received) != part.size or part.size > MAX_PART_BYTES:
        raise DivisionError(
            f"part {part.digest}: expected {part.size} bytes, at most {MAX_PART_BYTES}, found {len(received)}"
        )
    if (digest := part_digest(received)) != part.digest:
        raise DivisionError(f"part {part.digest}: expected bytes of this digest, found {digest}")
    return received


def suggest_bits(total_bytes: int) -> int:
    """Return into how many bits of parts to divide records of so many bytes: so that root and one part are smallest.

    That is what a phone fetches for one question. Parts of small files have 16 to 32 kB all the same (ADR 111).

    >>> [suggest_bits(size) for size in (100_000, 1_000_000, 100_000_000, 1_000_000_000)]
    [2, 5, 10, 12]
    """
    bits = 1
    while bits < MAX_BITS and total_bytes >> (bits + 1) >= max(_SMALLEST_PART_BYTES, _ROOT_BYTES_EACH << bits):
        bits += 1
    return bits


def bucket_of(did: str, bits: int) -> int:
    """Return the number of the bucket of `did`: the first `bits` bits of its SHA-256."""
    return Division(bits, ()).bucket_of(did)


def division_of(root: Mapping[str, Any]) -> Division:
    """Return the division that the root states.

    Raises:
        DivisionError: it states none.
    """
    stated = _statement(root)
    return Division(stated["bits"], tuple(Part(part["digest"], part["bytes"]) for part in stated["parts"]))


def divide(payload: Mapping[str, Any], bits: int) -> tuple[Payload, dict[str, bytes]]:
    """Return the root of a governance file and its parts by digest; `payload` is left as it is.

    Args:
        payload: the whole file as JSON, without errors, not divided.
        bits: 1 to `MAX_BITS`, see `suggest_bits`.

    Raises:
        DivisionError: there is no author, the file is divided already, or a part would be too large.
    """
    if not 1 <= bits <= MAX_BITS:
        raise DivisionError(f"expected 1 to {MAX_BITS} bits, found {bits}")
    author = _author(payload)
    header, records = split(payload)
    if DIVIDED in header["participants"]["entries"]:
        raise DivisionError("expected a file that is not divided; gather its parts first")
    own = {did: record for did, record in records.items() if did == author}
    buckets: list[list[ParticipantRecord]] = [[] for _ in range(1 << bits)]
    for did in sorted(records.keys() - own.keys()):
        buckets[bucket_of(did, bits)].append(records[did])
    encoded = [_part(bucket) for bucket in buckets]
    root = join(header, own)
    parts = [Part(part_digest(body), len(body)) for body in encoded]
    return _with_division(root, Division(bits, tuple(parts))), {
        part.digest: body for part, body in zip(parts, encoded, strict=True)
    }


def redivide(
    root: Mapping[str, Any], changes: Mapping[str, ParticipantRecord | None], read_part: PartReader
) -> tuple[Payload, dict[str, bytes]]:
    """Return the root after changes, and the parts that are new, by digest; everything else stays where it is.

    The new root has the version of the old one: raising it, like signing, is the caller's.

    Args:
        root: the root as it was; it is left as it is.
        changes: by DID the record as it is now, None to remove it.
        read_part: gives the parts of `root`.

    Raises:
        DivisionError: a part is not the one that the root names, would be too large, or a record is another DID's.
    """
    division, author = division_of(root), _author(root)
    by_bucket: dict[int, dict[str, ParticipantRecord | None]] = {}
    for did, record in changes.items():
        if record is not None and record_key(record) != did:
            raise DivisionError(f"expected a record of {did}, found one of another DID or register id")
        if did != author:
            by_bucket.setdefault(division.bucket_of(did), {})[did] = record
    parts, new = list(division.parts), {}
    for bucket, changed in by_bucket.items():
        records = {record_key(entry): entry for entry in _records(parts[bucket], read_part)} | changed
        encoded = _part(record for _, record in sorted(records.items()) if record is not None)
        part = Part(part_digest(encoded), len(encoded))
        if part not in division.parts:
            new[part.digest] = encoded
        parts[bucket] = part
    header, own = split(root)
    own |= {did: record for did, record in changes.items() if did == author and record is not None}
    if author in changes and changes[author] is None:
        own.pop(author, None)
    return _with_division(join(header, own), Division(division.bits, tuple(parts))), new


def gather(root: Mapping[str, Any], read_part: PartReader) -> Payload:
    """Return the whole file that `divide` would lay out so; for tools, with all of it in memory.

    Raises:
        DivisionError: a part is not the one that the root names.
    """
    division = division_of(root)
    header, own = split(root)
    by_author = header["participants"]["entries"]
    del by_author[DIVIDED]
    records = {record_key(record): record for part in division.parts for record in _records(part, read_part)}
    return join(header, own | records)


def read_record(root: Mapping[str, Any], did: str, read_part: PartReader) -> ParticipantRecord | None:
    """Return what a divided file says about one participant, None if nothing.

    Raises:
        DivisionError: the part is not the one that the root names.
    """
    if did == _author(root):
        return split(root)[1].get(did)
    records = _records(division_of(root).part_of(did), read_part)
    return next((record for record in records if record_key(record) == did), None)


def _author(payload: Mapping[str, Any]) -> str:
    author = payload.get("author")
    if not isinstance(author, str):
        raise DivisionError("expected a governance file with an author")
    return author


def _statement(root: Mapping[str, Any]) -> dict[str, Any]:
    try:
        statement: dict[str, Any] = root["participants"]["entries"][DIVIDED][root["author"]]
    except (KeyError, TypeError) as err:
        raise DivisionError("expected a divided governance file, found no divided statement of its author") from err
    return statement


def _with_division(root: Payload, division: Division) -> Payload:
    stated = [{"digest": part.digest, "bytes": part.size} for part in division.parts]
    root["participants"]["entries"][DIVIDED] = {root["author"]: {"bits": division.bits, "parts": stated}}
    return root


def _records(part: Part, read_part: PartReader) -> list[ParticipantRecord]:
    content = checked_part(part, read_part(part.digest))
    try:
        records = read_strict_json(content, max_bytes=MAX_PART_BYTES, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise DivisionError(f"the part {part.digest} is not usable JSON: {err.message}") from err
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and isinstance(record.get("did", record.get("register_id")), str) for record in records
    ):
        raise DivisionError(
            f"expected a list of records with a DID or register id in the part {part.digest}, found something else"
        )
    return records


def _part(records: Iterable[ParticipantRecord]) -> bytes:
    encoded = b"[" + b",".join(canonical(record) for record in records) + b"]"
    if len(encoded) > MAX_PART_BYTES:
        raise DivisionError(f"expected parts of at most {MAX_PART_BYTES} bytes, found one of {len(encoded)}")
    return encoded
