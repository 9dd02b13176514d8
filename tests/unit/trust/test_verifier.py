"""The desk: each answer, honest or not, ends the verification in a saved state; real credentials, real proofs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.responder import MockResponder
from acapy_agent.protocols.present_proof.v2_0.manager import V20PresManager
from acapy_agent.protocols.present_proof.v2_0.messages.pres import V20Pres
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_problem_report import V20PresProblemReport
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.utils.testing import create_test_profile
from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER,
    WELDER_VALUES,
    Authority,
    FileHost,
    Held,
    Issuer,
    Registry,
    Worker,
    accreditation,
    message,
    payload,
    values,
)

from wanderbuch.governance.question import LevelProof, Requirement, Subject, Verdict
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.exchange import (
    UnknownVerificationError,
    Verification,
    VerificationBook,
    VerificationState,
    take_answer,
)
from wanderbuch.plugins.trust.presentation import message_digest
from wanderbuch.plugins.trust.request import AwardPrecision, compile_request
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.telling import Accepted
from wanderbuch.plugins.trust.verifier import DeskLimits, VerificationDesk

FORMAT = V20PresFormat.Format.ANONCREDS.api


@dataclass
class Employer:
    """A verifier with everything real but the hosts it fetches from."""

    profile: Profile
    desk: VerificationDesk
    source: GovernanceSource
    registry: Registry
    host: FileHost
    wallet_hears: MockResponder
    now: datetime

    def clock(self) -> datetime:
        return self.now

    async def ask(
        self, requirement: Requirement = WELDER, precision: AwardPrecision = AwardPrecision.YEAR
    ) -> Verification:
        """Put a question; the invitation is for tests with real agents."""
        snapshot = self.source.snapshot()
        assert snapshot is not None
        compiled = compile_request(
            requirement,
            snapshot,
            at=self.now,
            answer_by=self.now + timedelta(minutes=10),
            name="Employer",
            nonce=str(datetime.now(UTC).timestamp()).replace(".", ""),
            award_precision=precision,
        )
        request = V20PresRequest(
            will_confirm=True,
            formats=[V20PresFormat(attach_id=FORMAT, format_="anoncreds/proof-request@v1.0")],
            request_presentations_attach=[AttachDecorator.data_base64(compiled.proof_request, ident=FORMAT)],
        )
        record = await V20PresManager(self.profile).create_exchange_for_request(None, request, auto_verify=False)
        asked = Verification(
            thread_id=record.thread_id,
            pres_ex_id=record.pres_ex_id,
            invitation_id="invitation",
            invitation_url="https://employer.wanderbuch.test/didcomm?oob=x",
            requirement=requirement,
            award_precision=precision,
            proof_request=compiled.proof_request,
            words=compiled.words,
            names=compiled.names,
            hidden=compiled.hidden,
            eligible=tuple(sorted(compiled.eligible)),
            schemas=tuple(sorted(compiled.schemas)),
            created_at=self.now,
            answer_by=self.now + timedelta(minutes=10),
        )
        await VerificationBook(self.profile).insert(asked)
        return asked

    async def get(self, asked: Verification, proof: Mapping[str, Any]) -> Verification:
        """Receive an answer and return how the verification stands then."""
        await self.desk.receive(self.profile, asked.thread_id, message(proof), self.wallet_hears)
        return await self.desk.status(self.profile, asked.id)

    async def record(self, asked: Verification) -> V20PresExRecord:
        async with self.profile.session() as session:
            return await V20PresExRecord.retrieve_by_id(session, asked.pres_ex_id)

    def heard(self) -> list[type]:
        return [type(sent) for sent, _ in self.wallet_hears.messages]


@pytest.fixture
async def employer(
    authority: Authority, training_centre: Issuer, cooking_school: Issuer, now: datetime
) -> AsyncIterator[Employer]:
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    registry, host = Registry(training_centre, cooking_school), FileHost()
    profile.context.injector.bind_instance(AnonCredsRegistry, AnonCredsRegistry([registry]))
    profile.context.injector.bind_instance(EventBus, EventBus())
    signed = await authority.file(
        payload(
            {
                training_centre.did: [
                    accreditation([training_centre.cred_def_id], occupations=["C72", "C22"]),
                ],
                cooking_school.did: [accreditation([cooking_school.cred_def_id], id="acc-2", occupations=["C512"])],
            }
        )
    )
    host.files = {"current.jws": signed.jws, "freshness.jws": await authority.statement(signed, at=now)}
    made: Employer
    source = GovernanceSource(
        GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
        edge=cast(HttpEdge, host),
        resolve_key=authority.resolve_key,
        clock=lambda: made.now,
    )
    desk = VerificationDesk(source, clock=lambda: made.now)
    made = Employer(profile, desk, source, registry, host, MockResponder(), now)
    await source.refresh()
    yield made
    await profile.close()


def codes(ended: Verification) -> list[str]:
    assert ended.decision is not None
    return [reason.code for reason in ended.decision.reasons]


def verdict(ended: Verification) -> Verdict:
    assert ended.state is VerificationState.DECIDED
    assert ended.decision is not None
    return ended.decision.verdict


async def test_trusts_an_honest_welder_and_tells_the_wallet(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert employer.heard() == [Accepted]
    sent, _ = employer.wallet_hears.messages[0]
    assert sent.serialize()["verification_result"] == "true"
    assert sent._thread_id == asked.thread_id
    assert (await employer.record(asked)).verified == "true"


async def test_sees_what_was_asked_and_nothing_else(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(replace(WELDER, subject=Subject.NAME))
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert ended.seen == {
        "occupation_isco08": "C7212",
        "award_year": "2024",
        "expires_on": "99991231",
        "framework": "LK-NVQ",
        "crosswalk_version": "lk-nvq-2023",
        "eqf_min_3": "1",
        "family_name": "Perera",
        "given_names": "Nimal",
    }


async def test_never_stores_the_presentation(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    await employer.get(asked, worker.present(asked.proof_request, welder))
    assert (await employer.record(asked)).pres is None
    async with employer.profile.session() as session:
        kept = b"".join(entry.value for entry in await session.handle.fetch_all(None))
    assert b"aggregated_proof" not in kept


async def test_trusts_a_predicate_from_one_credential(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert ended.seen is not None
    assert "eqf_level" not in ended.seen


async def test_refuses_a_level_that_is_too_low(employer: Employer, worker: Worker, young_welder: Held) -> None:
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present_unrestricted(asked.proof_request, young_welder))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["proof.invalid"]
    assert employer.heard() == [V20PresProblemReport]
    assert (await employer.record(asked)).verified == "false"


async def test_refuses_two_credentials_mixed_by_predicate(
    employer: Employer, worker: Worker, young_welder: Held, nurse: Held
) -> None:
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))
    mixed = worker.present_unrestricted(asked.proof_request, {"qualification": young_welder, "level": nurse})
    ended = await employer.get(asked, mixed)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["proof.invalid", "presentation.mixed"]


async def test_refuses_mixed_credentials_even_where_the_request_had_no_restrictions(
    employer: Employer, worker: Worker, young_welder: Held, nurse: Held
) -> None:
    # Then the library says true (anoncreds 0.2.3): the second line of defence must hold alone.
    asked = await employer.ask(replace(WELDER, level_proof=LevelProof.PREDICATE))

    def bare(held: Verification) -> Verification:
        request = dict(held.proof_request)
        for kind in ("requested_attributes", "requested_predicates"):
            request[kind] = {
                referent: {name: value for name, value in part.items() if name != "restrictions"}
                for referent, part in request[kind].items()
            }
        return held.model_copy(update={"proof_request": request})

    asked = await VerificationBook(employer.profile).change(asked.id, bare)
    mixed = worker.present(asked.proof_request, {"qualification": young_welder, "level": nurse})
    ended = await employer.get(asked, mixed)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["presentation.mixed"]


async def test_refuses_a_credential_of_an_issuer_who_counts_for_cooks_only(
    employer: Employer, worker: Worker, cooking_school: Issuer
) -> None:
    held = cooking_school.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present_unrestricted(asked.proof_request, held))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["issuer.definition_not_accepted"]
    assert (await employer.record(asked)).verified == "false"


async def test_a_foreign_definition_is_refused_before_anything_is_fetched(
    employer: Employer, worker: Worker, cooking_school: Issuer
) -> None:
    held = cooking_school.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    employer.registry.down = True
    ended = await employer.get(asked, worker.present_unrestricted(asked.proof_request, held))
    assert verdict(ended) is Verdict.NOT_TRUSTED


async def test_refuses_an_award_before_the_mandate(employer: Employer, worker: Worker, training_centre: Issuer) -> None:
    held = training_centre.issue(worker.link_secret, values(awarded_on="20190610"))
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, held))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended)[0] == "mandate.outside"


async def test_refuses_a_proof_from_a_replaced_status_list_although_it_verifies(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    held = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[held])
    ended = await employer.get(asked, worker.present(asked.proof_request, held, list_index=-2))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["revocation.old_list"]


async def test_refuses_a_revoked_credential_on_the_list_in_force(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    held = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[held])
    proof = worker.present(asked.proof_request, held, list_index=-2)
    proof["identifiers"][0]["timestamp"] = training_centre.list_in_force.to_dict()["timestamp"]
    ended = await employer.get(asked, proof)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["proof.invalid"]


async def test_refuses_a_revoked_credential_whose_proof_of_non_revocation_was_left_out(
    employer: Employer, worker: Worker, training_centre: Issuer
) -> None:
    # The library says true (anoncreds 0.2.3): it checks that proof only where there is one.
    held = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[held])
    bare = {name: value for name, value in asked.proof_request.items() if name != "non_revoked"}
    proof = worker.present(bare, held, non_revoked=False)
    proof["identifiers"][0]["timestamp"] = training_centre.list_in_force.to_dict()["timestamp"]
    ended = await employer.get(asked, proof)
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["revocation.not_proven"]


async def test_accepts_another_persons_revocation_with_the_list_in_force(
    employer: Employer, worker: Worker, training_centre: Issuer, welder: Held
) -> None:
    other = training_centre.issue(worker.link_secret, WELDER_VALUES)
    asked = await employer.ask()
    training_centre.publish_list(revoke=[other])
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED


async def test_refuses_a_proof_without_non_revocation(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    bare = {name: value for name, value in asked.proof_request.items() if name != "non_revoked"}
    ended = await employer.get(asked, worker.present(bare, welder, non_revoked=False))
    assert verdict(ended) is Verdict.NOT_TRUSTED


async def test_a_status_list_in_force_that_can_not_be_had_is_unknown(
    employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = employer.registry.get_revocation_list, await employer.ask()
    proof = worker.present(asked.proof_request, welder)

    async def get(profile: Any, registry_id: str, timestamp_from: int = 0, timestamp_to: int | None = None) -> Any:
        employer.registry.lists_down = timestamp_to != proof["identifiers"][0]["timestamp"]
        return await real(profile, registry_id, timestamp_from, timestamp_to)

    monkeypatch.setattr(employer.registry, "get_revocation_list", get)
    ended = await employer.get(asked, proof)
    assert verdict(ended) is Verdict.UNKNOWN
    assert codes(ended) == ["revocation.unchecked"]


async def test_an_unreachable_host_is_unknown_saved_and_told(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    employer.registry.down = True
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.UNKNOWN
    assert codes(ended) == ["proof.unresolved"]
    assert employer.heard() == [V20PresProblemReport]
    record = await employer.record(asked)
    assert (record.state, record.verified) == (V20PresExRecord.STATE_ABANDONED, "false")


@pytest.mark.parametrize("swapped", ["schemaId", "credDefId"])
async def test_refuses_objects_that_do_not_belong_together(
    employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    definition, registry = (
        employer.registry.get_credential_definition,
        employer.registry.get_revocation_registry_definition,
    )

    async def get_definition(profile: Any, cred_def_id: str) -> Any:
        found = await definition(profile, cred_def_id)
        if swapped == "schemaId":
            found.credential_definition.schema_id = "another"
        return found

    async def get_registry(profile: Any, registry_id: str) -> Any:
        found = await registry(profile, registry_id)
        if swapped == "credDefId":
            found.revocation_registry.cred_def_id = "another"
        return found

    monkeypatch.setattr(employer.registry, "get_credential_definition", get_definition)
    monkeypatch.setattr(employer.registry, "get_revocation_registry_definition", get_registry)
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.NOT_TRUSTED
    assert codes(ended) == ["proof.inconsistent"]


async def test_a_host_that_never_answers_is_unknown_in_time(
    employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(profile: Any, schema_id: str) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(employer.registry, "get_schema", hang)
    employer.desk.limits = DeskLimits(judging=timedelta(milliseconds=20))
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.UNKNOWN
    assert codes(ended) == ["judgement.too_slow"]


async def test_a_bug_while_judging_is_unknown(
    employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(profile: Any, schema_id: str) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(employer.registry, "get_schema", fail)
    asked = await employer.ask()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.UNKNOWN
    assert codes(ended) == ["judgement.failed"]


async def test_governance_that_went_stale_is_stale(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    employer.now += timedelta(minutes=9)
    employer.source._held = replace(employer.source._held, statement=None)  # type: ignore[type-var, arg-type]
    employer.host.down = True
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.STALE


async def test_governance_that_went_stale_is_asked_for_again(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    employer.now += timedelta(seconds=1)
    employer.source._held = replace(employer.source._held, statement=None)  # type: ignore[type-var, arg-type]
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED


class TestSecondAnswers:
    async def test_refuses_a_second_answer_after_the_decision(
        self, employer: Employer, worker: Worker, welder: Held, young_welder: Held
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present_unrestricted(asked.proof_request, young_welder))
        ended = await employer.get(asked, worker.present(asked.proof_request, welder))
        assert verdict(ended) is Verdict.NOT_TRUSTED
        assert employer.heard() == [V20PresProblemReport, V20PresProblemReport]

    async def test_of_two_answers_at_once_one_is_judged(self, employer: Employer, worker: Worker, welder: Held) -> None:
        asked = await employer.ask()
        proofs = [worker.present(asked.proof_request, welder) for _ in range(2)]
        await asyncio.gather(*(employer.get(asked, proof) for proof in proofs))
        assert sorted(kind.__name__ for kind in employer.heard()) == ["Accepted", "V20PresProblemReport"]

    async def test_refuses_the_answer_to_another_question(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        first, second = await employer.ask(), await employer.ask()
        proof = worker.present(first.proof_request, welder)
        assert verdict(await employer.get(first, proof)) is Verdict.TRUSTED
        replayed = await employer.get(second, proof)
        assert verdict(replayed) is Verdict.NOT_TRUSTED
        assert codes(replayed) == ["proof.invalid"]

    async def test_the_same_message_delivered_again_changes_nothing(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        first = await employer.get(asked, proof)
        employer.registry.down = True
        assert await employer.get(asked, proof) == first
        assert employer.heard() == [Accepted, Accepted]

    async def test_an_answer_whose_judgement_a_crash_cut_off_is_judged_when_it_is_delivered_again(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        taken = take_answer(message_digest(message(proof)), at=employer.now)
        await VerificationBook(employer.profile).change(asked.id, taken)
        assert verdict(await employer.get(asked, proof)) is Verdict.TRUSTED

    async def test_an_answer_that_is_not_delivered_again_after_a_crash_ends_unknown(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        await VerificationBook(employer.profile).change(asked.id, take_answer("0" * 64, at=employer.now))
        await employer.desk.sweep(employer.profile, employer.now)
        assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.JUDGING
        employer.now += timedelta(minutes=5)
        await employer.desk.sweep(employer.profile, employer.now)
        ended = await VerificationBook(employer.profile).get(asked.id)
        assert verdict(ended) is Verdict.UNKNOWN
        assert codes(ended) == ["judgement.interrupted"]

    async def test_refuses_an_answer_to_no_question(self, employer: Employer) -> None:
        await employer.desk.receive(employer.profile, "no such thread", message({}), employer.wallet_hears)
        assert employer.heard() == [V20PresProblemReport]


class TestEndings:
    async def test_a_malformed_presentation_is_refused_and_saved(self, employer: Employer) -> None:
        asked = await employer.ask()
        ended = await employer.get(asked, {"proof": True})
        assert verdict(ended) is Verdict.NOT_TRUSTED
        assert codes(ended) == ["presentation.malformed"]
        assert ended.seen is None

    async def test_a_decline_ends_the_verification(self, employer: Employer) -> None:
        asked = await employer.ask()
        assert await employer.desk.declined(employer.profile, asked.thread_id, "abandoned")
        ended = await employer.desk.status(employer.profile, asked.id)
        assert (ended.state, ended.decline_code) == (VerificationState.DECLINED, "abandoned")
        assert (await employer.record(asked)).state == V20PresExRecord.STATE_ABANDONED

    async def test_refuses_an_answer_after_a_decline(self, employer: Employer, worker: Worker, welder: Held) -> None:
        asked = await employer.ask()
        await employer.desk.declined(employer.profile, asked.thread_id, "abandoned")
        ended = await employer.get(asked, worker.present(asked.proof_request, welder))
        assert ended.state is VerificationState.DECLINED

    async def test_a_decline_after_the_decision_changes_nothing(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present(asked.proof_request, welder))
        assert await employer.desk.declined(employer.profile, asked.thread_id, "abandoned")
        assert verdict(await employer.desk.status(employer.profile, asked.id)) is Verdict.TRUSTED

    async def test_a_decline_of_somebody_elses_exchange_is_not_ours(self, employer: Employer) -> None:
        assert not await employer.desk.declined(employer.profile, "no such thread", "abandoned")

    async def test_the_deadline_counts_when_the_state_is_read(self, employer: Employer) -> None:
        asked = await employer.ask()
        employer.now += timedelta(minutes=10)
        assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.OPEN
        employer.now += timedelta(seconds=1)
        assert (await employer.desk.status(employer.profile, asked.id)).state is VerificationState.NO_ANSWER

    async def test_the_sweep_ends_what_nobody_answered(self, employer: Employer) -> None:
        asked = await employer.ask()
        employer.now += timedelta(minutes=11)
        await employer.desk.sweep(employer.profile, employer.now)
        assert (await VerificationBook(employer.profile).get(asked.id)).state is VerificationState.NO_ANSWER
        assert (await employer.record(asked)).state == V20PresExRecord.STATE_ABANDONED

    async def test_refuses_an_answer_after_the_deadline(self, employer: Employer, worker: Worker, welder: Held) -> None:
        asked = await employer.ask()
        proof = worker.present(asked.proof_request, welder)
        employer.now += timedelta(minutes=11)
        ended = await employer.get(asked, proof)
        assert ended.state is VerificationState.NO_ANSWER
        assert ended.decision is None

    async def test_records_of_acapy_go_after_a_while_and_the_decision_stays(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present(asked.proof_request, welder))
        employer.now += timedelta(minutes=11)
        await employer.desk.sweep(employer.profile, employer.now)
        async with employer.profile.session() as session:
            assert await V20PresExRecord.query(session) == []
        ended = await employer.desk.status(employer.profile, asked.id)
        assert verdict(ended) is Verdict.TRUSTED
        assert ended.seen is not None

    async def test_what_was_seen_is_forgotten_after_thirty_days_and_the_decision_stays(
        self, employer: Employer, worker: Worker, welder: Held
    ) -> None:
        asked = await employer.ask()
        await employer.get(asked, worker.present(asked.proof_request, welder))
        employer.now += timedelta(days=31)
        await employer.desk.sweep(employer.profile, employer.now)
        ended = await employer.desk.status(employer.profile, asked.id)
        assert ended.seen is None
        assert verdict(ended) is Verdict.TRUSTED

    async def test_an_unknown_verification_has_no_status(self, employer: Employer) -> None:
        with pytest.raises(UnknownVerificationError):
            await employer.desk.status(employer.profile, "nothing")


async def test_without_our_desk_acapy_takes_a_second_answer(employer: Employer, worker: Worker, welder: Held) -> None:
    """The trap that rule 1 closes, shown on ACA-Py itself: if this fails, ACA-Py has learnt to refuse."""
    asked = await employer.ask()
    proof = message(worker.present(asked.proof_request, welder))
    attachment = AttachDecorator.deserialize(proof["presentations~attach"][0])
    for _ in range(2):
        answer = V20Pres(formats=[V20PresFormat(attach_id=FORMAT, format_="anoncreds/proof@v1.0")])
        answer.presentations_attach = [attachment]
        answer.assign_thread_id(asked.thread_id)
        record = await V20PresManager(employer.profile).receive_pres(answer, None, None)
        assert record.state == V20PresExRecord.STATE_PRESENTATION_RECEIVED
