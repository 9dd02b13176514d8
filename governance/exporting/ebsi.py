"""EBSI Trusted Issuers Registry: issuers as `GET /v4/issuers/{did}` gives them, all in one JSON document.

Each accreditation and each span of its mandate is one attribute of its issuer: `body` is base64 of a
VerifiableAccreditationToAttest (here its unsigned payload), `hash` the SHA-256 of the decoded body. Sources: EBSI
Trusted Issuers Registry API v4, schema "EBSI Verifiable Accreditation Record".

EBSI accredits for a schema and a place, so the occupations, levels and credential definitions that our accreditation is
bound to are lost: a reader of the export alone trusts an issuer for more than the file does. Every such loss is named.
"""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import rfc8785

from wanderbuch.governance.exporting.export import Export, Loss, json_content, left_out, times_in_force
from wanderbuch.governance.facts.anywhere import begins_at
from wanderbuch.governance.facts.file import Accreditation, GovernanceFile, Status

COUNTRY_URI: Final = "http://publications.europa.eu/resource/authority/country/"
_CONTEXT: Final = "https://www.w3.org/2018/credentials/v1"  # the records of API v4 are of VCDM 1.1
_TYPES: Final = ["VerifiableCredential", "VerifiableAttestation", "VerifiableAccreditation"]


def ebsi_issuers(file: GovernanceFile) -> Export:
    """Return all issuers and the author, who is the root of its own chain (RootTAO)."""
    losses = list(left_out(file))
    issuers = [_root(file)]
    for participant in file.participants:
        accreditations = file.index.by_issuer.get(participant.did, ())
        if accreditations and participant.did != file.author:
            attributes = [
                attribute for accreditation in accreditations for attribute in _attributes(file, accreditation)
            ]
            issuers.append({"did": participant.did, "attributes": attributes})
        for granted in accreditations:
            losses += _losses(granted)
    losses.append(
        Loss("unsigned", "", "records are unsigned payloads; EBSI wants each as a JWT by a key of a did:ebsi")
    )
    return Export(json_content({"issuers": issuers}), tuple(losses))


def _root(file: GovernanceFile) -> dict[str, Any]:
    subject = {
        "id": file.author,
        "reservedAttributeId": _attribute_id(file.id),
        "accreditedFor": [
            {"schemaId": schema.id, "types": _kinds(schema.name), "limitJurisdiction": []} for schema in file.schemas
        ],
    }
    record = _record(file, "VerifiableAccreditationToAccredit", subject, file.last_updated)
    return {"did": file.author, "attributes": [_attribute(file, record, "RootTAO")]}


def _attributes(file: GovernanceFile, given: Accreditation) -> Iterator[dict[str, Any]]:
    """Yield one attribute for each span that counts; one more, revoked, for a suspension or withdrawal that lasts."""
    for span, begins, ends in times_in_force(given):
        subject = {
            "id": given.issuer,
            "reservedAttributeId": _attribute_id(f"{given.id}/{span.first}"),
            "accreditedFor": [
                {
                    "schemaId": schema,
                    "types": _kinds(name),
                    "limitJurisdiction": [COUNTRY_URI + place for place in given.jurisdictions],
                }
                for name in given.credential_types
                for schema in file.schema_ids(name)
            ],
        }
        record = _record(file, "VerifiableAccreditationToAttest", subject, begins, ends)
        yield _attribute(file, record, "TI")
    if given.status is not Status.ACTIVE:
        change = given.changes[-1]
        subject = {"id": given.issuer, "reservedAttributeId": _attribute_id(given.id), "accreditedFor": []}
        record = _record(file, "VerifiableAccreditationToAttest", subject, begins_at(change.effective_from))
        yield _attribute(file, record, "Revoked")


def _record(
    file: GovernanceFile, kind: str, subject: dict[str, Any], begins: datetime, ends: datetime | None = None
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "@context": [_CONTEXT],
        "id": f"urn:wanderbuch:governance:{file.id}:{file.version}:{subject['reservedAttributeId']}",
        "type": [*_TYPES, kind],
        "issuer": file.author,
        "issuanceDate": _instant(begins),
        "issued": _instant(file.last_updated),
        "validFrom": _instant(begins),
        "credentialSubject": subject,
    }
    if ends is not None:
        record["expirationDate"] = _instant(ends)
    return record


def _attribute(file: GovernanceFile, record: dict[str, Any], issuer_type: str) -> dict[str, Any]:
    body = rfc8785.dumps(record)
    return {
        "hash": hashlib.sha256(body).hexdigest(),
        "body": base64.b64encode(body).decode("ascii"),
        "issuerType": issuer_type,
        "tao": file.author,
        "rootTao": file.author,
    }


def _losses(given: Accreditation) -> Iterator[Loss]:
    for code, text in (
        ("occupations", f"counts for {', '.join(given.occupations)} only"),
        (
            "levels",
            f"counts for {given.level_range.framework} {given.level_range.lowest} to {given.level_range.highest} only",
        ),
        ("definitions", "counts with its credential definitions only"),
    ):
        yield Loss(f"accreditation.{code}", given.id, f"{given.id} {text}, which EBSI does not say", widens=True)
    if given.excluded_occupations:
        text = f"{given.id} excludes {', '.join(given.excluded_occupations)}, which EBSI does not say"
        yield Loss("accreditation.exclusions", given.id, text, widens=True)
    if given.lapses:
        text = f"{given.id} counts for earlier awards from certain status lists only, which EBSI does not say"
        yield Loss("accreditation.statuses", given.id, text, widens=True)


def _kinds(credential_type: str) -> list[str]:
    return ["VerifiableCredential", credential_type]


def _attribute_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
