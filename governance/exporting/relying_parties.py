"""Who may ask what, as EUDI wallets read it: the objects `WalletRelyingParty` of TS5, all in one JSON document.

One object for each verifier, one `intendedUse` for each of its verification statements. Source: EUDI TS5, "Common
formats and API for Relying Party Registration information", its OpenAPI description.

TS5 has no place for what a predicate may be asked about, for purposes as words of a closed list, for the places where
they hold, for the law that lets the verifier ask, for whom to appeal to, or for how long answers are kept; the first
goes into `claim`, since to ask about is less than to ask to see. Every loss is named.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from wanderbuch.governance.exporting.export import Export, Loss, json_content, left_out
from wanderbuch.governance.facts.anywhere import begins_at, ends_at
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, normal
from wanderbuch.governance.facts.statements import VerifierAuthorization

FORMAT: Final = "anoncreds"
_SERVICE_PROVIDER: Final = "https://uri.etsi.org/19475/Entitlement/Service_Provider"  # ETSI TS 119 475, annex A
_PRIVACY_POLICY: Final = "privacy-policy"
_DID: Final = "https://www.w3.org/TR/did-1.0/"  # TS5 wants a URI and has none for DIDs
_LANGUAGE: Final = "en"


def relying_parties(file: GovernanceFile) -> Export:
    """Return all verifiers of a file."""
    losses = list(left_out(file, "verifications"))
    if any(one.predicates - one.attributes for one in file.verifications):
        text = "attributes about which only a bound may be asked stand in claim, as if they might be seen"
        losses.append(Loss("predicates", "", text, widens=True))
    if file.verifications:
        text = "for which of employment, study and a regulated profession a use is registered is left out"
        losses.append(Loss("purposes", "", text, widens=True))
    losses += [
        Loss("places", one.id, f"that it is for {', '.join(one.jurisdictions)} is left out")
        for one in file.verifications
    ]
    losses += [
        Loss("legal-basis", one.id, f"its legal basis, {one.legal_basis}, is left out") for one in file.verifications
    ]
    losses += [Loss("redress", one.id, f"whom to appeal to, {one.redress}, is left out") for one in file.verifications]
    losses += [
        Loss("keeps-days", one.id, f"that answers are kept for {one.keeps_days} days is left out", widens=True)
        for one in file.verifications
        if one.keeps_days is not None
    ]
    losses += [
        Loss("break", one.id, "that it held with breaks between its first day and its last is left out", widens=True)
        for one in file.verifications
        if len(normal(one.intervals)) > 1
    ]
    losses += [
        Loss("privacy-policy", one.id, "it names no privacy policy, which TS5 wants")
        for one in file.verifications
        if one.privacy_policy is None
    ]
    text = "whether it is a public body, and which data protection authority supervises it, the file does not say"
    losses.append(Loss("supervision", "", text))
    text = "that names are legal names and that all are service providers is made up: the file does not say it"
    losses.append(Loss("legal-name", "", text))
    verifiers = dict.fromkeys(one.verifier for one in file.verifications)
    losses += [
        Loss("contact", verifier, "the file has no address of it, so its DID stands in supportURI")
        for verifier in verifiers
        if not _contacts(file, verifier)
    ]
    return Export(json_content([relying_party(file, verifier) for verifier in verifiers]), tuple(losses))


def relying_party(file: GovernanceFile, verifier: Did, *, on: DateSpan | None = None) -> dict[str, Any]:
    """Return one verifier.

    Args:
        file: with all its parts.
        verifier: which.
        on: the days that it is now: a use with breaks is told as it holds then. None: from its first day to its last,
            in a list whose losses are named beside.
    """
    name, contacts = file.participant_name(verifier) or str(verifier), _contacts(file, verifier)
    return {
        "identifier": [{"type": _DID, "identifier": str(verifier)}],
        "legalPerson": {"legalName": [name]},
        "infoURI": contacts[:1],
        "tradeName": name,
        "entitlements": [_SERVICE_PROVIDER],
        "isIntermediary": False,
        "srvDescription": [[{"lang": _LANGUAGE, "content": name}]],
        "supportURI": contacts[0] if contacts else str(verifier),
        "intendedUse": [_use(one, on) for one in file.verifications_of(verifier)],
    }


def _contacts(file: GovernanceFile, verifier: Did) -> list[str]:
    """Return the addresses of a verifier, its website first."""
    known = file.index.participants.get(verifier)
    return [] if known is None else [text for text in (known.website, known.email and f"mailto:{known.email}") if text]


def _use(given: VerifierAuthorization, on: DateSpan | None) -> dict[str, Any]:
    spans = normal(given.intervals)
    told = DateSpan(spans[0].first, spans[-1].last) if on is None else _span_on(spans, on)
    aim = given.aim or ", ".join(purpose.value for purpose in given.purposes)
    use: dict[str, Any] = {
        "intendedUseIdentifier": given.id,
        "purpose": [{"lang": _LANGUAGE, "content": aim}],
        "privacyPolicy": list(_policies(given)),
        "createdAt": _text(begins_at(told.first)),
        "credential": [
            {
                "format": FORMAT,
                "meta": given.credential_type,
                "claim": [{"path": name} for name in sorted(given.attributes | given.predicates)],
            }
        ],
    }
    return use if told.last == OPEN_END else use | {"revokedAt": _text(ends_at(told.last))}


def _span_on(spans: Sequence[DateSpan], on: DateSpan) -> DateSpan:
    """Return the span that holds on a day; else the last one that has ended, else the first that comes."""
    holds = [span for span in spans if span.first <= on.last and on.first <= span.last]
    over = [span for span in spans if span.last < on.first]
    return (holds or over[-1:] or list(spans))[0]


def _policies(given: VerifierAuthorization) -> Iterator[dict[str, str]]:
    if given.privacy_policy is not None:
        yield {"type": _PRIVACY_POLICY, "policyURI": given.privacy_policy}


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
