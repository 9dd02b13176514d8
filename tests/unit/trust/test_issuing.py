"""The issuer's guard inside ACA-Py's exchanges: what is signed, what is not, and what a lost answer brings."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.message_types import CRED_20_PROPOSAL
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_proposal import V20CredProposal
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredAttrSpec, V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.issue_credential.v2_0.models.detail.anoncreds import V20CredExRecordAnonCreds
from tests.unit.issuer.workshop import Workshop, values_of
from tests.unit.trust.ecosystem import WELDER_VALUES, values

from wanderbuch.agents.issuer.offers import OfferState, Receipt
from wanderbuch.plugins.trust.issuing import OfferBook

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREDENTIAL, REPORT = "V20CredIssue", "V20CredProblemReport"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made = Workshop(folder)
        await made.open()
        yield made
        await made.profile.close()


@pytest_asyncio.fixture(loop_scope="module")
async def workshop(opened: Workshop) -> Workshop:
    """The workshop with room in its registry and nothing in the wallet's ears."""
    opened.start()
    await opened.standing.prepare()
    await opened.publish()
    opened.heard()
    return opened


async def offered_by_the_way(workshop: Workshop, claimed: dict[str, str]) -> V20CredExRecord:
    """An offer that somebody makes with ACA-Py's own manager, to be issued automatically."""
    manager = V20CredManager(workshop.profile)
    filters = {"cred_def_id": workshop.cred_def_id, "schema_id": workshop.schema_id}
    handler = V20CredFormat.Format.ANONCREDS.handler(workshop.profile)
    cred_format, attachment = handler.get_format_data(CRED_20_PROPOSAL, filters)
    proposal = V20CredProposal(
        credential_preview=V20CredPreview(attributes=V20CredAttrSpec.list_plain(claimed)),
        formats=[cred_format],
        filters_attach=[attachment],
    )
    record, _ = await manager.prepare_send(workshop.connection.connection_id, proposal)
    return record


async def test_signs_what_was_offered_and_notes_its_place(workshop: Workshop) -> None:
    offer = await workshop.offer()
    await workshop.ask(offer)
    assert workshop.heard() == [CREDENTIAL]
    issued = await workshop.desk.get(offer.id)
    assert (issued.state, issued.connection_id) == (OfferState.ISSUED, workshop.connection.connection_id)
    assert issued.index is not None
    signed = values_of((await workshop.exchange(offer)).cred_issue)
    assert {name: value["raw"] for name, value in signed.items()} == issued.values


async def test_same_request_again_gets_the_same_credential_and_no_second_place(workshop: Workshop) -> None:
    offer = await workshop.offer()
    request = await workshop.ask(offer)
    used = await workshop.used()
    (first,) = [message for message, _ in workshop.wallet_hears.messages]
    await workshop.receive(request)
    again = workshop.wallet_hears.messages[-1][0]
    assert values_of(again) == values_of(first)
    assert again._thread_id == first._thread_id
    assert await workshop.used() == used


async def test_another_request_for_an_issued_credential_is_refused(workshop: Workshop) -> None:
    offer = await workshop.issue()
    used, _ = await workshop.used(), workshop.heard()
    await workshop.ask(offer)
    assert workshop.heard() == [REPORT]
    assert await workshop.used() == used
    assert (await workshop.desk.get(offer.id)).state is OfferState.ISSUED


async def test_what_a_crash_left_half_signed_is_signed_once_more(workshop: Workshop) -> None:
    offer = await workshop.offer()
    async with workshop.profile.session() as session:
        left = V20CredExRecordAnonCreds(cred_ex_id=offer.cred_ex_id, rev_reg_id="x", cred_rev_id="1")
        await left.save(session)
    await workshop.ask(offer)
    assert workshop.heard() == [CREDENTIAL]
    assert (await workshop.desk.get(offer.id)).state is OfferState.ISSUED


async def test_does_not_sign_when_the_accreditation_no_longer_covers_it(workshop: Workshop) -> None:
    offer = await workshop.offer()
    await workshop.publish(occupations=["C75"])
    await workshop.ask(offer)
    assert workshop.heard() == [REPORT]
    refused = await workshop.desk.get(offer.id)
    assert refused.state is OfferState.REFUSED
    assert refused.reasons
    assert (await workshop.exchange(offer)).state == V20CredExRecord.STATE_ABANDONED


async def test_refuses_a_request_that_would_keep_the_library_busy(workshop: Workshop) -> None:
    """A challenge of two million digits costs it a minute of a core that nothing can cut short (anoncreds 0.2.3)."""
    offer = await workshop.offer()
    honest = await workshop.request_for(await workshop.exchange(offer))
    content = honest.requests_attach[0].content
    content["blinded_ms_correctness_proof"]["c"] = "9" * 50_000
    honest.requests_attach = [AttachDecorator.data_base64(content, ident="a")]
    await workshop.receive(honest)
    assert workshop.heard() == [REPORT]
    refused = await workshop.desk.get(offer.id)
    assert [reason.code for reason in refused.reasons] == ["issuing.oversize"]


