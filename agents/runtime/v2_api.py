"""The REST API for DIDComm v2, `/v1/didcomm`.

It invites, asks others whether they are there, what they speak, and TRQP; and it replaces the agent's keys.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, post
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.runtime.v2_own_keys import V2OwnKeys
from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.v2.asking import V2Asking
from wanderbuch.plugins.exchange.v2.jwe import did_of
from wanderbuch.plugins.exchange.v2.message_types import is_same
from wanderbuch.plugins.exchange.v2.own_peers import KEPT, fresh_v2_peer, keep_peer
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, PlaintextError
from wanderbuch.plugins.exchange.v2.protocols.discover_features import DISCLOSE, QUERIES
from wanderbuch.plugins.exchange.v2.protocols.out_of_band import MAX_URL_CHARS, new_invitation, read_invitation
from wanderbuch.plugins.exchange.v2.protocols.report_problem import NOT_READY, PROBLEM_REPORT, read_code
from wanderbuch.plugins.exchange.v2.protocols.trqp import (
    ANSWERS,
    QUERY_AUTHORIZATION,
    QUERY_RECOGNITION,
    read_answer,
)
from wanderbuch.plugins.exchange.v2.protocols.trust_ping import PING, RESPONSE
from wanderbuch.plugins.webvh.agreement_rotation import rotate_agreement_keys
from wanderbuch.plugins.webvh.own import own_did


class V2InvitationIn(ApiModel):
    """What an invitation is for."""

    goal: str | None = Field(default=None, max_length=200)
    goal_code: str | None = Field(default=None, max_length=64)


class V2InvitationOut(ApiModel):
    """An invitation to write to this agent in DIDComm v2; whoever has the address may use it.

    `valid_until`: an agent without a public DID reads what is written to this one until then.
    """

    id: str
    did: str
    url: str
    valid_until: datetime | None = None


class PeerIn(ApiModel):
    """Whom to ask: a DID, or the address of an invitation of DIDComm v2."""

    to: str = Field(min_length=8, max_length=MAX_URL_CHARS)


class PingOut(ApiModel):
    """Somebody answered a ping."""

    did: str
    milliseconds: int


class FeaturesIn(PeerIn):
    """What to ask about: a protocol, or the beginning of several with `*` at its end."""

    match: str = Field(default="*", min_length=1, max_length=256)


class FeaturesOut(ApiModel):
    """The protocols that somebody says they speak."""

    did: str
    protocols: list[str]


class QuestionIn(PeerIn):
    """A question to a trust registry, as TRQP 2.0 writes it, and whom to ask."""

    about: Literal["authorization", "recognition"] = "authorization"
    entity_id: str = Field(min_length=1, max_length=512)
    authority_id: str = Field(min_length=1, max_length=512)
    action: str = Field(min_length=1, max_length=512)
    resource: str = Field(min_length=1, max_length=4096)
    context: dict[str, str] = Field(default_factory=dict, max_length=16)


class AnswerOut(ApiModel):
    """What a registry says: its word, proven to be its own, and whatever it adds."""

    did: str
    says_yes: bool
    answer: dict[str, Any]


class RotationIn(ApiModel):
    """How long the old keys still open what is on its way; 0 if somebody else may have them."""

    keep_old_hours: int = Field(default=24, ge=0, le=24 * 14)


class RotationOut(ApiModel):
    """The keys for key agreement that the DID document names now, and until when the ones before open envelopes.

    `waits_for_witnesses`: the entry with the new keys is made, and becomes public when they have approved it.
    """

    did: str
    keys: list[str]
    old_keys_until: datetime
    waits_for_witnesses: bool


async def _invite(tenant: Tenant, call: Call[V2InvitationIn]) -> V2InvitationOut:
    valid_until: datetime | None = None
    if tenant.has_did:
        did = did_of((await _own_keys(tenant))[0])
    else:
        _check_takes_v2(tenant)
        peer = fresh_v2_peer(tenant.place.didcomm_endpoint)
        valid_until = (tenant.clock() + KEPT).replace(microsecond=0)
        await keep_peer(tenant.profile, peer, until=int(valid_until.timestamp()))
        did = peer.did
    invitation = new_invitation(did, goal=call.body.goal, goal_code=call.body.goal_code)
    url = invitation.url(f"{tenant.place.url}/")
    return V2InvitationOut(id=invitation.id, did=did, url=url, valid_until=valid_until)


async def _ping(tenant: Tenant, call: Call[PeerIn]) -> PingOut:
    began = time.monotonic()
    did, _ = await _asked(tenant, call.body.to, PING, {"response_requested": True}, RESPONSE)
    return PingOut(did=did, milliseconds=int(1000 * (time.monotonic() - began)))


async def _features(tenant: Tenant, call: Call[FeaturesIn]) -> FeaturesOut:
    body = {"queries": [{"feature-type": "protocol", "match": call.body.match}]}
    did, answer = await _asked(tenant, call.body.to, QUERIES, body, DISCLOSE)
    disclosed = answer.body.get("disclosures")
    if not isinstance(disclosed, list) or len(disclosed) > 256:
        raise PlaintextError("expected a list of what the other side speaks")
    ids = [disclosure.get("id") for disclosure in disclosed if isinstance(disclosure, dict)]
    return FeaturesOut(did=did, protocols=[name for name in ids if isinstance(name, str) and len(name) <= 256])


async def _question(tenant: Tenant, call: Call[QuestionIn]) -> AnswerOut:
    asked = call.body
    kind = QUERY_RECOGNITION if asked.about == "recognition" else QUERY_AUTHORIZATION
    query = asked.model_dump(exclude={"to", "about"}, exclude_defaults=True)
    did, answer = await _asked(tenant, asked.to, kind, query, ANSWERS[kind][0])
    return AnswerOut(did=did, says_yes=read_answer(kind, query, answer), answer=dict(answer.body))


async def _rotate(tenant: Tenant, call: Call[RotationIn]) -> RotationOut:
    await _own_keys(tenant)
    own = await rotate_agreement_keys(
        tenant.profile, tenant.did, publisher=tenant.publisher, keep_old=timedelta(hours=call.body.keep_old_hours)
    )
    tenant.profile.inject(V2OwnKeys).changed(tenant.did)
    newest = own.held or own
    until = max(key.until for key in newest.old_agreement_keys)
    return RotationOut(
        did=own.did,
        keys=list(own.agreement_keys),
        old_keys_until=datetime.fromtimestamp(until, UTC),
        waits_for_witnesses=own.held is not None,
    )


async def _asked(tenant: Tenant, to: str, kind: str, body: dict[str, Any], answered_by: str) -> tuple[str, Plaintext]:
    invitation = None if to.startswith("did:") else read_invitation(to)
    did = to if invitation is None else invitation.did
    asking = tenant.profile.inject(V2Asking)
    pthid = None if invitation is None else invitation.id
    async with _asking_keys(tenant) as own_kids:
        try:
            answer = await asking.ask(tenant.profile, own_kids, did, kind, body, pthid=pthid)
        except ResolutionError as err:
            if (told := _with_cause(err)) is None:
                raise
            raise told from err
    if is_same(answer.type, PROBLEM_REPORT):
        code = read_code(answer)
        hint = "it cannot answer yet: try again later" if code == NOT_READY else "see its documentation"
        raise PlaintextError(f"the other side reported a problem: {code}", hint=hint)
    if not is_same(answer.type, answered_by):
        raise PlaintextError("the other side answered something else than was asked", hint="see its log")
    return did, answer


def _with_cause(err: ResolutionError) -> ResolutionError | None:
    """Return an error with what it came from, for the operator who asked; strangers are never told that much.

    None: it says so already.
    """
    cause = err.__cause__
    while cause is not None and not isinstance(cause, WanderbuchError):
        cause = cause.__cause__
    if cause is None or type(err) is not ResolutionError:
        return None
    return ResolutionError(f"{err.message}: {cause.message}", hint=cause.hint or err.hint)


@asynccontextmanager
async def _asking_keys(tenant: Tenant) -> AsyncIterator[tuple[str, ...]]:
    """Give the names of the keys to ask with: those of the public DID, or of one for this question alone."""
    if tenant.has_did:
        yield await _own_keys(tenant)
        return
    _check_takes_v2(tenant)
    ring, peer = tenant.profile.inject(KeyRing), fresh_v2_peer(None)
    for key in peer.keys:
        ring.put(tenant.id, key.kid, key.key)
    try:
        yield peer.kids
    finally:
        for kid in peer.kids:
            ring.drop(kid)


async def _own_keys(tenant: Tenant) -> tuple[str, ...]:
    """Return the names of the keys of the public DID."""
    _check_takes_v2(tenant)
    if not tenant.has_did:
        raise RefusedError("this agent has no public DID, and so no keys of one to replace")
    own = await own_did(tenant.profile, tenant.did)
    if own is None or not own.agreement_keys:
        raise _takes_no_v2()
    return own.agreement_keys


def _check_takes_v2(tenant: Tenant) -> None:
    if not tenant.config.takes_v2:
        raise _takes_no_v2()


def _takes_no_v2() -> RefusedError:
    return RefusedError("this agent does not speak DIDComm v2", hint="set [public] didcomm_v2 = true and restart it")


V2_ROUTES: Final[Sequence[Route]] = (
    post(
        "/invitations", _invite, body=V2InvitationIn, result=V2InvitationOut, status=201, summary="Invite to DIDComm v2"
    ),
    post("/pings", _ping, body=PeerIn, result=PingOut, summary="Ask whether somebody is there"),
    post("/questions", _question, body=QuestionIn, result=AnswerOut, summary="Ask a trust registry (TRQP)"),
    post("/keys/rotate", _rotate, body=RotationIn, result=RotationOut, summary="Replace the keys for key agreement"),
    post("/features", _features, body=FeaturesIn, result=FeaturesOut, summary="Ask what somebody speaks"),
)
"""Their handlers take the tenant."""
