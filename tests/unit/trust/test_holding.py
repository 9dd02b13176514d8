"""The guard inside ACA-Py's exchanges: real wallet, real managers, real credentials; only the network is missing."""

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anoncreds
import pytest
from acapy_agent.anoncreds.holder import AnonCredsHolder
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.anoncreds.util import indy_client_dir
from acapy_agent.cache.base import BaseCache
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder, MockResponder
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager, V20CredManagerError
from acapy_agent.protocols.issue_credential.v2_0.message_types import MESSAGE_TYPES as CREDENTIAL_MESSAGES
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_ack import V20CredAck
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_issue import V20CredIssue
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_problem_report import V20CredProblemReport
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_request import V20CredRequest
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredAttrSpec, V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.message_types import MESSAGE_TYPES as PROOF_MESSAGES
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.utils.testing import create_test_profile
from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER_VALUES,
    Authority,
    FileHost,
    Issuer,
    Registry,
    accreditation,
    payload,
    values,
)

from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.question import Verdict
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.ending import Ending, read_ending
from wanderbuch.plugins.trust.holding import setup_holding
from wanderbuch.plugins.trust.judgements import JudgementBook, is_current
from wanderbuch.plugins.trust.keeping import (
    CREDENTIAL_WITHHELD,
    OFFER_WITHHELD,
    accept_offer,
    end_offer,
    keep_credential,
    withhold_untrusted,
)
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig

AUTO_ACCEPT = "debug.auto_respond_credential_offer"
AUTO_PRESENT = "debug.auto_respond_presentation_request"


class HolderRegistry(Registry):
    async def get_schema_info_by_id(self, profile: Any, schema_id: str) -> Any:
        return SimpleNamespace(issuer_id=AUTHORITY, name="qualification", version="1.0")


class Wallet:
    """A holder's ACA-Py with the guard, and an issuer at the other end of its one connection."""

    def __init__(self, profile: Profile, host: FileHost, authority: Authority, accredited: Mapping[Any, Any]) -> None:
        self.profile = profile
        self.host = host
        self.authority = authority
        self.accredited = accredited
        self.issuer_hears = MockResponder()
        self.now = datetime.now(UTC)
        self.version = 0
        self.connection = ConnRecord(my_did="did:peer:4zQmMine", their_label="centre", state=ConnRecord.State.COMPLETED)

    async def publish(self, *, accredited: bool = True, refresh: bool = True) -> None:
        """Publish the next version of the governance file, with or without any accreditation."""
        self.version += 1
        who = self.accredited if accredited else dict.fromkeys(self.accredited, ())
        signed = await self.authority.file(payload(who, version=self.version))
        self.host.files = {
            "current.jws": signed.jws,
            "freshness.jws": await self.authority.statement(signed, at=self.now),
        }
        if refresh:
            await self.profile.inject(GovernanceSource).refresh()

    async def receive(self, message: Any) -> None:
        """Have a message dispatched as ACA-Py does."""
        registry = self.profile.inject(ProtocolRegistry)
        wire = message.serialize()
        kind = registry.resolve_message_class(wire["@type"])
        context = RequestContext(self.profile)
        context.message = getattr(kind, "resolved", kind).deserialize(wire)
        context.message_receipt = MessageReceipt(thread_id=context.message._thread_id)
        context.connection_ready, context.connection_record = True, self.connection
        await context.message.Handler().handle(context, self.issuer_hears)

    async def exchange(self) -> V20CredExRecord:
        async with self.profile.session() as session:
            (record,) = await V20CredExRecord.query(session)
        return record

    def heard(self) -> list[type]:
        return [type(sent) for sent, _ in self.issuer_hears.messages]

    async def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await AnonCredsHolder(self.profile).get_credentials(offset=0, limit=10, wql={})
        return found


@pytest.fixture
async def wallet_side(
    authority: Authority,
    training_centre: Issuer,
    cooking_school: Issuer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Wallet]:
    monkeypatch.setenv("HOME", str(tmp_path))
    profile = await create_test_profile({"wallet.type": "askar-anoncreds", "preserve_exchange_records": True})
    host, bind = FileHost(), profile.context.injector.bind_instance
    accredited = {
        training_centre.did: [accreditation([training_centre.cred_def_id])],
        cooking_school.did: [accreditation([cooking_school.cred_def_id], id="acc-2", occupations=["C512"])],
    }
    wallet = Wallet(profile, host, authority, accredited)
    source = GovernanceSource(
        GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
        edge=cast(HttpEdge, host),
        resolve_key=authority.resolve_key,
        clock=lambda: wallet.now,
    )
    protocols = ProtocolRegistry()
    protocols.register_message_types(CREDENTIAL_MESSAGES)
    protocols.register_message_types(PROOF_MESSAGES)
    for kind, instance in {
        AnonCredsRegistry: AnonCredsRegistry([HolderRegistry(training_centre, cooking_school)]),
        EventBus: EventBus(),
        GovernanceSource: source,
        ProtocolRegistry: protocols,
        BaseResponder: wallet.issuer_hears,
        OobMessageProcessor: OobMessageProcessor(lambda *_: None),
    }.items():
        bind(kind, instance)
    profile.context.injector.clear_binding(BaseCache)
    await setup_holding(profile.context)
    async with profile.session() as session:
        await wallet.connection.save(session)
    await wallet.publish()
    yield wallet
    await profile.close()


