"""Whether an offered credential counts, and whether the credential that came is the one that was offered. Pure.

An offer is judged by these rules, in this order; the first that fails decides:

1. It offers exactly one AnonCreds credential, by ids of attested resources, with every value as plain text.
2. Its credential definition and schema could be resolved and checked; else the answer is UNKNOWN.
3. The definition is made for the offered schema, and the schema is a credential type we know, attribute by attribute.
4. Every value is in canonical form, and the values fit each other (dates in order, thermometer and level agree, …).
5. The issuer may issue this, with this level by this crosswalk: `governance.decision.may_issue` has the last word.

A credential that arrives must then equal its offer (`differences`): ids, names, raw values, and each encoded value must
be the encoding of its raw value, because the signature covers only the encoded one. Names are compared as AnonCreds
does (`attribute_names`); one attribute in two spellings is refused, because the library would sign one of the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from wanderbuch.errors import CredentialError
from wanderbuch.governance.deciding.decision import may_issue
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, SchemaId
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import AnonCredsSource
from wanderbuch.schemas.attribute_names import by_common_name, common_name
from wanderbuch.schemas.claims import read_values
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.encoding import encode

ANONCREDS_OFFER = "anoncreds/credential-offer@v1.0"  # Aries RFC 0771
_MAX_ATTRIBUTES = 64


@dataclass(frozen=True, slots=True)
class ReceivedOffer:
    """What an issuer offers to sign. Only its form is checked.

    Args:
        values: attribute -> raw value, as the preview shows them, by the attributes' common names.
    """

    schema_id: SchemaId
    cred_def_id: CredDefId
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResolvedDefinition:
    """What the registry said about an offer's credential definition and its schema, after all its checks."""

    schema_id: str
    schema_name: str
    schema_version: str
    attr_names: tuple[str, ...]


def read_offer(
    *, formats: Sequence[str], attachment: object, preview: Sequence[tuple[str, object, str | None]]
) -> ReceivedOffer:
    """Return an offer message in typed form (rule 1).

    Args:
        formats: the format of every attachment.
        attachment: the decoded AnonCreds credential offer.
        preview: name, value and MIME type of every previewed attribute.

    Raises:
        CredentialError: it breaks rule 1.
    """
    if list(formats) != [ANONCREDS_OFFER]:
        raise CredentialError("expected an offer of one AnonCreds credential, found other or more formats")
    if not isinstance(attachment, Mapping):
        raise CredentialError("expected an AnonCreds credential offer, found none")
    try:
        schema_id, cred_def_id = (
            SchemaId.parse(attachment.get("schema_id")),
            CredDefId.parse(attachment.get("cred_def_id")),
        )
    except IdentifierError as err:
        raise CredentialError(f"the offer names an object that we cannot resolve: {err.message}") from err
    values: dict[str, str] = {}
    for spelled, value, mime_type in preview:
        name = common_name(spelled)
        if not isinstance(value, str) or mime_type is not None or name in values:
            raise CredentialError("expected each attribute once and as plain text")
        values[name] = value
    if not 0 < len(values) <= _MAX_ATTRIBUTES:
        raise CredentialError(f"expected 1 to {_MAX_ATTRIBUTES} attributes, found {len(values)}")
    return ReceivedOffer(schema_id, cred_def_id, MappingProxyType(values))


def malformed(err: CredentialError, *, snapshot: GovernanceSnapshot | None, at: datetime) -> TrustDecision:
    """Return the decision about an offer that breaks rule 1."""
    return _decision(Verdict.NOT_TRUSTED, [Reason("offer.malformed", err.message)], snapshot, at)


