"""A wallet that cheats: it takes any offer and answers requests as its control tells it.

    python -m tests.abuse.lying_wallet --config FILE        # role = "lying_wallet"

A real agent on our runtime, with ACA-Py's stock exchanges and none of our trust plugin. Control, on the app site:

- POST /invitations {url}: open it; an offer is accepted and its credential stored by itself, whoever the issuer is.
- GET /offers, GET /credentials (each with its type, values, issuer), GET /requests, GET /requests/{id}.
- POST /requests/{id}/forge {credentials, status_list_before, leave_out_non_revocation, raw}: answer with any credential
  for any part of the request, with non-revocation from an older status list or without, with other raw texts. Called
  again: a second answer.
- POST /requests/{id}/replay {of}: send the presentation of an earlier exchange once more.
- Nothing: silence.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from acapy_agent.core.error import BaseError
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.message_types import ATTACHMENT_FORMAT, PRES_20
from acapy_agent.protocols.present_proof.v2_0.messages.pres import V20Pres
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageNotFoundError
from anoncreds import AnoncredsError
from pydantic import BaseModel, ConfigDict, Field
from tests.abuse.forging import Forgery, forge

from wanderbuch.agents.holder.invitations import open_invitation
from wanderbuch.agents.holder.opening import InvitationKind
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.runtime.process import main
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.store.records import NotFoundError

_FORMAT = V20PresFormat.Format.ANONCREDS


class LyingWalletConfig(BaseModel):
    """`[lying_wallet]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    invitation_wait_s: float = 20.0


class InvitationIn(ApiModel):
    url: str


class OpenedOut(ApiModel):
    kind: InvitationKind
    id: str


class OfferOut(ApiModel):
    id: str
    state: str
    note: str | None


class OffersOut(ApiModel):
    items: list[OfferOut]


class CredentialOut(ApiModel):
    id: str
    issuer: str
    cred_def_id: str
    values: dict[str, str]
    rev_reg_id: str | None


class CredentialsOut(ApiModel):
    items: list[CredentialOut]


class RequestOut(ApiModel):
    id: str
    state: str
    note: str | None
    proof_request: dict[str, Any]


class RequestsOut(ApiModel):
    items: list[RequestOut]


class ForgeIn(ApiModel):
    """The dishonest choices; without `credentials` every part is answered with `credential_id`."""

    credential_id: str | None = None
    credentials: dict[str, str] = Field(default_factory=dict)
    status_list_before: int | None = None
    leave_out_non_revocation: bool = False
    raw: dict[str, str] = Field(default_factory=dict)


class ReplayIn(ApiModel):
    of: str


class LyingOffice:
    """What it has open for one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    async def sweep(self, now: datetime) -> None:
        pass

    async def close(self) -> None:
        pass


async def _open(office: LyingOffice, call: Call[InvitationIn]) -> OpenedOut:
    opened = await open_invitation(
        office.tenant.profile,
        office.tenant.edge,
        call.body.url,
        wait_s=office.tenant.settings(LyingWalletConfig).invitation_wait_s,
    )
    return OpenedOut(kind=opened.kind, id=opened.id)


async def _offers(office: LyingOffice, _: Call[None]) -> OffersOut:
    async with office.tenant.profile.session() as session:
        found = await V20CredExRecord.query(session)
    return OffersOut(items=[OfferOut(id=each.cred_ex_id, state=each.state, note=each.error_msg) for each in found])


async def _credentials(office: LyingOffice, _: Call[None]) -> CredentialsOut:
    held = await list_credentials(office.tenant.profile, check_revocation=False)
    return CredentialsOut(
        items=[
            CredentialOut(
                id=each.id,
                issuer=each.issuer_did,
                cred_def_id=each.cred_def_id,
                values=dict(each.values),
                rev_reg_id=each.rev_reg_id,
            )
            for each in held
        ]
    )


async def _requests(office: LyingOffice, _: Call[None]) -> RequestsOut:
    async with office.tenant.profile.session() as session:
        found = await V20PresExRecord.query(session)
    return RequestsOut(items=[_shown(each) for each in found])


async def _request(office: LyingOffice, call: Call[None]) -> RequestOut:
    return _shown(await _record(office.tenant, call.path["id"]))


async def _forge(office: LyingOffice, call: Call[ForgeIn]) -> RequestOut:
    record = await _record(office.tenant, call.path["id"])
    asked = record.pres_request.attachment(_FORMAT)
    parts = [*asked["requested_attributes"], *asked["requested_predicates"]]
    chosen = call.body.credentials or dict.fromkeys(parts, call.body.credential_id or "")
    forgery = Forgery(
        chosen,
        status_list_before=call.body.status_list_before,
        leave_out_non_revocation=call.body.leave_out_non_revocation,
        raw=call.body.raw,
    )
    try:
        presentation = await forge(office.tenant.profile, asked, forgery)
    except (AnoncredsError, BaseError, LookupError) as err:
        raise MalformedError(f"even a liar can not build this: {err}") from err
    return _shown(await _send(office.tenant, record, presentation))


async def _replay(office: LyingOffice, call: Call[ReplayIn]) -> RequestOut:
    earlier = await _record(office.tenant, call.body.of)
    if earlier.pres is None:
        raise MalformedError("that exchange was never answered")
    return _shown(
        await _send(office.tenant, await _record(office.tenant, call.path["id"]), earlier.pres.attachment(_FORMAT))
    )


ROUTES = (
    post("/invitations", _open, body=InvitationIn, result=OpenedOut, summary="Open an invitation, accept its offer"),
    get("/offers", _offers, result=OffersOut, summary="List offers"),
    get("/credentials", _credentials, result=CredentialsOut, summary="List credentials"),
    get("/requests", _requests, result=RequestsOut, summary="List requests"),
    get("/requests/{id}", _request, result=RequestOut, summary="Show a request"),
    post("/requests/{id}/forge", _forge, body=ForgeIn, result=RequestOut, summary="Answer dishonestly"),
    post("/requests/{id}/replay", _replay, body=ReplayIn, result=RequestOut, summary="Send an earlier answer again"),
)


class LyingWalletRole(Role):
    """Accepts everything, proves anything it can get away with."""

    name = "lying_wallet"
    settings = LyingWalletConfig
    speaks = (Speaks.HOLDER, Speaks.INVITEE)
    has_public_did = False
    acapy_settings = {  # noqa: RUF012
        "debug.auto_respond_credential_offer": True,
        "debug.auto_store_credential": True,
        # Its exchanges are ACA-Py's own, which do not put tails files in place before they look for them.
        "plugin_config": {"wanderbuch_webvh": {"tails": "all"}},
    }

    async def open(self, tenant: Tenant) -> LyingOffice:
        return LyingOffice(tenant)

    def routes(self) -> Sequence[Route]:
        return ROUTES


async def _send(tenant: Tenant, record: V20PresExRecord, presentation: dict[str, Any]) -> V20PresExRecord:
    """Send a presentation on the exchange's thread, whatever its state, and keep it for a replay."""
    message = V20Pres(
        formats=[V20PresFormat(attach_id=_FORMAT.api, format_=ATTACHMENT_FORMAT[PRES_20][_FORMAT.api])],
        presentations_attach=[AttachDecorator.data_base64(json.loads(json.dumps(presentation)), ident=_FORMAT.api)],
    )
    message.assign_thread_from(record.pres_request)
    record.pres, record.state = message, V20PresExRecord.STATE_PRESENTATION_SENT
    async with tenant.profile.session() as session:
        await record.save(session, reason="lied")
    await tenant.profile.inject(BaseResponder).send(message, connection_id=record.connection_id)
    return record


async def _record(tenant: Tenant, request_id: str) -> V20PresExRecord:
    try:
        async with tenant.profile.session() as session:
            return await V20PresExRecord.retrieve_by_id(session, request_id)
    except StorageNotFoundError as err:
        raise NotFoundError("there is no such request") from err


def _shown(record: V20PresExRecord) -> RequestOut:
    return RequestOut(
        id=record.pres_ex_id,
        state=record.state,
        note=record.error_msg,
        proof_request=record.pres_request.attachment(_FORMAT),
    )


ROLE = LyingWalletRole()

if __name__ == "__main__":
    main(ROLE)
