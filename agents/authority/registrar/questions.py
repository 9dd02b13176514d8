"""What is asked of the registrar, and what the file says to it. Pure.

Names of parameters and members are those of EUDI TS5, "Common formats and API for Relying Party Registration
information", its OpenAPI description v1.

1. Every parameter is known, comes once and has a value: one that was misspelt would list everybody.
2. All filters hold for one relying party; those about a credential for one credential, those about a use for one use.
   Texts are compared whole and without case; identifiers and addresses exactly.
3. A list is in the order of identifiers. The cursor is the last identifier of the page before, so a new version of the
   file in between shows nobody twice.
4. A use is registered if it is in force at that instant and fits everything that was asked at once. A claim about which
   only a bound may be asked is not registered as one that may be seen (TS5 has no word for it): `details` says so.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from multidict import MultiMapping

from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.exporting.relying_parties import FORMAT, relying_party
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import touches
from wanderbuch.governance.facts.statements import VerifierAuthorization

MAX_PAGE: Final = 100
_PAGE: Final = 20  # the default of TS5
_MAX_VALUE: Final = 2000
_TRUTH: Final = {"true": True, "false": False}

type Party = Mapping[str, Any]
"""A `WalletRelyingParty`."""


@dataclass(frozen=True, slots=True)
class PartyPage:
    """A part of the relying parties; `next_cursor` is None where they end."""

    parties: Sequence[Party]
    next_cursor: str | None


class RelyingParties:
    """The verifiers of one file, by DID.

    Args:
        file: with all its parts.
        on: the days that it is now; uses are told as they hold then.
    """

    def __init__(self, file: GovernanceFile, on: DateSpan) -> None:
        self.file = file
        self.on = on
        self._parties: dict[str, Party] = {
            did: relying_party(file, did, on=on) for did in sorted({one.verifier for one in file.verifications})
        }

    def find(self, identifier: str) -> Party | None:
        """Return one of them."""
        return self._parties.get(identifier)

    def page(self, query: MultiMapping[str]) -> PartyPage:
        """Return those that fit a query.

        Raises:
            MalformedError: the query is none.
        """
        told = _told(query, {*_FILTERS, "limit", "cursor"})
        limit, after = _limit(told.get("limit")), _after(told.get("cursor"))
        wanted = {name: value for name, value in told.items() if name in _FILTERS}
        if "isintermediary" in wanted and wanted["isintermediary"] not in _TRUTH:
            raise MalformedError("expected isintermediary to be true or false")
        fitting = (did for did, party in self._parties.items() if did > after and _fits(party, wanted))
        page = [did for did, _ in zip(fitting, range(limit + 1), strict=False)]
        cursor = _cursor(page[limit - 1]) if len(page) > limit else None
        return PartyPage([self._parties[did] for did in page[:limit]], cursor)

    def check(self, query: MultiMapping[str], at: datetime) -> tuple[bool, str] | None:
        """Return whether a use is registered at an instant, and why; None: that relying party is not known.

        Raises:
            MalformedError: the query is none.
        """
        told = _told(query, {"rpidentifier", *_OF_A_USE})
        if "rpidentifier" not in told:
            raise MalformedError("expected the parameter rpidentifier")
        if len(told) == 1:
            raise MalformedError(f"expected what to check, one of {', '.join(sorted(_OF_A_USE))}")
        try:
            verifier = Did.parse(told["rpidentifier"])
        except IdentifierError:
            return None
        uses = self.file.verifications_of(verifier)
        return _checked(uses, told, at) if uses else None


def _told(query: MultiMapping[str], known: set[str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for name, value in query.items():  # 1
        if name not in known:
            raise MalformedError(f"unknown query parameter; allowed: {', '.join(sorted(known))}")
        if name in told or not 0 < len(value) <= _MAX_VALUE:
            raise MalformedError(f"expected {name} once, with 1 to {_MAX_VALUE} characters")
        told[name] = value
    return told


def _limit(text: str | None) -> int:
    limit = int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 4 else 0
    if text is not None and not 1 <= limit <= MAX_PAGE:
        raise MalformedError(f"expected a limit from 1 to {MAX_PAGE}")
    return limit or _PAGE


def _cursor(identifier: str) -> str:
    return base64.urlsafe_b64encode(identifier.encode()).rstrip(b"=").decode()


def _after(cursor: str | None) -> str:
    try:
        return (
            "" if cursor is None else base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        )
    except (binascii.Error, UnicodeError) as err:
        raise MalformedError("expected a cursor of a page before") from err


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _uses(party: Party) -> Sequence[Mapping[str, Any]]:
    uses: Sequence[Mapping[str, Any]] = party["intendedUse"]
    return uses


def _credentials(party: Party) -> Iterator[Mapping[str, Any]]:
    return (credential for use in _uses(party) for credential in use["credential"])


_FILTERS: Final[Mapping[str, Callable[[Party, str], bool]]] = {
    "identifier": lambda party, value: any(one["identifier"] == value for one in party["identifier"]),
    "legalname": lambda party, value: any(_same(name, value) for name in party["legalPerson"]["legalName"]),
    "tradename": lambda party, value: _same(party["tradeName"], value),
    "policy": lambda party, value: any(value in one.values() for use in _uses(party) for one in use["privacyPolicy"]),
    "entitlement": lambda party, value: value in party["entitlements"],
    "credentialmeta": lambda party, value: any(one["meta"] == value for one in _credentials(party)),
    "credentialformat": lambda party, value: any(one["format"] == value for one in _credentials(party)),
    "usesintermediary": lambda party, value: False,  # the file names none
    "isintermediary": lambda party, value: party["isIntermediary"] is _TRUTH[value],
    "intendeduseidentifier": lambda party, value: any(use["intendedUseIdentifier"] == value for use in _uses(party)),
}
"""What a list can be narrowed by; there is one format, so `credentialmeta` and `credentialformat` hold together."""


def _fits(party: Party, wanted: Mapping[str, str]) -> bool:
    return all(_FILTERS[name](party, value) for name, value in wanted.items())  # 2


_OF_A_USE: Final[Mapping[str, Callable[[VerifierAuthorization, str], bool]]] = {
    "intendeduseidentifier": lambda use, value: use.id == value,
    "credentialformat": lambda use, value: value == FORMAT,
    "credentialmeta": lambda use, value: use.credential_type == value,
    "policyurl": lambda use, value: use.privacy_policy == value,
    "claimpath": lambda use, value: value in use.attributes,
}


def _checked(uses: Sequence[VerifierAuthorization], told: Mapping[str, str], at: datetime) -> tuple[bool, str]:
    today, asked = days_anywhere(at), {name: value for name, value in told.items() if name in _OF_A_USE}
    fitting = [use for use in uses if all(_OF_A_USE[name](use, value) for name, value in asked.items())]  # 4
    in_force = [use.id for use in fitting if touches(use.intervals, today)]
    if in_force:
        return True, f"registered: {', '.join(sorted(in_force))}"
    if fitting:
        return False, f"not in force now: {', '.join(sorted(use.id for use in fitting))}"
    claim = asked.get("claimpath")
    if claim is not None and any(claim in use.predicates for use in uses):
        return False, f"{claim} may not be seen; that a bound holds for it may be proven"
    return False, "no intended use fits all of that"
