"""Where it is found whether a credential was revoked: for every format.

A *status* is a list by which credentials are revoked, a text with its format in front (`format_ids`):

    anoncreds:<id of a revocation registry>               anoncreds:did:webvh:…/resources/zQm…
    statuslist:<https address>                            statuslist:https://centre.example/status/7

Sources: AnonCreds 1.0; did:indy 1.0, §5 (object identifiers); Token Status List §6.
"""

import re
from typing import ClassVar, Final, Self

from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.governance.facts.format_ids import (
    ANONCREDS,
    MAX_LENGTH,
    START,
    AnonCredsObjectId,
    FormatId,
    check_anoncreds,
    hint_for,
    is_bare,
    is_registry,
    shown,
)
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.indy import IndyDid, IndyId

_STATUS_LIST: Final = re.compile(r"https://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?/[!-:<-{}~]{0,700}")


class StatusId(FormatId):
    """A list by which credentials are revoked. Made by `parse`; `AnonCredsStatus.of` takes what is parsed already."""

    __slots__ = ()

    expected = "a status such as anoncreds:did:webvh:…/resources/… or statuslist:https://…"
    called: ClassVar[str] = "status list"

    @classmethod
    def parse(cls, text: object) -> "StatusId":
        """Return `text` as a status.

        Raises:
            IdentifierError: it is not one.
        """
        if not isinstance(text, str) or len(text) > MAX_LENGTH:
            raise IdentifierError(f"expected {cls.expected}, found {shown(text)}")
        if text.startswith(ANONCREDS):
            check_anoncreds(text, RevRegDefId, "id of a revocation registry")
            return AnonCredsStatus(text)
        if not text.startswith("statuslist:"):
            raise IdentifierError(f"expected {cls.expected}, found {shown(text)}", hint=hint_for(text))
        if not _STATUS_LIST.fullmatch(text, len("statuslist:")):
            raise IdentifierError(f"expected statuslist:https://<host>/<path>, found {shown(text)}")
        return ListedStatus(text)

    @classmethod
    def written(cls, text: object) -> "StatusId":
        """Return a status as somebody wrote it in a list or a form: of AnonCreds the id alone will do.

        Raises:
            IdentifierError: it is neither.
        """
        return cls.parse(f"{ANONCREDS}{text}" if is_bare(text, is_registry) else text)


class AnonCredsStatus(AnonCredsObjectId, StatusId):
    """A revocation registry."""

    __slots__ = ()

    called = "revocation registry"

    @classmethod
    def of(cls, registry: RevRegDefId) -> Self:
        """Return the status that is a revocation registry of ours; nothing is looked at again."""
        return cls(ANONCREDS + registry)

    @property
    def registry(self) -> RevRegDefId:
        """The revocation registry."""
        return RevRegDefId(self[START:])

    def named_by(self, did: Did) -> "AnonCredsStatus":
        """Return the same registry, on an Indy ledger, as `did`, another name of its publisher, names it."""
        return AnonCredsStatus(ANONCREDS + IndyId.parse(self[START:]).named_by(IndyDid.parse(did)).text)


class ListedStatus(StatusId):
    """A status list at an address. Its signature, not its address, says whose it is: the format's adapter checks it."""

    __slots__ = ()

    @property
    def owner(self) -> None:
        """Nobody by its name."""
        return None
