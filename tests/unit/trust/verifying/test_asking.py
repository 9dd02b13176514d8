"""Questions: compiled once for a governance and a while, put afresh each time, carried by an invitation of ours."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.trust.ecosystem import TYPE, WELDER, Authority, Issuer, payload
from tests.unit.trust.employer import BASE_URL, SHIPYARD, Employer

from wanderbuch.governance.facts.question import Purpose
from wanderbuch.plugins.exchange.connecting.invitations import read_invitation_message
from wanderbuch.plugins.exchange.proof_messages import read_request_message
from wanderbuch.plugins.trust.verifying import asking
from wanderbuch.plugins.trust.verifying.anoncreds.request import compile_request
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential, NobodyCountsError


def invitation_in(url: str) -> dict[str, Any]:
    base, _, encoded = url.partition("?oob=")
    assert base == BASE_URL
    return dict(json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))))


async def test_the_invitation_names_our_did_and_carries_the_question_on_its_own_thread(employer: Employer) -> None:
    asked = await employer.ask(replace(WELDER, purpose=Purpose.STUDY))
    carried = invitation_in(asked.invitation_url)
    invitation = read_invitation_message(carried)
    assert (invitation.id, invitation.service_did, invitation.handshakes) == (asked.invitation_id, SHIPYARD, ())
    assert (invitation.unverified_label, invitation.goal_code) == ("Employer", "wanderbuch.verify.study")
    request = invitation.attached
    assert request is not None
    assert (request["@id"], request["~thread"]) == (asked.id, {"thid": asked.id, "pthid": asked.invitation_id})
    assert request["will_confirm"]
    assert read_request_message(request).content == asked.proof_request


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requirements that were compiled."""
    occupations: list[str] = []

    def compile_(asked: Any, *args: Any, **how: Any) -> Any:
        occupations.extend(group.requirement.occupation for group in asked)
        return compile_request(asked, *args, **how)

    monkeypatch.setattr(asking, "compile_request", compile_)
    return occupations


async def test_a_question_is_compiled_once_and_put_with_a_fresh_nonce_and_fresh_times(
    employer: Employer, compiled: list[str]
) -> None:
    first = await employer.ask()
    employer.now += timedelta(seconds=30)
    second = await employer.ask()
    assert compiled == ["C7212"]
    assert first.proof_request["nonce"] != second.proof_request["nonce"]
    assert second.answer_by - first.answer_by == timedelta(seconds=30)
    for asked in (first, second):
        wanted = compile_request(
            [AskedCredential(ONLY_GROUP, WELDER)],
            employer.source.snapshot() or pytest.fail("no governance"),
            at=employer.now,
            answer_by=asked.answer_by,
            name="Employer",
            nonce=asked.proof_request["nonce"],
        )
        assert asked.proof_request == wanted.proof_request
        assert (asked.words, asked.groups) == (wanted.words, wanted.groups)
        assert set(asked.names) | set(asked.hidden) == set(TYPE.attr_names)
        assert 0 <= int(asked.proof_request["nonce"]) < 2**80


async def test_nobody_is_asked_the_same_for_longer_than_a_while(employer: Employer, compiled: list[str]) -> None:
    await employer.ask()
    employer.now += timedelta(seconds=61)
    await employer.ask()
    assert compiled == ["C7212", "C7212"]


async def test_a_question_without_revocation_has_no_times(employer: Employer) -> None:
    for _ in range(2):
        asked = await employer.ask(replace(WELDER, not_revoked=False))
        assert "non_revoked" not in asked.proof_request


async def test_a_newer_governance_file_counts_at_once(
    employer: Employer, authority: Authority, training_centre: Issuer, compiled: list[str]
) -> None:
    await employer.ask()
    signed = await authority.file(payload({training_centre.did: []}, version=2))
    employer.now += timedelta(seconds=1)
    employer.host.files = {
        "current.jws": signed.jws,
        "freshness.jws": await authority.statement(signed, at=employer.now),
    }
    await employer.source.refresh()
    with pytest.raises(NobodyCountsError):
        await employer.ask()
