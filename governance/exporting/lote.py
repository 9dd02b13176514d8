"""ETSI TS 119 602 V1.1.1, JSON binding: the file as a List of Trusted Entities (LoTE).

Each accredited participant is a trusted entity, each accreditation a service with its status and history. The scope
stands in `ServiceInformationExtensions`, which other readers may overlook. The binding wants a postal address and a
page for each entity, which a governance file does not hold: what had to be made up says so, and is a loss.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from wanderbuch.governance.exporting.export import Export, Loss, exclusions_of, json_content, left_out, times_in_force
from wanderbuch.governance.facts.anywhere import begins_at
from wanderbuch.governance.facts.file import Accreditation, GovernanceFile, Participant
from wanderbuch.governance.form.model import PROFILE_STATEMENTS

LOTE_VERSION: Final = 1
LONGEST_UPDATE: Final = timedelta(days=183)  # a list is renewed at least every six months
_GRANTED: Final = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted"
_WITHDRAWN: Final = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/withdrawn"
_SERVICE_TYPE: Final = PROFILE_STATEMENTS + "service/issue/"
_LIST_TYPE: Final = PROFILE_STATEMENTS + "lote/accredited-issuers"
_UNKNOWN_COUNTRY: Final = "ZZ"  # ISO 3166-1: for users to assign; CLDR's "unknown region"
_NOT_STATED: Final = "not stated"


def list_of_trusted_entities(
    file: GovernanceFile, *, at: datetime, next_update: timedelta, language: str = "en"
) -> Export:
    """Return the list, unsigned (a published one is a JAdES signature over it).

    Args:
        file: what is told.
        at: the instant of the export, aware.
        next_update: after how long readers should look for a newer list; at most `LONGEST_UPDATE`.
        language: language of the names (BCP 47).
    """
    losses = list(left_out(file))
    author = next((participant for participant in file.participants if participant.did == file.author), None)
    exclusions = exclusions_of(file)
    entities = []
    for participant in file.participants:
        services: list[dict[str, Any]] = []
        for accreditation in file.index.by_issuer.get(participant.did, ()):
            services += _services(accreditation, exclusions.get(participant.did, ()), at, language, losses)
        if services:
            entities.append(
                {
                    "TrustedEntityInformation": _entity(participant, file, language),
                    "TrustedEntityServices": services,
                }
            )
            text = f"the postal address of {participant.name or participant.did} is made up: the file has none"
            losses.append(Loss("entity.address", participant.did, text))
    information: dict[str, Any] = {
        "LoTEVersionIdentifier": LOTE_VERSION,
        "LoTESequenceNumber": file.version,
        "LoTEType": _LIST_TYPE,
        "SchemeOperatorName": _texts((author and author.name) or file.name, language),
        "SchemeName": _texts(file.name, language),
        **({"SchemeInformationURI": _addresses(file.docs_uri, language)} if file.docs_uri else {}),
        "ListIssueDateTime": _instant(at),
        "NextUpdate": _instant(at + min(next_update, LONGEST_UPDATE)),
    }
    document: dict[str, Any] = {"ListAndSchemeInformation": information}
    if entities:
        document["TrustedEntitiesList"] = entities
    else:
        losses.append(Loss("entities.none", "", "nobody is accredited, so the list has no entities"))
    losses.append(Loss("unsigned", "", "the list is unsigned; ETSI wants a JAdES signature with a certificate"))
    return Export(json_content({"LoTE": document}), tuple(losses))


def _entity(participant: Participant, file: GovernanceFile, language: str) -> dict[str, Any]:
    page = participant.website or file.docs_uri or participant.did
    reached = f"mailto:{participant.email}" if participant.email else page
    return {
        "TEName": _texts(participant.name or participant.did, language),
        "TEAddress": {
            "TEPostalAddress": [{"lang": language, "StreetAddress": _NOT_STATED, "Country": _UNKNOWN_COUNTRY}],
            "TEElectronicAddress": _addresses(reached, language),
        },
        "TEInformationURI": _addresses(page, language),
    }


def _services(
    given: Accreditation, excluded: tuple[str, ...], at: datetime, language: str, losses: list[Loss]
) -> Iterator[dict[str, Any]]:
    """Yield a service for each credential type, the newest status first and the others as its history."""
    states = _states(given, at)
    if not states:
        losses.append(Loss("accreditation.not-begun", given.id, f"{given.id} has not begun, and is left out"))
        return
    text = f"the scope of {given.id} is an extension, which other readers may overlook"
    losses.append(Loss("accreditation.scope", given.id, text, widens=True))
    if given.lapses:
        text = f"that {given.id} counts for earlier awards from certain status lists only is not told"
        losses.append(Loss("accreditation.statuses", given.id, text, widens=True))
    for credential_type in given.credential_types:
        service: dict[str, Any] = {
            "ServiceName": _texts(given.title or given.id, language),
            "ServiceDigitalIdentity": {"OtherIds": [given.issuer, *given.sources]},
            "ServiceTypeIdentifier": _SERVICE_TYPE + credential_type,
        }
        (status, since), earlier = states[0], states[1:]
        information = {
            **service,
            "ServiceStatus": status,
            "StatusStartingTime": _instant(since),
            "ServiceDefinitionURI": _addresses(given.decision, language),
            "ServiceInformationExtensions": [_scope(given, excluded)],
        }
        history = [{**service, "ServiceStatus": state, "StatusStartingTime": _instant(on)} for state, on in earlier]
        yield {"ServiceInformation": information, **({"ServiceHistory": history} if history else {})}


def _states(given: Accreditation, at: datetime) -> list[tuple[str, datetime]]:
    """Return granted and withdrawn with when each begins, the newest first; what is still to come is left out."""
    states: list[tuple[str, datetime]] = []
    for _, begins, ends in times_in_force(given):
        states.append((_GRANTED, begins))
        if ends is not None:
            states.append((_WITHDRAWN, ends))
    if not states:  # it never counted
        states = [(_WITHDRAWN, begins_at(given.intervals[0].first))]
    return [(status, since) for status, since in reversed(states) if since <= at]


def _scope(given: Accreditation, excluded: tuple[str, ...]) -> dict[str, Any]:
    levels = given.level_range
    return {
        "accreditation": given.id,
        "occupations": list(given.occupations),
        "excludedOccupations": list(excluded),
        "levelRange": {"framework": levels.framework, "min": levels.lowest, "max": levels.highest},
        "jurisdictions": list(given.jurisdictions),
        "redress": given.redress,
    }


def _texts(text: str, language: str) -> list[dict[str, str]]:
    return [{"lang": language, "value": text}]


def _addresses(uri: str, language: str) -> list[dict[str, str]]:
    return [{"lang": language, "uriValue": uri}]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
