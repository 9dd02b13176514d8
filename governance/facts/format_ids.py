"""Texts that begin with the format they belong to, so that a decision compares texts and knows no format.

Sources (`sources`) and statuses (`statuses`) are such texts. Only `parse` makes one from outside text; it takes a few
microseconds, and files are parsed once when they are read. Rules only compare them, and ask `is_of_another`.

AnonCreds names both by ids of its own, so what both forms share of it stands here.
"""

import re
from typing import Any, ClassVar, Final

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, issuer_of
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.indy import IndyId, Kind

ANONCREDS: Final = "anoncreds:"
START: Final = len(ANONCREDS)
MAX_LENGTH: Final = 1024

# Tags on ledgers may have spaces and ";", which divides lists of sources.
_LISTABLE: Final = re.compile(r"[A-Za-z0-9._:/-]{1,1024}")


class FormatId(str):
    """A text that begins with its format."""

    __slots__ = ()

    expected: ClassVar[str]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Let records that are kept as JSON hold one; it is parsed again when it is read."""

        def parse(text: object) -> "FormatId":
            try:
                return cls.parse(text)
            except IdentifierError as err:
                raise PydanticCustomError("identifier", "expected {expected}", {"expected": cls.expected}) from err

        return core_schema.no_info_plain_validator_function(parse)

    @classmethod
    def parse(cls, text: object) -> "FormatId":
        """Return `text` in the type of its format.

        Raises:
            IdentifierError: it is none.
        """
        raise NotImplementedError

    @property
    def owner(self) -> Did | None:
        """The DID that it names, None if it names none: then the file alone says whose it is."""
        raise NotImplementedError

    def is_of_another(self, party: Did) -> bool:
        """Whether it names another DID than that of `party`."""
        owner = self.owner
        return owner is not None and owner != party


class AnonCredsObjectId(FormatId):
    """A text that names, after its format, an object of AnonCreds by its id."""

    __slots__ = ()

    @property
    def owner(self) -> Did:
        """The DID that publishes it."""
        return issuer_of(self[START:])

    def is_of_another(self, party: Did) -> bool:
        """See `FormatId`; quick for the form that nearly all have."""
        return not self.startswith(party + "/", START) and self.owner != party


def check_anoncreds(text: str, kind: type[CredDefId] | type[RevRegDefId], what: str) -> None:
    """Refuse a text that begins with `anoncreds:` and goes on with no id of this kind, which people call `what`."""
    try:
        kind.parse(text[START:])
    except IdentifierError as err:
        raise IdentifierError(f"expected anoncreds:<{what}>, {err.message.removeprefix('expected ')}") from err
    if "/resources/" not in text and not _LISTABLE.fullmatch(text):
        raise IdentifierError(f"expected anoncreds:<{what}> without spaces, found {shown(text)}")


def is_bare(text: object, holds: Any) -> bool:
    """Return whether a text is an id of AnonCreds as `holds` tells, without the format before it."""
    return isinstance(text, str) and len(text) <= MAX_LENGTH and holds(text)


def is_cred_def(text: str) -> bool:
    """Return whether a text is the id of a credential definition, or of whatever a DID publishes."""
    return text.startswith("did:") or _is_old(text, Kind.CRED_DEF)


def is_registry(text: str) -> bool:
    """Return whether a text is the id of a revocation registry, or of whatever a DID publishes."""
    return text.startswith("did:") or _is_old(text, Kind.REV_REG_DEF)


def _is_old(text: str, kind: Kind) -> bool:
    try:
        return IndyId.parse(text).kind is kind
    except IdentifierError:
        return False


def hint_for(text: str) -> str | None:
    """Return what to do about a text that has no known format before it."""
    if is_cred_def(text) or is_registry(text):
        return f"write {ANONCREDS} before the id"
    return None


def shown(text: object) -> str:
    """Return a text as a message shows it."""
    return repr(text)[:160]