async def test_does_not_sign_when_governance_is_stale(workshop: Workshop) -> None:
    offer = await workshop.offer()
    workshop.host.down = True
    try:
        workshop.source._home._held = None
        await workshop.ask(offer)
    finally:
        workshop.host.down = False
    assert workshop.heard() == [REPORT]
    assert (await workshop.desk.get(offer.id)).state is OfferState.REFUSED


async def test_refuses_an_offer_that_was_not_made_at_the_desk(workshop: Workshop) -> None:
    exchange = await offered_by_the_way(workshop, dict(WELDER_VALUES))
    await workshop.receive(await workshop.request_for(exchange))
    assert workshop.heard() == [REPORT]


@pytest.mark.parametrize(
    ("claimed", "sent"),
    [
        (dict(WELDER_VALUES), CREDENTIAL),
        (values(occupation_isco08="C5120"), REPORT),
        (values(eqf_level="5"), REPORT),
        (values(awarded_on="20190610"), REPORT),
    ],
    ids=["welder", "cook", "level above the crosswalk's", "before the mandate"],
)
async def test_without_a_desk_the_governance_file_alone_decides(
    workshop: Workshop, claimed: dict[str, str], sent: str
) -> None:
    """Somebody else's ACA-Py that loads the plugin: its automatic answers go no further than its accreditation."""
    workshop.profile.context.injector.clear_binding(OfferBook)
    exchange = await offered_by_the_way(workshop, claimed)
    await workshop.receive(await workshop.request_for(exchange))
    assert workshop.heard() == [sent]


async def test_refuses_values_that_were_changed_after_the_offer(workshop: Workshop) -> None:
    offer = await workshop.offer()
    exchange = await workshop.exchange(offer)
    changed = exchange.cred_offer
    changed.credential_preview = V20CredPreview(
        attributes=V20CredAttrSpec.list_plain(offer.values | {"family_name": "Fernando"})
    )
    exchange.cred_offer = changed
    async with workshop.profile.session() as session:
        await exchange.save(session)
    await workshop.ask(offer)
    assert workshop.heard() == [REPORT]
    assert [reason.code for reason in (await workshop.desk.get(offer.id)).reasons] == ["issuing.changed"]


async def test_late_request_ends_as_no_answer(workshop: Workshop) -> None:
    offer = await workshop.offer(lifetime=timedelta(seconds=-1))
    await workshop.ask(offer)
    assert workshop.heard() == [REPORT]
    assert (await workshop.desk.get(offer.id)).state is OfferState.NO_ANSWER


async def test_decline_is_found_though_the_exchange_knows_no_connection_yet(workshop: Workshop) -> None:
    """ACA-Py looks for it by the connection it came over, and loses it."""
    offer = await workshop.offer()
    exchange = await workshop.exchange(offer)
    assert exchange.connection_id is None
    await workshop.receive(workshop.decline(exchange))
    assert (await workshop.desk.get(offer.id)).state is OfferState.DECLINED
    await workshop.ask(offer)
    assert workshop.heard() == [REPORT]


async def test_another_connection_can_not_take_over_an_exchange(workshop: Workshop) -> None:
    offer = await workshop.issue()
    stranger = ConnRecord(my_did="did:peer:4zQmOther", their_label="stranger", state=ConnRecord.State.COMPLETED)
    async with workshop.profile.session() as session:
        await stranger.save(session)
    exchange = await workshop.exchange(offer)
    workshop.heard()
    request = await workshop.request_for(exchange)
    await workshop.receive(request, over=stranger)
    assert workshop.heard() == [REPORT]
    assert (await workshop.exchange(offer)).connection_id == workshop.connection.connection_id


async def test_acknowledgement_counts_only_for_what_was_sent(workshop: Workshop) -> None:
    early = await workshop.offer()
    await workshop.receive(workshop.ack(await workshop.exchange(early)))
    assert (await workshop.exchange(early)).state == V20CredExRecord.STATE_OFFER_SENT
    issued = await workshop.issue()
    await workshop.receive(workshop.ack(await workshop.exchange(issued)))
    assert (await workshop.desk.get(issued.id)).receipt is Receipt.KEPT


async def test_proposal_leaves_nothing_behind(workshop: Workshop) -> None:
    proposal = V20CredProposal(
        credential_preview=V20CredPreview(attributes=V20CredAttrSpec.list_plain(dict(WELDER_VALUES))),
        formats=[],
        filters_attach=[],
    )
    await workshop.receive(proposal)
    assert workshop.heard() == [REPORT]
    async with workshop.profile.session() as session:
        assert await V20CredExRecord.query(session, {"thread_id": proposal._thread_id}) == []


async def test_level_awarded_in_the_eqf_itself_needs_no_crosswalk(workshop: Workshop) -> None:
    offer = await workshop.offer(framework="EQF", framework_level="4")
    await workshop.ask(offer)
    assert workshop.heard() == [CREDENTIAL]
    assert (offer.values["eqf_level"], offer.values["crosswalk_version"]) == ("4", "none")
