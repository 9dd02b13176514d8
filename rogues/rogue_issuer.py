"""An issuer that offers and signs whatever it is told, accredited for it or not.

    python -m rogues.rogue_issuer --config FILE        # role = "rogue_issuer"

A real agent on our runtime with a DID, a credential definition and a revocation registry of its own, with ACA-Py's
stock exchanges and none of our trust plugin. Its table:

    [rogue_issuer]
    schema_id = "did:webvh:…/resources/zQm…"     # the authority's schema
    registry_size = 32

Control, on the app site:

- GET /standing: its DID, credential definition and registry.
- POST /offers {claim, eqf_level, crosswalk_version, raw, issue_instead}: offer the claim with any level; `raw`
  overwrites values as they stand, `issue_instead` makes it sign other values than it offered.
- GET /offers/{id}: how the exchange stands.
- POST /invitations: an invitation that carries no offer, so that it is short.
- POST /bombs {claim, count}: send so many offers over each connection that it has, one after another.
- POST /did/rotate: sign everything with another key from now on; POST /did/deactivate: end its DID.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.message_types import CRED_20_PROPOSAL
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_proposal import V20CredProposal
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredAttrSpec, V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import HSProto
from acapy_agent.storage.error import StorageNotFoundError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rogues.ending_dids import end_did
from wanderbuch.agents.issuer.credential_definition import ensure_definition
from wanderbuch.agents.issuer.registries import Registries
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.process import main
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.plugins.webvh.dids import rotate_assertion_key
from wanderbuch.schemas.claims import validate_claim
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.records import NotFoundError


class RogueIssuerConfig(BaseModel):
    """`[rogue_issuer]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_id: Annotated[str, AfterValidator(SchemaId.parse)]
    registry_size: int = 32
    credential_type: str = "qualification/1.0"


class StandingOut(ApiModel):
    did: str
    cred_def_id: str
    registry_id: str


class OfferIn(ApiModel):
    """What to offer; nothing of it is checked against anybody's accreditation."""

    claim: dict[str, Any]
    eqf_level: int = 0
    crosswalk_version: str | None = None
    raw: dict[str, str] = Field(default_factory=dict)
    issue_instead: dict[str, str] = Field(default_factory=dict)


class InvitationOut(ApiModel):
    invitation_url: str


class BombIn(ApiModel):
    """What to offer, and how often."""

    claim: dict[str, Any]
    count: int


class BombOut(ApiModel):
    sent: int


class OfferOut(ApiModel):
    id: str
    state: str
    note: str | None
    invitation_url: str | None = None


class RogueOffice:
    """What it has open for one tenant."""

    def __init__(self, tenant: Tenant, cred_def_id: CredDefId, registry_id: RevRegDefId) -> None:
        self.tenant = tenant
        self.cred_def_id = cred_def_id
        self.registry_id = registry_id

    async def sweep(self, now: datetime) -> None:
        pass

    async def close(self) -> None:
        pass


async def _standing(office: RogueOffice, _: Call[None]) -> StandingOut:
    return StandingOut(did=office.tenant.did, cred_def_id=str(office.cred_def_id), registry_id=str(office.registry_id))


async def _show(office: RogueOffice, call: Call[None]) -> OfferOut:
    return _shown(await _record(office.tenant, call.path["id"]))


async def _offer(office: RogueOffice, call: Call[OfferIn]) -> OfferOut:
    tenant, wanted = office.tenant, call.body
    values = _values(office, wanted)
    record, message = await _made(office, values)
    invitation = await OutOfBandManager(tenant.profile).create_invitation(
        my_label=tenant.name,
        auto_accept=True,
        use_did=str(tenant.did),
        hs_protos=[HSProto.DIDEX_1_1],
        attachments=[{"type": "credential-offer", "id": record.cred_ex_id}],
        protocol_version="1.1",
    )
    if wanted.issue_instead:  # what the wallet was shown stays in the invitation; what is signed is this
        record.cred_offer = V20CredOffer.deserialize(
            message.serialize() | {"credential_preview": _preview(values | wanted.issue_instead).serialize()}
        )
        async with tenant.profile.session() as session:
            await record.save(session, reason="bait and switch")
    return _shown(record).model_copy(update={"invitation_url": invitation.invitation_url})


async def _bomb(office: RogueOffice, call: Call[BombIn]) -> BombOut:
    profile, sent = office.tenant.profile, 0
    async with profile.session() as session:
        connections = [record for record in await ConnRecord.query(session) if record.is_ready]
    responder = profile.inject(BaseResponder)
    values = _values(office, OfferIn(claim=call.body.claim))
    for connection in connections:
        for _ in range(call.body.count):
            _, message = await _made(office, values, connection.connection_id)
            await responder.send(message, connection_id=connection.connection_id)
            sent += 1
    return BombOut(sent=sent)


def _values(office: RogueOffice, wanted: OfferIn) -> dict[str, str]:
    settings = office.tenant.settings(RogueIssuerConfig)
    claim = validate_claim(load_credential_type(settings.credential_type), wanted.claim)
    return {**claim.to_values(eqf_level=wanted.eqf_level, crosswalk_version=wanted.crosswalk_version), **wanted.raw}


async def _made(
    office: RogueOffice, values: Mapping[str, str], connection_id: str | None = None
) -> tuple[V20CredExRecord, V20CredOffer]:
    tenant, settings = office.tenant, office.tenant.settings(RogueIssuerConfig)
    filters = {"cred_def_id": str(office.cred_def_id), "schema_id": settings.schema_id}
    handler = V20CredFormat.Format.ANONCREDS.handler(tenant.profile)
    cred_format, attachment = handler.get_format_data(CRED_20_PROPOSAL, filters)
    proposal = V20CredProposal(credential_preview=_preview(values), formats=[cred_format], filters_attach=[attachment])
    record = V20CredExRecord(
        connection_id=connection_id,
        initiator=V20CredExRecord.INITIATOR_SELF,
        role=V20CredExRecord.ROLE_ISSUER,
        cred_proposal=proposal,
        auto_issue=True,
        auto_remove=False,
    )
    made: tuple[V20CredExRecord, V20CredOffer] = await V20CredManager(tenant.profile).create_offer(record)
    return made


async def _invite(office: RogueOffice, _: Call[None]) -> InvitationOut:
    tenant = office.tenant
    invitation = await OutOfBandManager(tenant.profile).create_invitation(
        my_label=tenant.name,
        auto_accept=True,
        use_did=str(tenant.did),
        hs_protos=[HSProto.DIDEX_1_1],
        protocol_version="1.1",
    )
    return InvitationOut(invitation_url=invitation.invitation_url)


class DidOut(ApiModel):
    did: str


async def _rotate(office: RogueOffice, _: Call[None]) -> DidOut:
    tenant = office.tenant
    await rotate_assertion_key(tenant.profile, tenant.did, publisher=tenant.publisher)
    return DidOut(did=tenant.did)


async def _deactivate(office: RogueOffice, _: Call[None]) -> DidOut:
    tenant = office.tenant
    await end_did(tenant.profile, tenant.did, publisher=tenant.publisher)
    return DidOut(did=tenant.did)


class RogueIssuerRole(Role):
    """Signs anything."""

    name = "rogue_issuer"
    settings = RogueIssuerConfig
    speaks = (Speaks.ISSUER, Speaks.INVITER)

    async def open(self, tenant: Tenant) -> RogueOffice:
        """Make and publish what one needs to sign."""
        settings = tenant.settings(RogueIssuerConfig)
        cred_def_id = await ensure_definition(tenant.profile, tenant.did, SchemaId.parse(settings.schema_id))
        registries = Registries(tenant.profile, size=settings.registry_size)
        return RogueOffice(tenant, cred_def_id, await registries.ensure_active(cred_def_id))

    def routes(self) -> Sequence[Route]:
        return (
            get("/standing", _standing, result=StandingOut, summary="Who it is"),
            post("/offers", _offer, body=OfferIn, result=OfferOut, status=201, summary="Offer anything"),
            post("/invitations", _invite, result=InvitationOut, status=201, summary="Invite to connect"),
            post("/bombs", _bomb, body=BombIn, result=BombOut, summary="Offer it again and again"),
            get("/offers/{id}", _show, result=OfferOut, summary="Show an offer"),
            post("/did/rotate", _rotate, result=DidOut, summary="Rotate the key of its DID"),
            post("/did/deactivate", _deactivate, result=DidOut, summary="End its DID"),
        )


def _preview(values: Mapping[str, str]) -> V20CredPreview:
    return V20CredPreview(attributes=V20CredAttrSpec.list_plain(values))


async def _record(tenant: Tenant, offer_id: str) -> V20CredExRecord:
    try:
        async with tenant.profile.session() as session:
            return await V20CredExRecord.retrieve_by_id(session, offer_id)
    except StorageNotFoundError as err:
        raise NotFoundError("there is no such offer") from err


def _shown(record: V20CredExRecord) -> OfferOut:
    return OfferOut(id=record.cred_ex_id, state=record.state, note=record.error_msg)


ROLE = RogueIssuerRole()

if __name__ == "__main__":
    main(ROLE)
