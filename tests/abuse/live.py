"""Exchanges of a running issuer, verifier or holder that are open, with somebody at the other end.

They are written as the role itself writes them; only that nobody was asked what may be offered or asked, so that no
authority has to run.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tests.abuse.message_schemas import encoded
from tests.unit.runtime.correspondents import Correspondent, verkey_of

from wanderbuch.agents.holder.peers import Origin
from wanderbuch.agents.holder.request_book import open_requests
from wanderbuch.agents.holder.request_messages import keep_request
from wanderbuch.agents.issuer.offers import Offer, taken
from wanderbuch.agents.issuer.signing import new_nonce
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.governance.facts.question import Requirement, Verdict
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.connecting.connections import read_connection
from wanderbuch.plugins.trust.verifying.asked import AwardPrecision
from wanderbuch.plugins.trust.verifying.exchange import Verification, open_verifications
from wanderbuch.store.record import new_id, utc_now

HOUR: Final = timedelta(hours=1)
QUESTION: Final = {
    "name": "q",
    "version": "1.0",
    "nonce": "1",
    "requested_attributes": {"1": {"name": "occupation_isco08"}},
    "requested_predicates": {},
}


def question_members(question: Mapping[str, object] = QUESTION) -> dict[str, Any]:
    """Return what a message that asks holds beside its type, id and thread."""
    return {
        "formats": [{"attach_id": "anoncreds", "format": "anoncreds/proof-request@v1.0"}],
        "request_presentations~attach": [{"@id": "anoncreds", "data": {"base64": encoded(question)}}],
    }


@dataclass(frozen=True, slots=True)
class Live:
    """What is open.

    Args:
        thread: of an exchange with the peer.
        ids: of its records, and of everything that becomes of them, as their names begin.
        state: tells how the exchange stands; TAKEN: somebody has taken the invitation.
        invitation: an open one that nobody has taken; None: there is none.
    """

    thread: str
    ids: tuple[str, ...]
    state: Callable[[], Awaitable[str]]
    invitation: str | None = None


async def offers(agent: RunningAgent, peer: Correspondent) -> Live:
    """Return an offer that the peer has, and one that nobody has taken."""
    office: Any = agent.tenant.offices["issuer"]
    book = office.desk.book
    taken_offer, free = [await book.offers.insert(_offer()) for _ in range(2)]
    channel = Channel(peer.recipient, verkey_of(peer.key), "", connection_id=peer.connection_id)
    await book.offers.add(taken_offer.id, "taken", taken(channel), record=taken_offer)

    async def state() -> str:
        if (await book.offers.get(free.id)).wallet is not None:
            return "TAKEN"
        return str((await book.offers.get(taken_offer.id)).state.value)

    return Live(taken_offer.thread_id, (taken_offer.id, free.id), state, invitation=free.id)


def _offer() -> Offer:
    offer_id, now = new_id(), utc_now()
    did = "did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.wanderbuch.test:org"
    return Offer(
        id=offer_id,
        created_at=now,
        credential_type="qualification/1.0",
        schema_id=f"{did}/resources/schema",
        cred_def_id=f"{did}/resources/definition",
        values={"occupation_isco08": "C7212"},
        governance_version=1,
        answer_by=now + HOUR,
        nonce=new_nonce(),
        invitation_id=offer_id,
        invitation_url="https://issuer.wanderbuch.test/didcomm?oob=e30",
        short_url="https://issuer.wanderbuch.test/i/1",
    )


async def verification(agent: RunningAgent, _: Correspondent) -> Live:
    """Return a question that whoever knows its thread may answer."""
    book, now = open_verifications(agent.profile), utc_now()
    asked = await book.insert(
        Verification(
            id=new_id(),
            invitation_url="https://verifier.wanderbuch.test/didcomm?oob=e30",
            requirement=Requirement("C7212", "MLT", min_eqf_level=3),
            award_precision=AwardPrecision.YEAR,
            proof_request=QUESTION,
            words=(),
            names=("occupation_isco08",),
            hidden=(),
            eligible=(),
            schemas=(),
            created_at=now,
            answer_by=now + HOUR,
        )
    )

    async def state() -> str:
        now = await book.get(asked.id)
        is_trusted = now.decision is not None and now.decision.verdict is Verdict.TRUSTED
        return "TRUSTED" if is_trusted else now.state.value

    return Live(asked.id, (asked.id,), state)


async def question(agent: RunningAgent, peer: Correspondent) -> Live:
    """Return a question that the peer has put to a wallet over its connection."""
    async with agent.profile.session() as session:
        connection = await read_connection(session, peer.recipient)
    assert connection is not None
    office: Any = agent.tenant.offices["holder"]
    thread = new_id()
    kept = await keep_request(agent.profile, office.config, question_members(), thread, Origin.over(connection))
    book = open_requests(agent.profile)

    async def state() -> str:
        return (await book.get(kept.id)).state.value

    return Live(thread, (kept.id,), state)


OPENED: Final[Mapping[str, Callable[[RunningAgent, Correspondent], Awaitable[Live]]]] = {
    "issuer": offers,
    "verifier": verification,
    "holder": question,
}
"""By role."""
