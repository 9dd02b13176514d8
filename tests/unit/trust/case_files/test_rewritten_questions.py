"""A question in a kept case is the one that was asked: whatever who has the key writes over it, it is refused."""

import base64
from collections.abc import Callable
from copy import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from tests.unit.trust.case_files.world import KEEPING, CaseWorld

from wanderbuch.governance.facts.question import Purpose, Requirement, Subject
from wanderbuch.governance.signed.bundle import Bundle, write_bundle_file
from wanderbuch.plugins.http.replaying import RecordingEdge
from wanderbuch.plugins.trust.case_files.case_file import CaseFile, CaseFileError
from wanderbuch.plugins.trust.case_files.keeping_cases import CaseMaker
from wanderbuch.plugins.trust.case_files.replaying_cases import check_end, check_question, judge_on, replay
from wanderbuch.plugins.trust.verifying.asked import AwardPrecision
from wanderbuch.plugins.trust.verifying.bound_question import bound, contradiction, is_bound
from wanderbuch.plugins.trust.verifying.exchange import Verification

pytestmark = pytest.mark.asyncio(loop_scope="module")

type Rewrite = Callable[[Verification], Verification]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def case(tmp_path_factory: pytest.TempPathFactory) -> CaseFile:
    """The case of an honest answer."""
    world = await CaseWorld.open(tmp_path_factory.mktemp("tails"))
    asked = await world.asked()
    answer, recording, author = world.present(asked), RecordingEdge(world.edge()), world.authority
    judged = await judge_on(recording, author.url, author.did, asked, answer, at=world.now)
    bundle = write_bundle_file(Bundle(author.did, author.url, world.now, (), recording.recorded))
    packed = base64.b64encode(bundle).decode()
    return CaseFile(asked=asked, presentation=answer, bundle=packed, decision=judged.decision, grounds=judged.grounds)


def with_(**members: Any) -> Rewrite:
    return lambda asked: asked.model_copy(update=members)


def required(**members: Any) -> Rewrite:
    return lambda asked: asked.model_copy(update={"requirement": replace(asked.requirement, **members)})


def requested(**members: Any) -> Rewrite:
    return lambda asked: asked.model_copy(update={"proof_request": {**asked.proof_request, **members}})


# The same decision follows from each of these, as from the question that was asked.
UNNOTICED: dict[str, Rewrite] = {
    "words": with_(words=("Nothing was asked.",)),
    "reference": with_(ref="A2-10"),
    "when it was asked": with_(created_at=datetime(2020, 1, 1, tzinfo=UTC)),
    "until when it could be answered": with_(answer_by=datetime(2099, 1, 1, tzinfo=UTC)),
    "the law": with_(keeping=replace(KEEPING, law="no law at all")),
    "the last day": with_(keeping=replace(KEEPING, until=date(2098, 1, 1))),
    "purpose": required(purpose=Purpose.REGULATED_PROFESSION),
    "another wallet title": requested(name="Somebody else"),
    "a link": with_(link="a", place=3),
    "whom it could come from": with_(eligible=()),
}
# These say one thing and ask for another: the judge's rules would stumble over some.
CONTRADICTORY: dict[str, Rewrite] = {
    "a level more": required(min_eqf_level=5),
    "no level": required(min_eqf_level=None),
    "months of a qualification": required(min_months=12),
    "a predicate that was not asked": required(not_before=date(2020, 1, 1)),
    "a name": required(subject=Subject.NAME),
    "another type": required(credential_type="language/1.0"),
    "no type": required(credential_type="nothing/9.9"),
    "no occupation": required(occupation="C9"),
    "the day": with_(award_precision=AwardPrecision.DAY),
    "fewer attributes": with_(names=("award_year",)),
    "another group": with_(group="other"),
    "no revocation": requested(non_revoked=None),
    "nothing requested": requested(requested_attributes={}),
    "no group": requested(requested_attributes={"qualification": {}}),
    "no requests at all": with_(proof_request={}),
}


