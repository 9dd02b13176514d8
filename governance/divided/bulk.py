"""Load a divided governance file: every part checked against the signed root, read, and joined into one file.

`load_divided` in order, for each part; the first failure refuses the whole file:

1. the part has exactly the size and digest that the signed root names (`division.checked_part`);
2. it is canonical JSON of records (`record_form.received_records`);
3. records are sorted by DID, none stands twice, and each stands in the part of its bucket;
4. each record keeps the rules of `record_reader`;
5. no participant has a record both in the root and in a part; no id of an accreditation stands twice.

Every bucket is in one part, named by its digest: none can be left out, added or exchanged without the author's
signature.

`load_partly` does the same for the parts in which some DIDs stand, and no others. A question about anybody else is then
answered UNKNOWN, never by absence (`GovernanceFile.holds`). Rules 3 and 5 then hold for what was loaded.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from msgspec import UNSET

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.divided.division import DivisionError, PartReader, checked_part
from wanderbuch.governance.divided.participant_reader import ReadRecord
from wanderbuch.governance.divided.record_form import RecordError, received_records
from wanderbuch.governance.divided.record_reader import RecordReader
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import GovernanceIndex
from wanderbuch.governance.facts.listings import RegisterEntry
from wanderbuch.governance.facts.statements import Division
from wanderbuch.governance.signed.signing import SignedGovernanceFile


class PartError(GovernanceError):
    """A part breaks a rule, so the whole file is refused; the message names the part and the record."""

    code: ClassVar[str] = "governance.part"


def load_divided(root: SignedGovernanceFile, read_part: PartReader) -> GovernanceFile:
    """Return the whole file that a verified root and its parts make.

    It takes seconds of CPU for a million accreditations: call it in a thread. Put the file in the place of the root's,
    `dataclasses.replace(root, file=load_divided(root, read_part))`; digest, version and freshness are the root's.

    Args:
        root: what `signing.verify_file` returned.
        read_part: gives the bytes of a part by its digest ("sha256:" + hex), wherever they come from: they are checked
            here. What it raises is passed on: the part could not be read, which is no word against the file.

    Raises:
        PartError: a part breaks a rule of this module.
        DivisionError: the root is not divided, or a part is not the one that the root names.
    """
    division = _division(root.file)
    return _load(root.file, division, range(len(division.parts)), read_part)


def load_partly(root: SignedGovernanceFile, read_part: PartReader, dids: Iterable[Did]) -> GovernanceFile:
    """Return the file with the records of those parts only in which `dids` stand; see `load_divided`.

    `division.parts_for(dids)` says which parts that takes; whoever serves them learns the parts and not the DIDs. On
    such a file "who could count?" (`index.concerning`) cannot be answered and raises `PartMissingError`.
    """
    division = _division(root.file)
    return _load(root.file, division, division.numbers_for(dids), read_part)


def load_unverified(root: GovernanceFile, read_part: PartReader) -> GovernanceFile:
    """Return the whole file that a root nobody vouches for and its parts make; for tools that only look at files.

    Arguments and errors as with `load_divided`.
    """
    division = _division(root)
    return _load(root, division, range(len(division.parts)), read_part)


def _division(root: GovernanceFile) -> Division:
    division = root.division
    if division is None:
        raise DivisionError("expected a divided governance file, found one that is whole")
    if not division.is_whole:
        last = division.ends[-1] if division.ends else 0
        raise DivisionError(f"expected parts of {1 << division.bits} buckets, found parts of {last}")
    return division


def _load(root: GovernanceFile, division: Division, numbers: Iterable[int], read_part: PartReader) -> GovernanceFile:
    reader, joined, loaded = RecordReader(root), _Joined(root), frozenset(numbers)
    with _without_collector():
        for number in sorted(loaded):
            part = division.parts[number]
            content = checked_part(part, read_part(part.digest))  # 1
            try:
                records, listings = _records(content, number, division, reader)
                for record in records:
                    joined.add(record)
                joined.listings += listings
            except RecordError as err:
                raise PartError(f"part {part.digest} of the governance file is refused: {err.message}") from err
    file = replace(
        root,
        participants=tuple(joined.participants.values()),
        accreditations=tuple(joined.accreditations),
        programmes=tuple(joined.programmes),
        verifications=tuple(joined.verifications),
        refusals=tuple(joined.refusals),
        listings=tuple(joined.listings),
        loaded=loaded,
    )
    holds = None if file.is_complete else file.holds
    index = GovernanceIndex(file.accreditations, file.crosswalks, file.participants, holds, by_issuer=joined.by_issuer)
    vars(file)["index"] = index  # where cached_property keeps it: made now, of a table that is there already
    return file


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector from going through what is read, again and again: none of it can form a cycle."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _records(
    part: bytes, number: int, division: Division, reader: RecordReader
) -> tuple[list[ReadRecord], tuple[RegisterEntry, ...]]:
    received = received_records(part)  # 2
    before = ""
    for did in [received_record.key for received_record in received]:
        if did <= before:  # 3
            raise RecordError(f"expected sorted records, each once, found {did[:120]!r} after {before[:120]!r}")
        if division.number_of(did) != number:
            raise RecordError(f"expected records of the buckets of part {number}, found {did[:120]!r}")
        before = did
    listed = [record for record in received if record.register_id is not UNSET]
    if not listed:
        return reader.read(received), ()  # 4
    others = [record for record in received if record.register_id is UNSET]
    return reader.read(others), reader.read_listings(listed)


class _Joined:
    """What was read so far."""

    def __init__(self, root: GovernanceFile) -> None:
        self.participants = {participant.did: participant for participant in root.participants}
        self.accreditations = list(root.accreditations)
        self.by_issuer = dict(root.index.by_issuer) if root.accreditations else {}
        self.programmes = list(root.programmes)
        self.verifications = list(root.verifications)
        self.refusals = list(root.refusals)
        self.listings = list(root.listings)
        self._in_root = _with_record(root)
        self._ids = {accreditation.id for accreditation in root.accreditations}

    def add(self, record: ReadRecord) -> None:
        """Add a record that stands nowhere else."""
        did = record.participant.did
        if did in self._in_root:  # 5
            raise RecordError(f"expected the record of {did} once, found it in the root too")
        expected = len(self._ids) + len(record.accreditations)
        self._ids.update([accreditation.id for accreditation in record.accreditations])
        if len(self._ids) != expected:
            raise RecordError(f"expected each id of an accreditation once, found one of {did} again")
        self.participants[did] = record.participant
        if record.accreditations:
            self.by_issuer[did] = record.accreditations
        self.accreditations += record.accreditations
        self.programmes += record.programmes
        self.verifications += record.verifications
        self.refusals += record.refusals


def _with_record(root: GovernanceFile) -> frozenset[Did]:
    """Return whom the root itself has a record of; a mere mention, as of a recognised authority, is none."""
    described = [
        participant.did
        for participant in root.participants
        if participant.name or participant.roles or participant.alias_dids
    ]
    dids = (
        *(accreditation.issuer for accreditation in root.accreditations),
        *(programme.provider for programme in root.programmes),
        *(verification.verifier for verification in root.verifications),
        *(refusal.applicant for refusal in root.refusals),
    )
    return frozenset((*described, *dids))
