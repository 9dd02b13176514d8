"""The desk: what could not be fetched or checked is UNKNOWN or STALE, saved, and told."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.trust.ecosystem import Held, Issuer, Worker
from tests.unit.trust.employer import REPORTED, Employer, codes, verdict

from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.verifying.staples import MAX_STAPLES, Staples
from wanderbuch.plugins.trust.verifying.verifier import DeskLimits, VerificationDesk
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory, LogMemory


async def test_a_status_list_in_force_that_cannot_be_had_is_unknown(
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
    assert employer.heard() == [REPORTED]


@pytest.mark.parametrize("swapped", ["schemaId", "credDefId"])
async def test_refuses_objects_that_do_not_belong_together(
    employer: Employer, worker: Worker, welder: Held, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    definition, registry = (
        employer.registry.get_credential_definition,
        employer.registry.get_revocation_registry_definition,
    )

    async def get_definition(profile: Any, cred_def_id: str) -> Any:
        result = await definition(profile, cred_def_id)
        if swapped == "schemaId":
            result.credential_definition.schema_id = "another"
        return result

    async def get_registry(profile: Any, registry_id: str) -> Any:
        result = await registry(profile, registry_id)
        if swapped == "credDefId":
            result.revocation_registry.cred_def_id = "another"
        return result

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
    employer.desk._decisions._limits = DeskLimits(judging=timedelta(milliseconds=20))
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
    employer.source._home._trusted.lapse()
    employer.host.down = True
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.STALE


async def test_governance_that_went_stale_is_asked_for_again(employer: Employer, worker: Worker, welder: Held) -> None:
    asked = await employer.ask()
    employer.now += timedelta(seconds=1)
    employer.source._home._trusted.lapse()
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED


@pytest.mark.parametrize("hours", [0, 5])
async def test_what_is_decided_on_a_recording_says_how_old_the_facts_are(
    employer: Employer, worker: Worker, welder: Held, hours: int
) -> None:
    recording = FallbackEdge(None, {}, recorded_at=employer.now - timedelta(minutes=7), clock=employer.clock)
    employer.desk._judge._recording = recording
    employer.now += timedelta(minutes=3)
    asked = await employer.ask()
    employer.now += timedelta(hours=hours)
    employer.host.down = True
    if hours:  # the statement is over; the answer came in time
        asked = await employer.ask_otherwise(asked, answer_by=employer.now)
    recording.last_replayed_at = employer.now
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is (Verdict.STALE if hours else Verdict.TRUSTED)
    assert ended.decision is not None
    texts = {reason.code: reason.text for reason in ended.decision.reasons}
    assert f"{'5 hours' if hours else '10 minutes'} old" in texts["offline.age"]
    assert ("offline.then" in texts) == bool(hours)


async def test_new_governance_does_not_make_an_old_recording_count(
    employer: Employer, worker: Worker, welder: Held
) -> None:
    """Whoever keeps the issuer's host from being reached cannot bring an old status list back."""
    recording = FallbackEdge(None, {}, recorded_at=employer.now - timedelta(days=300), clock=employer.clock)
    employer.desk._judge._recording = recording
    asked = await employer.ask()
    recording.last_replayed_at = employer.now
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.STALE
    assert {"offline.too_old", "offline.age", "offline.then"} <= set(codes(ended))


async def test_a_staple_stands_in_for_governance_that_is_not_fresh(
    employer: Employer, worker: Worker, welder: Held, training_centre: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`stapling` says what is taken; here: that it is used for this verification only, and only where it is needed."""
    opened = stapled_governance(employer, monkeypatch)
    asked, other, unneeded = await employer.ask(), await employer.ask(), await employer.ask()
    for verification in (asked, unneeded):
        await employer.desk.take_staple(employer.profile, verification.id, b"a staple", issuer=training_centre.did)
    ended = await employer.get(unneeded, worker.present(unneeded.proof_request, welder))
    assert "staple.used" not in codes(ended)
    employer.source._home._trusted.lapse()
    employer.host.down = True
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert "staple.used" in codes(ended)
    assert opened[-1] == (b"a staple", training_centre.did)
    ended = await employer.get(other, worker.present(other.proof_request, welder))
    assert verdict(ended) is Verdict.STALE
    with pytest.raises(ExchangeError, match="open"):
        await employer.desk.take_staple(employer.profile, asked.id, b"", issuer=training_centre.did)


async def test_a_staple_is_found_by_whichever_process_judges_and_goes_with_its_verification(
    employer: Employer, worker: Worker, welder: Held, training_centre: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stapled_governance(employer, monkeypatch)
    asked, unanswered = await employer.ask(), await employer.ask()
    for verification in (asked, unanswered):
        await employer.desk.take_staple(employer.profile, verification.id, b"a staple", issuer=training_centre.did)
    employer.source._home._trusted.lapse()
    employer.host.down = True
    employer.desk = VerificationDesk(employer.source, clock=employer.clock)  # as another process has one
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert await Staples(employer.profile).get(asked.id) is None
    assert await Staples(employer.profile).get(unanswered.id) is not None
    employer.now = unanswered.answer_by + timedelta(seconds=1)
    await employer.desk.sweep(employer.profile, employer.now)
    assert await Staples(employer.profile).get(unanswered.id) is None


async def test_no_more_staples_are_kept_than_there_is_room_for(employer: Employer, training_centre: Issuer) -> None:
    staples = Staples(employer.profile)
    for number in range(MAX_STAPLES + 2):
        await staples.keep(f"v{number}", b"a staple", issuer=training_centre.did, answer_by=employer.now)
    await staples.keep(
        "v5", b"another", issuer=training_centre.did, answer_by=employer.now
    )  # in place of one: nothing has to go for it
    assert [await staples.get(f"v{number}") for number in (0, 1)] == [None, None]
    assert await staples.get("v2") == (b"a staple", training_centre.did)
    assert await staples.get("v5") == (b"another", training_centre.did)


def stapled_governance(employer: Employer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, Did]]:
    """Let every staple say what is in force now; the list tells which were opened."""
    fresh, opened = employer.source.snapshot(), list[tuple[bytes, Did]]()

    async def open_any(received: bytes, *, issuer: Did, **_: Any) -> GovernanceSnapshot:
        opened.append((received, issuer))
        assert fresh is not None
        return fresh

    employer.profile.context.injector.bind_instance(LogMemory, InMemoryLogMemory())
    monkeypatch.setattr("wanderbuch.plugins.trust.verifying.judging.open_staple", open_any)
    return opened