@pytest.mark.parametrize("rewrite", UNNOTICED.values(), ids=UNNOTICED)
async def test_refuses_a_question_that_was_rewritten(case: CaseFile, rewrite: Rewrite) -> None:
    asked = rewrite(case.asked)
    assert asked != case.asked
    with pytest.raises(CaseFileError, match="the answer is bound to"):
        await replay(case.model_copy(update={"asked": asked}))


@pytest.mark.parametrize("rewrite", CONTRADICTORY.values(), ids=CONTRADICTORY)
async def test_says_that_a_question_contradicts_itself(case: CaseFile, rewrite: Rewrite) -> None:
    asked = rewrite(case.asked)
    with pytest.raises(CaseFileError, match=r"contradicts itself|bound to"):
        check_question(asked)
    with pytest.raises(CaseFileError):  # also where it is bound anew
        await decided_again(case, bound(asked))


async def decided_again(case: CaseFile, asked: Verification) -> None:
    """Refuse what does not decide as before."""
    if (await replay(case.model_copy(update={"asked": asked}))).altered:
        raise CaseFileError("another decision")


async def test_a_question_bound_anew_is_one_that_nobody_has_answered(case: CaseFile) -> None:
    easier = bound(case.asked.model_copy(update={"words": ("Nothing was asked.",)}))
    assert is_bound(easier)
    again = await replay(case.model_copy(update={"asked": easier}))
    assert "genuine" in {alteration.what for alteration in again.altered}
    assert (await replay(case)).altered == ()


async def test_a_salt_that_was_taken_away_binds_nothing(case: CaseFile) -> None:
    with pytest.raises(CaseFileError, match="the answer is bound to"):
        await replay(case.model_copy(update={"asked": case.asked.model_copy(update={"salt": None})}))


@pytest.mark.parametrize("later", [timedelta(days=-1), timedelta(hours=2)])
async def test_a_decision_is_not_of_another_day_than_its_question(case: CaseFile, later: timedelta) -> None:
    decision = replace(case.decision, decided_at=case.decision.decided_at + later)
    with pytest.raises(CaseFileError, match="between the question and the end of its time"):
        await replay(case.model_copy(update={"decision": decision}))


async def test_a_case_is_over_after_its_last_day(case: CaseFile) -> None:
    check_end(case, at=datetime(2099, 12, 31, 23, 59, tzinfo=UTC))
    with pytest.raises(CaseFileError, match="until 2099-12-31"):
        check_end(case, at=datetime(2100, 1, 1, tzinfo=UTC))


async def test_members_that_say_nothing_change_no_nonce() -> None:
    """What was kept by an older version stays bound: this one is written down."""
    asked = Verification(
        id="4f0c",
        invitation_url="https://a.example/i",
        requirement=Requirement("C7212", "MLT", min_eqf_level=3),
        award_precision=AwardPrecision.YEAR,
        proof_request={"name": "Shipyard", "nonce": "71491271895509789490388", "requested_attributes": {}},
        words=("Prove it.",),
        names=("award_year",),
        hidden=(),
        eligible=("did:webvh:x",),
        schemas=(),
        keeping=KEEPING,
        salt="00112233445566778899aabbccddeeff",
        created_at=datetime(2026, 11, 28, tzinfo=UTC),
        answer_by=datetime(2026, 11, 28, 1, tzinfo=UTC),
    )
    assert is_bound(asked)
    assert is_bound(Verification.model_validate_json(asked.model_dump_json()))
    assert is_bound(asked.model_copy(update={"invitation_url": "", "answer_digest": "0" * 64}))
    assert not is_bound(asked.model_copy(update={"salt": "00112233445566778899aabbccddeef0"}))
    assert contradiction(asked) is not None


async def test_no_case_is_made_of_a_question_that_is_not_bound(case: CaseFile) -> None:
    maker = CaseMaker(RecordingEdge.__new__(RecordingEdge), "", case.grounds and "did:web:a.example")  # type: ignore[arg-type]
    unbound = case.asked.model_copy(update={"salt": None})
    with pytest.raises(CaseFileError, match="bound to"):
        await maker._made(unbound, {}, None)  # type: ignore[arg-type]
