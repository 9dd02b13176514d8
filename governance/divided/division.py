"""A large governance file laid out in parts, so that a change moves what changed. Pure: no signature, no I/O.

The *root* is an ordinary governance file: the author's own record, roles, schemas, crosswalks, recognitions and
whatever else is no record. The first `bits` bits of SHA-256(DID) are the number of a DID's *bucket*; the root's
`divided.json` statement names the parts in which the records of all buckets stand, in order, by digest and size; so the
signature over the root covers all. A part has so many buckets that parts are about as large as each other; in the first
form of the statement, which goes on being read and changed, it has one. A *part* is the canonical JSON list of records
(see `records`), sorted by their keys (DIDs; register ids of institutions that have none, which are never in the root);
it is published under its digest and never changes.

A change to one participant moves the root and one part; one that has become too large comes apart. Whoever asks for one
part alone tells its buckets and no more, which other participants share. Why hash buckets and no tree:
docs/adr/0010-divided-files.md; why parts of several: docs/adr/0134-even-parts.md.
"""

import base64
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, ClassVar, Final

from wanderbuch.base64_text import from_base64
from wanderbuch.canonical_json import canonical
from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.statements import Division, Part
from wanderbuch.governance.form.model import DIVIDED
from wanderbuch.governance.form.records import ParticipantRecord, Payload, join, record_key, split
from wanderbuch.governance.form.statement_model import MAX_BITS, MAX_BITS_10, MAX_PARTS
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_PART_BYTES: Final = 8 * 1024 * 1024
_MAX_DEPTH: Final = 24  # as of a whole file
PARTS_FOLDER: Final = "parts"  # below the address of the governance file
_SMALLEST_PART_BYTES: Final = 16 * 1024  # on average: fewer records are a smaller crowd to hide in (ADR 111)
_SMALLEST_CROWD: Final = 4  # records of a part, where the file has so many
_ROOT_BYTES_EACH: Final = 120  # what the root grows by for each part, beside the bytes of parts (ADR 134)
_TOO_LARGE: Final = 2  # times as large as parts should be

type _Buckets = list[dict[str, bytes]]  # by key the canonical record
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