def offer_of(issuer: Issuer, claim: Mapping[str, str] = WELDER_VALUES) -> V20CredOffer:
    """An offer with a fresh nonce."""
    made = anoncreds.CredentialOffer.create(issuer.schema_id, issuer.cred_def_id, issuer._proof)
    return V20CredOffer(
        credential_preview=V20CredPreview(attributes=V20CredAttrSpec.list_plain(dict(claim))),
        formats=[V20CredFormat(attach_id="a", format_="anoncreds/credential-offer@v1.0")],
        offers_attach=[AttachDecorator.data_base64(json.loads(made.to_json()), ident="a")],
    )


async def signed(wallet: Wallet, issuer: Issuer, claim: Mapping[str, str] = WELDER_VALUES) -> V20CredIssue:
    """The credential for the request that the wallet sent, over any values."""
    record = await wallet.exchange()
    anoncreds_format = V20CredFormat.Format.ANONCREDS
    issuer._next += 1
    credential = anoncreds.Credential.create(
        issuer.cred_def,
        issuer._private,
        record.cred_offer.attachment(anoncreds_format),
        record.cred_request.attachment(anoncreds_format),
        dict(claim),
        None,
        anoncreds.CredentialRevocationConfig(
            issuer.registry, issuer._registry_private, issuer.list_in_force, issuer._next
        ),
    )
    message = V20CredIssue(
        formats=[V20CredFormat(attach_id="a", format_="anoncreds/credential@v1.0")],
        credentials_attach=[AttachDecorator.data_base64(json.loads(credential.to_json()), ident="a")],
    )
    message.assign_thread_id(record.thread_id)
    return message


def place_tails(issuer: Issuer) -> None:
    """Put the tails file where a download would put it."""
    folder = Path(indy_client_dir("tails", create=True))
    shutil.copy(issuer.registry.tails_location, folder / issuer.registry.tails_hash)


async def accepted(wallet: Wallet, issuer: Issuer) -> V20CredExRecord:
    await wallet.receive(offer_of(issuer))
    decision = await accept_offer(wallet.profile, await wallet.exchange())
    assert decision.verdict is Verdict.TRUSTED
    return await wallet.exchange()


async def test_a_trusted_offer_waits_for_the_person(wallet_side: Wallet, training_centre: Issuer) -> None:
    await wallet_side.receive(offer_of(training_centre))
    assert (await wallet_side.exchange()).state == V20CredExRecord.STATE_OFFER_RECEIVED
    assert wallet_side.heard() == []


async def test_the_judgement_of_an_offer_is_kept_when_it_comes(
    wallet_side: Wallet, training_centre: Issuer, cooking_school: Issuer
) -> None:
    await wallet_side.receive(offer_of(training_centre))
    await wallet_side.receive(offer_of(cooking_school))
    async with wallet_side.profile.session() as session:
        records = await V20CredExRecord.query(session)
    book, source = JudgementBook(wallet_side.profile), wallet_side.profile.inject(GovernanceSource)
    kept = await book.every([record.cred_ex_id for record in records])
    assert {kept[record.cred_ex_id].verdict for record in records} == {Verdict.TRUSTED, Verdict.NOT_TRUSTED}
    assert all(is_current(each, source.snapshot(), at=wallet_side.now) for each in kept.values())
    late = wallet_side.now + timedelta(days=400)  # nobody has vouched for the governance since
    assert not any(is_current(each, source.snapshot(), at=late) for each in kept.values())
    await wallet_side.publish(accredited=False)
    assert not any(is_current(each, source.snapshot(), at=wallet_side.now) for each in kept.values())
    assert not any(is_current(each, None, at=wallet_side.now) for each in kept.values())
    await book.forget(records[0].cred_ex_id)
    assert await book.get(records[0].cred_ex_id) is None


