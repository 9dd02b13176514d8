"""Identifiers on Indy ledgers, parsed once: those of did:indy, and the old ones without a method or with did:sov.

    did:indy:<namespace>:<id>                                             <id> or did:sov:<id>
    did:indy:<namespace>:<id>/anoncreds/v0/SCHEMA/<name>/<version>        <id>:2:<name>:<version>
    …/anoncreds/v0/CLAIM_DEF/<schema number>/<tag>                        <id>:3:CL:<schema number>:<tag>
    …/anoncreds/v0/REV_REG_DEF/<schema number>/<tag>/<registry tag>       <id>:4:<cred def id>:CL_ACCUM:<registry tag>

An object has both names on its ledger, which itself knows the old one. An old name does not say which ledger it is on:
who reads it says which, in `OldNames`, or the two are never taken for one.

Source: Indy DID Method 1.0, §§ "DID Syntax" and "Other Indy Ledger Object Identifiers".
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from wanderbuch.governance.facts.identifiers import IdentifierError

NAMESPACE: Final = r"[a-z][a-z0-9_-]{0,62}(?::[a-z][a-z0-9_-]{0,62})?"
_NYM: Final = r"[1-9A-HJ-NP-Za-km-z]{21,22}"
_WORD: Final = r"[^:/\x00-\x1f\x7f]{1,256}"
_NUMBER: Final = r"[1-9][0-9]{0,17}"
_MAX_LENGTH: Final = 1024

_DID: Final = re.compile(rf"(?:did:indy:(?P<namespace>{NAMESPACE}):|did:sov:)?(?P<nym>{_NYM})")
_NEW: Final = re.compile(
    rf"did:indy:(?P<namespace>{NAMESPACE}):(?P<nym>{_NYM})/anoncreds/v0/(?:"
    rf"SCHEMA/(?P<name>{_WORD})/(?P<version>{_WORD})|CLAIM_DEF/(?P<number>{_NUMBER})/(?P<tag>{_WORD})|"
    rf"REV_REG_DEF/(?P<of>{_NUMBER})/(?P<of_tag>{_WORD})/(?P<registry>{_WORD}))"
)
_OLD: Final = re.compile(
    rf"(?P<nym>{_NYM}):(?:2:(?P<name>{_WORD}):(?P<version>{_WORD})|3:CL:(?P<number>{_NUMBER}):(?P<tag>{_WORD})|"
    rf"4:(?P=nym):3:CL:(?P<of>{_NUMBER}):(?P<of_tag>{_WORD}):CL_ACCUM:(?P<registry>{_WORD}))"
)
SUPPORTED: Final = re.compile(rf"^(?:{_DID.pattern.replace('?P<', '?P<did_')}|did:indy:.+|{_NYM}:[234]:.+)$")
"""What the registry is asked about: everything that looks like Indy's, so that a wrong one is told why."""


class Kind(StrEnum):
    """What an object is, by its word in did:indy."""

    SCHEMA = "SCHEMA"
    CRED_DEF = "CLAIM_DEF"
    REV_REG_DEF = "REV_REG_DEF"