def suggest_parts(total_bytes: int) -> int:
    """Return into how many parts to divide records of so many bytes: so that what a phone fetches is smallest.

    That is the root and one or two parts. Parts of small files have about 16 kB all the same (ADR 111).

    >>> [suggest_parts(size) for size in (100_000, 1_000_000, 100_000_000, 1_000_000_000)]
    [6, 61, 912, 2886]
    """
    part_bytes = max(_SMALLEST_PART_BYTES, math.isqrt(_ROOT_BYTES_EACH * total_bytes))
    return min(max(2, total_bytes // part_bytes), MAX_PARTS)


def bits_for(parts: int) -> int:
    """Return into how many bits of buckets to divide a file of so many parts: 16 to 32 buckets for each of them.

    >>> [bits_for(parts) for parts in (2, 61, 64, 4096)]
    [5, 10, 10, 16]
    """
    return min((parts - 1).bit_length() + 4, MAX_BITS)


def bucket_of(did: str, bits: int) -> int:
    """Return the number of the bucket of `did`: the first `bits` bits of its SHA-256."""
    return Division(bits, ()).bucket_of(did)


def division_of(root: Mapping[str, Any]) -> Division:
    """Return the division that the root states.

    Raises:
        DivisionError: it states none.
    """
    stated = _statement(root)
    return Division(stated["bits"], tuple(_stated_part(part) for part in stated["parts"]))


def divide(
    payload: Mapping[str, Any], bits: int | None = None, *, parts: int | None = None
) -> tuple[Payload, dict[str, bytes]]:
    """Return the root of a governance file and its parts by digest; `payload` is left as it is.

    Args:
        payload: the whole file as JSON, without errors, not divided.
        bits: into how many bits of buckets. Alone: a part for each bucket, as files were divided at first. None: as
            many as even parts need (`bits_for`).
        parts: how many parts, about equally large; fewer where they would have too few records. None: as many as
            `suggest_parts` says, if `bits` is None, too.

    Raises:
        DivisionError: there is no author, the file is divided already, or a part would be too large.
    """
    is_even = bits is None or parts is not None
    most = MAX_BITS if is_even else MAX_BITS_10
    if bits is not None and not 1 <= bits <= most:
        raise DivisionError(f"expected 1 to {most} bits, found {bits}")
    author = _author(payload)
    header, records = split(payload)
    if DIVIDED in header["participants"]["entries"]:
        raise DivisionError("expected a file that is not divided; gather its parts first")
    own = {did: record for did, record in records.items() if did == author}
    encoded = {did: canonical(records[did]) for did in records.keys() - own.keys()}
    pieces = parts or suggest_parts(sum(map(len, encoded.values())))
    bits = bits or bits_for(pieces)
    buckets: _Buckets = [{} for _ in range(1 << bits)]
    for did, body in encoded.items():
        buckets[bucket_of(did, bits)][did] = body
    laid_out = _laid_out(buckets, _even_counts(buckets, pieces) if is_even else [1] * len(buckets))
    division = Division(bits, tuple(part for part, _ in laid_out))
    return _with_division(join(header, own), division), {part.digest: body for part, body in laid_out}


def redivide(
    root: Mapping[str, Any], changes: Mapping[str, ParticipantRecord | None], read_part: PartReader
) -> tuple[Payload, dict[str, bytes]]:
    """Return the root after changes, and the parts that are new, by digest; everything else stays where it is.

    A part that is changed and more than twice as large as it should be comes apart, where it has several buckets.

    The new root has the version of the old one: raising it, like signing, is the caller's.

    Args:
        root: the root as it was; it is left as it is.
        changes: by DID the record as it is now, None to remove it.
        read_part: gives the parts of `root`.

    Raises:
        DivisionError: a part is not the one that the root names, would be too large, or a record is another DID's.
    """
    division, author = division_of(root), _author(root)
    by_part: dict[int, dict[str, ParticipantRecord | None]] = {}
    for did, record in changes.items():
        if record is not None and record_key(record) != did:
            raise DivisionError(f"expected a record of {did}, found one of another DID or register id")
        if did != author:
            by_part.setdefault(division.number_of(did), {})[did] = record
    total = sum(part.size for part in division.parts)
    most = _TOO_LARGE * max(_SMALLEST_PART_BYTES, total // suggest_parts(total))
    known = {part.digest for part in division.parts}
    parts = [[part] for part in division.parts]
    room = MAX_PARTS - len(parts)
    new: dict[str, bytes] = {}
    for number, changed in by_part.items():
        before = division.parts[number]
        records = {record_key(entry): entry for entry in _records(before, read_part)} | changed
        buckets: _Buckets = [{} for _ in range(before.buckets)]
        first = division.ends[number] - before.buckets
        for did, record in records.items():
            if record is not None:
                buckets[division.bucket_of(did) - first][did] = canonical(record)
        size = sum(len(body) for bucket in buckets for body in bucket.values())
        pieces = min(_TOO_LARGE * size // most, room + 1) if size > most else 1
        laid_out = _laid_out(buckets, _even_counts(buckets, pieces))
        parts[number] = [part for part, _ in laid_out]
        room -= len(laid_out) - 1
        new |= {part.digest: body for part, body in laid_out if part.digest not in known}
    header, own = split(root)
    own |= {did: record for did, record in changes.items() if did == author and record is not None}
    if author in changes and changes[author] is None:
        own.pop(author, None)
    return _with_division(join(header, own), Division(division.bits, tuple(chain.from_iterable(parts)))), new


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
    of_one = all(part.buckets == 1 for part in division.parts)
    stated = [
        {"digest": part.digest, "bytes": part.size}
        if of_one
        else {"sha256": _base64url(part.digest), "bytes": part.size, "buckets": part.buckets}
        for part in division.parts
    ]
    root["participants"]["entries"][DIVIDED] = {root["author"]: {"bits": division.bits, "parts": stated}}
    return root


def _stated_part(stated: Mapping[str, Any]) -> Part:
    if "digest" in stated:
        return Part(stated["digest"], stated["bytes"])
    return Part("sha256:" + from_base64(stated["sha256"], url_too=True).hex(), stated["bytes"], stated["buckets"])


def _base64url(digest: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digest.removeprefix("sha256:"))).decode().rstrip("=")


def _even_counts(buckets: _Buckets, parts: int) -> list[int]:
    """Return how many buckets, one after the other, make each of so many parts about as large as the others.

    A bucket is of the part in which its middle lies, when all records are laid end to end and cut into equal pieces.
    """
    sizes = [sum(len(body) for body in bucket.values()) for bucket in buckets]
    total = max(1, sum(sizes))
    counts, crowds = [0], [0]
    piece = before = 0
    for bucket, size in zip(buckets, sizes, strict=True):
        middle = (2 * before + size) * parts // (2 * total)
        if middle > piece and crowds[-1] >= _SMALLEST_CROWD:
            counts.append(0)
            crowds.append(0)
            piece = middle
        counts[-1] += 1
        crowds[-1] += len(bucket)
        before += size
    if len(counts) > 1 and crowds[-1] < _SMALLEST_CROWD:
        last = counts.pop()
        counts[-1] += last
    return counts


def _laid_out(buckets: _Buckets, counts: Iterable[int]) -> list[tuple[Part, bytes]]:
    """Return the parts that have so many buckets each, with their bytes."""
    laid_out = []
    first = 0
    for count in counts:
        together: dict[str, bytes] = {}
        for bucket in buckets[first : first + count]:
            together |= bucket
        body = _part(together[key] for key in sorted(together))
        laid_out.append((Part(part_digest(body), len(body), count), body))
        first += count
    return laid_out


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


def _part(records: Iterable[bytes]) -> bytes:
    encoded = b"[" + b",".join(records) + b"]"
    if len(encoded) > MAX_PART_BYTES:
        raise DivisionError(f"expected parts of at most {MAX_PART_BYTES} bytes, found one of {len(encoded)}")
    return encoded