@pytest.mark.parametrize(("size", "taken"), [(200_000, True), (300_000, False)])
async def test_takes_no_offer_or_request_larger_than_honest_ones(
    wallet_side: Wallet, training_centre: Issuer, size: int, taken: bool
) -> None:
    offered = offer_of(training_centre, {**WELDER_VALUES, "family_name": "x" * size})
    await wallet_side.receive(offered)
    empty: dict[str, Any] = {"requested_attributes": {}, "requested_predicates": {}}
    for attachment in (
        AttachDecorator.data_base64({"name": "x" * (size * 3 // 4), **empty}, ident="a"),  # a third longer there
        AttachDecorator.data_json({"name": "x" * size, **empty}, ident="a"),
    ):
        await wallet_side.receive(
            V20PresRequest(
                formats=[V20PresFormat(attach_id="a", format_="anoncreds/proof-request@v1.0")],
                request_presentations_attach=[attachment],
            )
        )
    async with wallet_side.profile.session() as session:
        assert len(await V20CredExRecord.query(session)) == int(taken)
        assert len(await V20PresExRecord.query(session)) == 2 * int(taken)


async def test_an_untrusted_offer_can_not_be_accepted_by_acapys_own_route(
    wallet_side: Wallet, cooking_school: Issuer
) -> None:
    await wallet_side.receive(offer_of(cooking_school))
    record = await wallet_side.exchange()
    assert record.state == OFFER_WITHHELD
    with pytest.raises(V20CredManagerError):  # what POST /issue-credential-2.0/records/{id}/send-request calls
        await V20CredManager(wallet_side.profile).create_request(record, "did:peer:4zQmMine")
    assert (await accept_offer(wallet_side.profile, record)).verdict is Verdict.NOT_TRUSTED
    assert wallet_side.heard() == []


async def test_auto_accept_asks_for_a_trusted_offer_only(
    wallet_side: Wallet, training_centre: Issuer, cooking_school: Issuer
) -> None:
    wallet_side.profile.settings[AUTO_ACCEPT] = True
    await wallet_side.receive(offer_of(cooking_school))
    assert wallet_side.heard() == []
    await wallet_side.receive(offer_of(training_centre))
    assert wallet_side.heard() == [V20CredRequest]


async def test_without_the_guard_acapy_would_have_asked(wallet_side: Wallet, cooking_school: Issuer) -> None:
    wallet_side.profile.settings[AUTO_ACCEPT] = True
    wallet_side.profile.inject(ProtocolRegistry).register_message_types(CREDENTIAL_MESSAGES)
    await wallet_side.receive(offer_of(cooking_school))
    assert wallet_side.heard() == [V20CredRequest]


async def test_an_issuer_that_was_accredited_after_the_last_look_is_trusted_when_the_person_accepts(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    await wallet_side.publish(accredited=False)
    await wallet_side.receive(offer_of(training_centre))
    record = await wallet_side.exchange()
    assert record.state == OFFER_WITHHELD
    wallet_side.now += timedelta(seconds=1)
    await wallet_side.publish(refresh=False)  # the file held is fresh, and says no
    assert (await accept_offer(wallet_side.profile, record)).verdict is Verdict.TRUSTED


@pytest.mark.parametrize("stale", [True, False])
async def test_an_offer_that_can_not_be_judged_waits_until_it_can(
    wallet_side: Wallet, training_centre: Issuer, stale: bool
) -> None:
    if stale:
        wallet_side.now -= timedelta(days=1)
        await wallet_side.publish()
    else:
        await wallet_side.publish(accredited=False)
    await wallet_side.receive(offer_of(training_centre))
    record = await wallet_side.exchange()
    assert record.state == OFFER_WITHHELD
    wallet_side.now = datetime.now(UTC)
    await wallet_side.publish()
    assert (await accept_offer(wallet_side.profile, record)).verdict is Verdict.TRUSTED
    assert (await wallet_side.exchange()).state == V20CredExRecord.STATE_REQUEST_SENT


async def test_an_offer_is_withheld_when_the_accreditation_is_gone(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    await wallet_side.receive(offer_of(training_centre))
    await wallet_side.publish(accredited=False)
    await withhold_untrusted(wallet_side.profile, await wallet_side.exchange())
    assert (await wallet_side.exchange()).state == OFFER_WITHHELD


async def test_an_offer_that_the_person_may_have_seen_is_not_replaced(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    seen = offer_of(training_centre)
    await wallet_side.receive(seen)
    record = await wallet_side.exchange()
    second = offer_of(training_centre, values(family_name="Fernando"))
    second.assign_thread_id(record.thread_id)
    await wallet_side.receive(second)
    held = (await wallet_side.exchange()).cred_offer
    assert held.credential_preview.attr_dict(decode=False)["family_name"] == "Perera"
    await wallet_side.receive(seen)  # delivered again
    assert (await wallet_side.exchange()).state == V20CredExRecord.STATE_OFFER_RECEIVED


async def test_a_second_offer_on_an_accepted_thread_is_not_taken(wallet_side: Wallet, training_centre: Issuer) -> None:
    record = await accepted(wallet_side, training_centre)
    second = offer_of(training_centre, values(family_name="Fernando"))
    second.assign_thread_id(record.thread_id)
    await wallet_side.receive(second)
    after = await wallet_side.exchange()
    assert after.state == V20CredExRecord.STATE_REQUEST_SENT
    assert after.cred_offer.serialize() == record.cred_offer.serialize()


async def test_keeps_the_credential_that_was_offered(wallet_side: Wallet, training_centre: Issuer) -> None:
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    await wallet_side.receive(await signed(wallet_side, training_centre))
    assert (await wallet_side.exchange()).state == V20CredExRecord.STATE_DONE
    assert [each["attrs"] for each in await wallet_side.credentials()] == [dict(WELDER_VALUES)]
    assert wallet_side.heard() == [V20CredRequest, V20CredAck]


async def test_acknowledges_again_when_the_same_credential_comes_again(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    message = await signed(wallet_side, training_centre)
    await wallet_side.receive(message)
    await wallet_side.receive(message)
    assert wallet_side.heard() == [V20CredRequest, V20CredAck, V20CredAck]
    assert len(await wallet_side.credentials()) == 1


async def test_does_not_take_another_credential_once_one_is_kept(wallet_side: Wallet, training_centre: Issuer) -> None:
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    await wallet_side.receive(await signed(wallet_side, training_centre))
    await wallet_side.receive(await signed(wallet_side, training_centre))
    assert wallet_side.heard() == [V20CredRequest, V20CredAck]
    assert len(await wallet_side.credentials()) == 1


async def test_refuses_a_credential_with_another_value(wallet_side: Wallet, training_centre: Issuer) -> None:
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    await wallet_side.receive(await signed(wallet_side, training_centre, values(family_name="Fernando")))
    record = await wallet_side.exchange()
    assert record.state == V20CredExRecord.STATE_ABANDONED
    assert read_ending(record.error_msg).ending is Ending.REFUSED
    assert await wallet_side.credentials() == []
    assert wallet_side.heard() == [V20CredRequest, V20CredProblemReport]
    with pytest.raises(V20CredManagerError):  # what POST /issue-credential-2.0/records/{id}/store calls
        await V20CredManager(wallet_side.profile).store_credential(record)


async def test_refuses_a_credential_that_someone_else_signed(
    wallet_side: Wallet, training_centre: Issuer, cooking_school: Issuer
) -> None:
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    message = await signed(wallet_side, training_centre)
    content = message.attachment(V20CredFormat.Format.ANONCREDS)
    content["signature"]["p_credential"]["a"] = "1" + content["signature"]["p_credential"]["a"]
    message.credentials_attach = [AttachDecorator.data_base64(content, ident="a")]
    await wallet_side.receive(message)
    assert read_ending((await wallet_side.exchange()).error_msg).ending is Ending.REFUSED
    assert await wallet_side.credentials() == []


async def test_refuses_a_credential_whose_issuer_lost_its_accreditation(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    await accepted(wallet_side, training_centre)
    await wallet_side.publish(accredited=False)
    await wallet_side.receive(await signed(wallet_side, training_centre))
    assert read_ending((await wallet_side.exchange()).error_msg).ending is Ending.REFUSED


async def test_a_credential_waits_until_its_tails_file_is_there(
    wallet_side: Wallet, training_centre: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 3: ACA-Py would download it itself and block the process meanwhile."""
    monkeypatch.setattr("requests.Session.get", lambda *_, **__: pytest.fail("ACA-Py downloads the tails file"))
    await accepted(wallet_side, training_centre)
    await wallet_side.receive(await signed(wallet_side, training_centre))
    record = await wallet_side.exchange()
    assert record.state == CREDENTIAL_WITHHELD
    place_tails(training_centre)
    await keep_credential(wallet_side.profile, record)
    assert (await wallet_side.exchange()).state == V20CredExRecord.STATE_DONE
    assert len(await wallet_side.credentials()) == 1


async def test_a_credential_that_was_kept_before_a_crash_is_kept_once(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    await wallet_side.receive(await signed(wallet_side, training_centre))
    record = await wallet_side.exchange()
    record.state = V20CredExRecord.STATE_CREDENTIAL_RECEIVED  # as a crash between storing and acknowledging leaves it
    await keep_credential(wallet_side.profile, record)
    assert len(await wallet_side.credentials()) == 1
    assert wallet_side.heard() == [V20CredRequest, V20CredAck, V20CredAck]


async def test_a_credential_that_was_not_asked_for_is_not_taken(wallet_side: Wallet, training_centre: Issuer) -> None:
    await accepted(wallet_side, training_centre)
    message = await signed(wallet_side, training_centre)
    await end_offer(wallet_side.profile, await wallet_side.exchange(), Ending.DECLINED, "no")
    await wallet_side.receive(message)
    assert (await wallet_side.exchange()).state == V20CredExRecord.STATE_ABANDONED
    assert await wallet_side.credentials() == []


async def test_a_declined_offer_can_not_be_accepted(wallet_side: Wallet, training_centre: Issuer) -> None:
    await wallet_side.receive(offer_of(training_centre))
    await end_offer(wallet_side.profile, await wallet_side.exchange(), Ending.DECLINED, "no")
    with pytest.raises(ExchangeError):
        await accept_offer(wallet_side.profile, await wallet_side.exchange())
    assert wallet_side.heard() == [V20CredProblemReport]


def proof_request(name: str) -> V20PresRequest:
    asked = {
        "name": "x",
        "version": "1.0",
        "nonce": "123",
        "requested_attributes": {"q": {"name": name, "restrictions": [{"schema_name": "qualification"}]}},
        "requested_predicates": {},
    }
    return V20PresRequest(
        formats=[V20PresFormat(attach_id="a", format_="anoncreds/proof-request@v1.0")],
        request_presentations_attach=[AttachDecorator.data_base64(asked, ident="a")],
    )


async def asked_exchange(wallet: Wallet) -> V20PresExRecord:
    async with wallet.profile.session() as session:
        (record,) = await V20PresExRecord.query(session)
    return record


async def test_never_answers_a_proof_request_by_itself(wallet_side: Wallet, training_centre: Issuer) -> None:
    """Trap 4: auto-respond may choose a revoked credential."""
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    await wallet_side.receive(await signed(wallet_side, training_centre))
    wallet_side.issuer_hears.messages.clear()
    wallet_side.profile.settings[AUTO_PRESENT] = True
    await wallet_side.receive(proof_request("occupation_isco08"))
    record = await asked_exchange(wallet_side)
    assert (record.state, record.auto_present) == (V20PresExRecord.STATE_REQUEST_RECEIVED, False)
    assert wallet_side.heard() == []


async def test_a_second_request_on_an_answered_thread_is_not_taken(wallet_side: Wallet) -> None:
    first = proof_request("occupation_isco08")
    await wallet_side.receive(first)
    record = await asked_exchange(wallet_side)
    record.state = V20PresExRecord.STATE_PRESENTATION_SENT
    async with wallet_side.profile.session() as session:
        await record.save(session)
    second = proof_request("family_name")
    second.assign_thread_id(first._thread_id)
    await wallet_side.receive(second)
    after = await asked_exchange(wallet_side)
    assert after.state == V20PresExRecord.STATE_PRESENTATION_SENT
    assert "family_name" not in str(after.pres_request.attachment(V20PresFormat.Format.ANONCREDS))


async def test_a_credential_with_names_in_another_spelling_is_kept_and_read_by_its_attributes(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    """AnonCreds ignores case and spaces: an issuer on other software may spell names so, and the signature holds."""
    place_tails(training_centre)
    spelled = {f" {name.title()}": value for name, value in WELDER_VALUES.items()}
    await wallet_side.receive(offer_of(training_centre, spelled))
    record = await wallet_side.exchange()
    assert (await accept_offer(wallet_side.profile, record)).verdict is Verdict.TRUSTED
    await wallet_side.receive(await signed(wallet_side, training_centre, spelled))
    assert wallet_side.heard()[-1] is V20CredAck
    (held,) = await list_credentials(wallet_side.profile, check_revocation=False)
    assert dict(held.values) == dict(WELDER_VALUES)
    assert held.expires_on is None


async def test_a_credential_with_one_attribute_in_two_spellings_is_never_kept(
    wallet_side: Wallet, training_centre: Issuer
) -> None:
    """The library takes such values and signs one of the two: which one, the text does not tell."""
    place_tails(training_centre)
    await accepted(wallet_side, training_centre)
    await wallet_side.receive(await signed(wallet_side, training_centre, {**WELDER_VALUES, "Family_Name": "Silva"}))
    assert await wallet_side.credentials() == []
    assert (await wallet_side.exchange()).state == V20CredExRecord.STATE_ABANDONED
