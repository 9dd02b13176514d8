"""A wallet that cheats: it takes any offer and answers requests as its control tells it.

    python -m rogues.lying_wallet --config FILE        # role = "lying_wallet"

A real agent on our runtime, with our handlers for connections and requests, and with none of the holder's judgement.
Control, on the app site:

- POST /invitations {url}: open it; an offer is accepted and its credential stored by itself, whoever the issuer is.
- GET /offers, GET /credentials (each with its type, values, issuer), GET /requests, GET /requests/{id}.
- POST /requests/{id}/forge {credentials, status_list_before, leave_out_non_revocation, state_a_time, raw}: answer with
  any credential for any part of the request, with non-revocation from an older status list or without (and a time
  stated all the same), with other raw texts. Called again: a second answer.
- POST /requests/{id}/replay {of}: send the presentation of an earlier exchange once more.
- POST /parts {proof_request, credentials}: answer a part of somebody's request, for whoever joins it with others'.
- POST /requests/{id}/send {presentation}: send a presentation, whoever made it.
- Nothing: silence.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from anoncreds import AnoncredsError
from pydantic import BaseModel, ConfigDict, Field

from rogues.forging import Forgery, forge
from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, announce
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.held_offer import OfferState, held_offers, knows_offer, offer_of
from wanderbuch.agents.holder.invitations import open_invitation
from wanderbuch.agents.holder.judging import definition_of
from wanderbuch.agents.holder.keeping import _Checked, _completed, _keep, _tags
from wanderbuch.agents.holder.offer_text import get_text
from wanderbuch.agents.holder.opening import InvitationKind
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.agents.holder.receiving import take_offer
from wanderbuch.agents.holder.request_book import ReceivedRequest, open_requests
from wanderbuch.agents.holder.request_messages import REQUEST_HANDLERS
from wanderbuch.agents.holder.requesting import ask, own_request
from wanderbuch.agents.holder.requests import _message, _service
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.gate.served import Speaks
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.runtime.process import main
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.connecting.invitee import Invitee
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.credential_messages import ISSUE, OFFER, ack_message, read_issue_message
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.reports import ProblemReport
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.webvh.tails import place_tails
from wanderbuch.store.records import NotFoundError


class LyingWalletConfig(BaseModel):
    """`[lying_wallet]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    invitation_wait_s: int = 20


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
    state_a_time: bool = False
    raw: dict[str, str] = Field(default_factory=dict)


class ReplayIn(ApiModel):
    of: str


class PartIn(ApiModel):
    """A part of a request, and what answers it."""

    proof_request: dict[str, Any]
    credentials: dict[str, str]


class MadeIn(ApiModel):
    presentation: dict[str, Any]


class LyingOffice:
    """What it has open for one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.profile = tenant.profile
        self.config = HolderConfig(invitation_wait_s=tenant.settings(LyingWalletConfig).invitation_wait_s)
        self.sent: dict[str, dict[str, Any]] = {}

    async def connected(self, handshake_id: str, connection: Connection, incoming: Incoming) -> None:
        connection_id = connection.connection_id
        await announce(incoming.profile, Arrival(ArrivalKind.CONNECTION, connection_id, connection_id))

    async def refused(self, handshake_id: str, report: ProblemReport, incoming: Incoming) -> None:
        pass

    async def sweep(self, now: datetime) -> None:
        pass

    async def close(self) -> None:
        pass


async def _open(office: LyingOffice, call: Call[InvitationIn]) -> OpenedOut:
    opened = await open_invitation(office.profile, office.tenant.edge, office.config, call.body.url)
    if opened.kind is InvitationKind.OFFER:  # attached to the invitation, or come before we looked
        await _accept(office.profile, opened.id)
    return OpenedOut(kind=opened.kind, id=opened.id)


async def _take_offer(office: LyingOffice, incoming: Incoming) -> bool:
    """Accept whatever is offered, by whomever."""
    connection = await find_connection(incoming.profile, incoming.recipient)
    if connection is None or connection.their_key != incoming.sender:
        raise ExchangeError("an offer from nobody")
    offer_id = await take_offer(incoming.profile, office.config, incoming.members, Origin.over(connection))
    await _accept(incoming.profile, offer_id)
    return True


async def _accept(profile: Profile, offer_id: str) -> None:
    held_offer, text = await held_offers(profile).merged(offer_id), await get_text(profile, offer_id)
    if held_offer.state is OfferState.OPEN and text is not None:
        await ask(profile, held_offer, text, at=datetime.now(UTC))


async def _take_credential(_: LyingOffice, incoming: Incoming) -> bool:
    """Keep whatever was asked for, judged by nobody."""
    profile, held_offer = incoming.profile, await offer_of(incoming)
    if held_offer is None:
        return False
    text, own = await get_text(profile, held_offer.id), await own_request(profile, held_offer.id)
    if text is not None and own is not None:
        received, offer = read_issue_message(incoming.members), text.typed()
        registry = await profile.inject(Objects).registry(profile, received.content["rev_reg_id"])
        await place_tails(profile, tails_hash=registry.tails_hash, location=registry.tails_location, size=registry.size)
        checked = _Checked(offer, await definition_of(profile, offer), registry)
        completed = await _completed(profile, received, own, checked)
        await _keep(profile, held_offer, received, completed, await _tags(profile, received, checked))
    await profile.inject(Sending).answer(
        incoming, held_offer.origin.channel, ack_message(thread_id=held_offer.thread_id)
    )
    return True


async def _offers(office: LyingOffice, _: Call[None]) -> OffersOut:
    offers = [offer async for offer in held_offers(office.profile).every()]
    return OffersOut(items=[OfferOut(id=offer.id, state=offer.state.value, note=offer.note) for offer in offers])


async def _credentials(office: LyingOffice, _: Call[None]) -> CredentialsOut:
    credentials = await list_credentials(office.tenant.profile, check_revocation=False)
    return CredentialsOut(
        items=[
            CredentialOut(
                id=credential.id,
                issuer=credential.issuer_did,
                cred_def_id=credential.cred_def_id,
                values=dict(credential.values),
                rev_reg_id=credential.rev_reg_id,
            )
            for credential in credentials
        ]
    )


async def _requests(office: LyingOffice, _: Call[None]) -> RequestsOut:
    requests = [request async for request in open_requests(office.profile).every()]
    return RequestsOut(items=[_shown(request) for request in requests])


async def _request(office: LyingOffice, call: Call[None]) -> RequestOut:
    return _shown(await _record(office, call.path["id"]))


async def _forge(office: LyingOffice, call: Call[ForgeIn]) -> RequestOut:
    record = await _record(office, call.path["id"])
    asked: dict[str, Any] = json.loads(record.asked)
    parts = [*asked["requested_attributes"], *asked["requested_predicates"]]
    chosen = call.body.credentials or dict.fromkeys(parts, call.body.credential_id or "")
    forgery = Forgery(
        chosen,
        status_list_before=call.body.status_list_before,
        leave_out_non_revocation=call.body.leave_out_non_revocation,
        state_a_time=call.body.state_a_time,
        raw=call.body.raw,
    )
    try:
        presentation = await forge(office.tenant.profile, asked, forgery)
    except (AnoncredsError, BaseError, LookupError) as err:
        raise MalformedError(f"even a liar cannot build this: {err}") from err
    return _shown(await _send(office, record, presentation))


async def _replay(office: LyingOffice, call: Call[ReplayIn]) -> RequestOut:
    if call.body.of not in office.sent:
        raise MalformedError("that exchange was never answered")
    return _shown(await _send(office, await _record(office, call.path["id"]), office.sent[call.body.of]))


async def _part(office: LyingOffice, call: Call[PartIn]) -> MadeIn:
    try:
        made = await forge(office.tenant.profile, call.body.proof_request, Forgery(call.body.credentials))
    except (AnoncredsError, BaseError, LookupError) as err:
        raise MalformedError(f"even a liar cannot build this: {err}") from err
    return MadeIn(presentation=made)


async def _send_made(office: LyingOffice, call: Call[MadeIn]) -> RequestOut:
    return _shown(await _send(office, await _record(office, call.path["id"]), call.body.presentation))


ROUTES = (
    post("/invitations", _open, body=InvitationIn, result=OpenedOut, summary="Open an invitation, accept its offer"),
    get("/offers", _offers, result=OffersOut, summary="List offers"),
    get("/credentials", _credentials, result=CredentialsOut, summary="List credentials"),
    get("/requests", _requests, result=RequestsOut, summary="List requests"),
    get("/requests/{id}", _request, result=RequestOut, summary="Show a request"),
    post("/requests/{id}/forge", _forge, body=ForgeIn, result=RequestOut, summary="Answer dishonestly"),
    post("/parts", _part, body=PartIn, result=MadeIn, summary="Answer a part of a request"),
    post("/requests/{id}/send", _send_made, body=MadeIn, result=RequestOut, summary="Send a presentation"),
    post("/requests/{id}/replay", _replay, body=ReplayIn, result=RequestOut, summary="Send an earlier answer again"),
)


def _office_of(office: Any) -> LyingOffice:
    lying: LyingOffice = office
    return lying


class LyingWalletRole(Role):
    """Accepts everything, proves anything it can get away with."""

    name = "lying_wallet"
    settings = LyingWalletConfig
    speaks = (Speaks.HOLDER, Speaks.INVITEE)
    has_public_did = False
    handlers = {  # noqa: RUF012
        **REQUEST_HANDLERS,
        OFFER: Handler(_take_offer, knows=knows_offer),
        ISSUE: Handler(_take_credential, knows=knows_offer),
        **Invitee(_office_of).handlers(),
    }
    plugins = ("wanderbuch.agents.holder",)

    async def open(self, tenant: Tenant) -> LyingOffice:
        return LyingOffice(tenant)

    def routes(self) -> Sequence[Route]:
        return ROUTES


async def _send(office: LyingOffice, record: ReceivedRequest, presentation: dict[str, Any]) -> ReceivedRequest:
    """Send a presentation on the exchange's thread, whatever its state, and keep it for a replay."""
    office.sent[record.id] = presentation
    message = _message(record, json.dumps(presentation), await _service(office.profile, record))
    await office.profile.inject(Sending).send_soon(office.profile, record.origin.channel, message)
    return record


async def _record(office: LyingOffice, request_id: str) -> ReceivedRequest:
    record = await open_requests(office.profile).get_or_none(request_id)
    if record is None:
        raise NotFoundError("there is no such request")
    return record


def _shown(record: ReceivedRequest) -> RequestOut:
    return RequestOut(id=record.id, state=record.state.value, note=record.note, proof_request=json.loads(record.asked))


ROLE = LyingWalletRole()

if __name__ == "__main__":
    main(ROLE)
