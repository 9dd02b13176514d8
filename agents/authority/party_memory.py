"""What one authority remembers of the files of others that it has signed as a party (`party_signing`).

Where a file lies is said by its payload, which its author alone can write. Who has stolen the author's key, and that is
what several signatures are against, could therefore hold an older version up to us from a place of their own: what was
decided since would then not be among the changes. So of each author and file we remember the highest version that we
signed, which bytes, where it lay and what was in force then; none of it goes when the file that was brought is removed.

What is certainly wrong is refused. What may be right is a `Doubt`: an approver says of each that they looked into it.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Self

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.signed.jws import read_jws
from wanderbuch.governance.signed.signing import FILE_TYP, MAX_JWS_BYTES, SignedGovernanceFile, digest_of
from wanderbuch.store.records import Record

_HINT: Final = "ask that authority, by a way that you know, what is to be signed now"


class Doubt(StrEnum):
    """Why what would be signed may not be what it seems."""

    ADDRESS_NEW = "address_new"  # nobody here knows yet where this file lies
    ADDRESS_OTHER = "address_other"  # it lay somewhere else
    SIGNED_OTHER = "signed_other"  # another file with this version's number was signed here
    IN_FORCE_OTHER = "in_force_other"  # what is in force is another file than what was seen with its number


class SignedAsParty(Record):
    """That somebody signed (at `created_at`); it stays when the file is removed.

    Args:
        name: of the file, as it says itself.
        digest: of the payload that was signed.
        signed_by: id of an official.
    """

    category: ClassVar[str] = "wanderbuch.authority-party-signed"

    author: str
    file_id: str
    name: str
    version: int
    digest: str
    address: str
    signed_by: str


class PartyMemory(Record):
    """What was signed last of one author's file; its id follows from the two.

    Args:
        version: the highest that was signed here.
        digests: of the payloads of that version which were signed here.
        address: where the file lay then.
        in_force: the highest version that was seen in force while signing; 0: none.
        in_force_digest: of that version's payload.
    """

    category: ClassVar[str] = "wanderbuch.authority-party-memory"
    is_listed: ClassVar[bool] = False

    version: int
    digests: tuple[str, ...]
    address: str
    in_force: int = 0
    in_force_digest: str = ""

    @staticmethod
    def id_of(file: GovernanceFile) -> str:
        """Return the id of what is remembered of a file in all its versions."""
        return hashlib.sha256(json.dumps([file.author, file.id]).encode()).hexdigest()

    @classmethod
    def after(
        cls,
        now: Self | None,
        file: GovernanceFile,
        digest: str,
        address: str,
        before: SignedGovernanceFile | None,
        at: datetime,
    ) -> Self:
        """Return what is remembered once `file` is signed, which `refuse_older` let through."""
        same = () if now is None or now.version < file.version else now.digests
        return cls(
            id=cls.id_of(file),
            created_at=at,
            version=file.version,
            digests=(*(one for one in same if one != digest), digest),
            address=address,
            in_force=0 if before is None else before.file.version,
            in_force_digest=payload_digest(before),
        )

    def refuse_older(self, file: GovernanceFile, before: SignedGovernanceFile | None) -> None:
        """Refuse a version below what we signed, and one that is compared with less than we know was in force.

        Raises:
            RefusedError: it is one of these.
        """
        if file.version < self.version:
            raise RefusedError(
                f"expected version {self.version}, which this authority signed last, or a later one, "
                f"found {file.version}",
                hint=_HINT,
            )
        current = 0 if before is None else before.file.version
        if current < (least := self.in_force if file.version == self.version else self.version):
            raise RefusedError(
                f"expected version {least} or a later one in force, as this authority knows it, "
                f"found {current or 'none'}: an older version may be held up to you",
                hint=_HINT,
            )

    def doubts(self, file: GovernanceFile, digest: str, before: SignedGovernanceFile | None) -> Sequence[Doubt]:
        """Return what somebody has to look into, beside the address."""
        doubts = []
        if file.version == self.version and any(one != digest for one in self.digests):
            doubts.append(Doubt.SIGNED_OTHER)
        if before is not None:
            number, seen = before.file.version, payload_digest(before)
            is_ours = number != self.version or seen in self.digests
            if not is_ours or (number == self.in_force and seen != self.in_force_digest):
                doubts.append(Doubt.IN_FORCE_OTHER)
        return doubts


def doubts_of(
    memory: PartyMemory | None,
    file: GovernanceFile,
    digest: str,
    address: str,
    before: SignedGovernanceFile | None,
    own: GovernanceFile | None,
) -> tuple[Doubt, ...]:
    """Return what somebody has to look into before they sign.

    Args:
        memory: of this author's file; None: nothing of it was signed here.
        file: what would be signed.
        digest: of its payload.
        address: where it says that it lies.
        before: what lies there.
        own: our own file, which may say where the author's lies.

    Raises:
        RefusedError: it, or what lies there, is older than what we know.
    """
    if memory is not None:
        memory.refuse_older(file, before)
    known = known_addresses(memory, file.author, own)
    about = () if address in known else (Doubt.ADDRESS_OTHER if known else Doubt.ADDRESS_NEW,)
    return (*about, *(() if memory is None else memory.doubts(file, digest, before)))


def known_addresses(memory: PartyMemory | None, author: Did, own: GovernanceFile | None) -> tuple[str, ...]:
    """Return where the file lay when it was signed, and where our own file says that this author's lies."""
    listed = [] if own is None else [one.uri for one in own.trusted_governance if one.publisher == author]
    return tuple(dict.fromkeys([*([] if memory is None else [memory.address]), *listed]))


def payload_digest(signed: SignedGovernanceFile | None) -> str:
    """Name the bytes that all sign: who signed, and how many, may change while they stay."""
    if signed is None:
        return ""
    return digest_of(read_jws(signed.jws, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES).unverified_payload)