def judge_offer(
    offer: ReceivedOffer,
    definition: ResolvedDefinition | None,
    snapshot: GovernanceSnapshot | None,
    *,
    at: datetime,
    old_names: OldNames = UNKNOWN_LEDGER,
) -> TrustDecision:
    """Decide whether a holder may accept an offer (rules 2 to 5).

    Args:
        offer: what is offered.
        definition: what the registry said; None if it could not be resolved or checked.
        snapshot: the governance in force; None if there is none.
        at: the instant of the decision.
        old_names: which ledger old ids are on: an issuer may be listed by the other name of its definition.
    """
    # 2. resolved
    if definition is None:
        text = "The credential definition or its schema could not be fetched and checked."
        return _decision(Verdict.UNKNOWN, [Reason("offer.unresolved", text)], snapshot, at)
    # 3. the schema is one we know
    credential_type = _type_of(offer, definition)
    if isinstance(credential_type, Reason):
        return _decision(Verdict.NOT_TRUSTED, [credential_type], snapshot, at)
    # 4. canonical values that fit each other
    try:
        read = read_values(credential_type, offer.values)
    except CredentialError as err:
        return _decision(Verdict.NOT_TRUSTED, [Reason("offer.value", err.message)], snapshot, at)
    awarded, level = read.claim["awarded_on"], read.claim.level
    if not isinstance(awarded, date):
        return _decision(Verdict.NOT_TRUSTED, [Reason("offer.value", "The day of the award is missing.")], snapshot, at)
    # 5. the issuer's standing
    cred_def_id = _as_listed(offer.cred_def_id, snapshot, old_names)
    return may_issue(
        snapshot,
        issuer=cred_def_id.did,
        source=AnonCredsSource.of(cred_def_id),
        credential_type=credential_type.id,
        occupation=read.claim.about,
        eqf_level=read.eqf_level,
        awarded=awarded,
        framework=level[0] if level else "",
        framework_level=level[1] if level else None,
        crosswalk_version=read.crosswalk_version,
        at=at,
    )


def differences(offer: ReceivedOffer, credential: object) -> tuple[Reason, ...]:
    """Return how a credential that came differs from its offer; empty if it does not. No value is repeated.

    Args:
        offer: what was accepted.
        credential: the decoded AnonCreds credential, as it came.
    """
    if not isinstance(credential, Mapping) or not isinstance(credential.get("values"), Mapping):
        return (Reason("credential.malformed", "What came is not an AnonCreds credential."),)
    reasons = [
        Reason("credential.other_object", f"Its {name} is not the one that was offered.")
        for name, offered in (("schema_id", offer.schema_id), ("cred_def_id", offer.cred_def_id))
        if credential.get(name) != offered
    ]
    try:
        values = by_common_name({str(name): value for name, value in credential["values"].items()})
    except CredentialError as err:
        return (*reasons, Reason("credential.other_attributes", err.message))
    reasons += [
        Reason("credential.other_attributes", f"{name[:80]} is in the offer or in the credential only.")
        for name in sorted(values.keys() ^ offer.values.keys())
    ]
    for name, offered in offer.values.items():
        value = values.get(name)
        if value is None:
            continue
        if not isinstance(value, Mapping) or value.get("raw") != offered:
            reasons.append(Reason("credential.other_value", f"{name} is not what was offered."))
        elif value.get("encoded") != encode(offered):
            reasons.append(
                Reason("credential.encoding", f"What is signed for {name} is not the encoding of its value.")
            )
    return tuple(reasons)


def _as_listed(cred_def_id: CredDefId, snapshot: GovernanceSnapshot | None, old_names: OldNames) -> CredDefId:
    """Return a definition by the name that a governance file lists it by, if one does."""
    names = [CredDefId(name) for name in old_names.of(cred_def_id)]
    if snapshot is None or len(names) < 2:
        return cred_def_id
    files = [snapshot.file, *(recognised.file for recognised in snapshot.recognised.values())]
    return next(
        (
            name
            for file in files
            for name in names
            if any(
                AnonCredsSource.of(name) in accreditation.sources
                for accreditation in file.index.by_issuer.get(name.did, ())
            )
        ),
        cred_def_id,
    )


def _type_of(offer: ReceivedOffer, definition: ResolvedDefinition) -> CredentialType | Reason:
    """Return the credential type that is offered, or why it is none of ours."""
    if definition.schema_id != offer.schema_id:
        return Reason(
            "offer.other_schema", "The credential definition is made for another schema than the offered one."
        )
    try:
        credential_type = load_credential_type(f"{definition.schema_name}/{definition.schema_version}")
    except CredentialError:
        return Reason("offer.unknown_type", "It is not a type of credential that this wallet can judge.")
    names = sorted(common_name(name) for name in definition.attr_names)  # a list: none may stand there twice
    if names != sorted(credential_type.attr_names) or offer.values.keys() != set(names):
        return Reason("offer.other_attributes", f"Its attributes are not those of {credential_type.id}.")
    return credential_type


def _decision(
    verdict: Verdict, reasons: Sequence[Reason], snapshot: GovernanceSnapshot | None, at: datetime
) -> TrustDecision:
    return TrustDecision(verdict, tuple(reasons), snapshot.ref if snapshot else None, at)