@dataclass(frozen=True, slots=True)
class IndyDid:
    """A DID on an Indy ledger.

    Args:
        text: as it was written; objects of this DID are named in the same way.
        namespace: its ledger; None where the old form does not say it.
        nym: what the ledger calls it.
    """

    text: str
    namespace: str | None
    nym: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return `text` as a DID.

        Raises:
            IdentifierError: it is none of an Indy ledger.
        """
        match = _DID.fullmatch(text) if isinstance(text, str) and len(text) <= _MAX_LENGTH else None
        if match is None or not isinstance(text, str):
            raise IdentifierError(f"expected did:indy:<namespace>:<id> or did:sov:<id>, found {repr(text)[:80]}")
        return cls(text, match["namespace"], match["nym"])

    def schema(self, name: str, version: str) -> "IndyId":
        """Return the id of a schema of this DID; errors as with `IndyId.parse`."""
        return IndyId.parse(self._named(f"SCHEMA/{name}/{version}", f"2:{name}:{version}"))

    def cred_def(self, schema_number: int, tag: str) -> "IndyId":
        """Return the id of a credential definition of this DID."""
        return IndyId.parse(self._named(f"CLAIM_DEF/{schema_number}/{tag}", f"3:CL:{schema_number}:{tag}"))

    def registry(self, cred_def: "IndyId", tag: str) -> "IndyId":
        """Return the id of a revocation registry of a credential definition of this DID."""
        new = f"REV_REG_DEF/{cred_def.schema_number}/{cred_def.tag}/{tag}"
        return IndyId.parse(self._named(new, f"4:{cred_def.old}:CL_ACCUM:{tag}"))

    def _named(self, new: str, old: str) -> str:
        return f"{self.nym}:{old}" if self.namespace is None else f"{self.text}/anoncreds/v0/{new}"


@dataclass(frozen=True, slots=True)
class IndyId:
    """The id of an object on an Indy ledger.

    Args:
        text: as it was written.
        issuer: who published it.
        kind: what it is.
        old: what the ledger calls it.
        schema_number: of a credential definition or registry: the ledger's number of the schema.
        tag: of a credential definition, or the one that a registry belongs to.
    """

    text: str
    issuer: IndyDid
    kind: Kind
    old: str
    schema_number: int | None = None
    tag: str | None = None

    @classmethod
    def parse(cls, text: object, kind: Kind | None = None) -> Self:
        """Return `text` as the id of an object, of that kind if one is given.

        Raises:
            IdentifierError: it is not.
        """
        match = None
        if isinstance(text, str) and len(text) <= _MAX_LENGTH:
            match = _NEW.fullmatch(text) or _OLD.fullmatch(text)
        if match is None or not isinstance(text, str):
            what = kind.value if kind else "object"
            raise IdentifierError(f"expected the id of a {what} on an Indy ledger, found {repr(text)[:120]}")
        parts = match.groupdict()
        nym, namespace = parts["nym"], parts.get("namespace")
        issuer = IndyDid(nym if namespace is None else f"did:indy:{namespace}:{nym}", namespace, nym)
        if parts["name"] is not None:
            made = cls(text, issuer, Kind.SCHEMA, f"{nym}:2:{parts['name']}:{parts['version']}")
        elif parts["number"] is not None:
            number, tag = parts["number"], parts["tag"]
            made = cls(text, issuer, Kind.CRED_DEF, f"{nym}:3:CL:{number}:{tag}", int(number), tag)
        else:
            number, tag = parts["of"], parts["of_tag"]
            old = f"{nym}:4:{nym}:3:CL:{number}:{tag}:CL_ACCUM:{parts['registry']}"
            made = cls(text, issuer, Kind.REV_REG_DEF, old, int(number), tag)
        if kind is not None and made.kind is not kind:
            raise IdentifierError(f"expected the id of a {kind.value}, found that of a {made.kind.value}: {text[:120]}")
        return made

    @property
    def cred_def(self) -> "IndyId":
        """Of a registry: its credential definition."""
        if self.schema_number is None or self.tag is None:
            raise IdentifierError(f"{self.text[:120]} is a schema, and has no credential definition")
        return self.issuer.cred_def(self.schema_number, self.tag)

    def named_by(self, issuer: IndyDid) -> "IndyId":
        """Return the same object as `issuer`, another way to write its issuer, names it."""
        if self.kind is Kind.SCHEMA:
            _, _, name, version = self.old.split(":")
            return issuer.schema(name, version)
        if self.schema_number is None or self.tag is None:
            raise IdentifierError(f"{self.text[:120]} has no schema")
        definition = issuer.cred_def(self.schema_number, self.tag)
        return definition if self.kind is Kind.CRED_DEF else issuer.registry(definition, self.old.rpartition(":")[2])


ON_LEDGERS: Final = ("did:indy:", "did:sov:")
"""How DIDs on Indy ledgers begin in a governance file."""


def ledger_name(did: str) -> str | None:
    """Return what ledgers call a DID; None if it is on none.

    >>> ledger_name("did:indy:sovrin:staging:V4SGRU86Z58d6TV7PBUe6f"), ledger_name("did:web:example.org")
    ('V4SGRU86Z58d6TV7PBUe6f', None)
    """
    return did.rpartition(":")[2] if did.startswith(ON_LEDGERS) else None


def may_be_one(first: str, second: str) -> bool:
    """Return whether two DIDs may be two names of one: did:sov names no ledger, so it may be that of any did:indy.

    >>> may_be_one("did:sov:V4SGRU86Z58d6TV7PBUe6f", "did:indy:sovrin:V4SGRU86Z58d6TV7PBUe6f")
    True
    >>> may_be_one("did:indy:idunion:V4SGRU86Z58d6TV7PBUe6f", "did:indy:sovrin:V4SGRU86Z58d6TV7PBUe6f")
    False
    """
    name = ledger_name(first)
    if name is None or first == second or name != ledger_name(second):
        return False
    return first.startswith("did:sov:") or second.startswith("did:sov:")


def told_with(did: str) -> tuple[str, ...]:
    """Return under which names something may be said that binds a DID, as far as they can be told from it.

    >>> told_with("did:indy:sovrin:V4SGRU86Z58d6TV7PBUe6f")
    ('did:indy:sovrin:V4SGRU86Z58d6TV7PBUe6f', 'did:sov:V4SGRU86Z58d6TV7PBUe6f')
    """
    return (did, f"did:sov:{ledger_name(did)}") if did.startswith("did:indy:") else (did,)


@dataclass(frozen=True, slots=True)
class OldNames:
    """Which ledger old names are on, as far as whoever reads them knows.

    Args:
        namespace: of that ledger; None: nobody said, so an old name is equal to itself alone.
    """

    namespace: str | None = None

    def of(self, text: str) -> tuple[str, ...]:
        """Return all names of an object of AnonCreds, the given one first; only what is on that ledger has two."""
        if self.namespace is None or text.startswith("did:webvh:"):
            return (text,)
        try:
            parsed = IndyId.parse(text)
        except IdentifierError:
            return (text,)
        nym = parsed.issuer.nym
        if parsed.issuer.namespace is None:
            return (text, parsed.named_by(IndyDid(f"did:indy:{self.namespace}:{nym}", self.namespace, nym)).text)
        return (text, parsed.old) if parsed.issuer.namespace == self.namespace else (text,)


UNKNOWN_LEDGER: Final = OldNames()
"""Old names are not on any ledger that is known."""
