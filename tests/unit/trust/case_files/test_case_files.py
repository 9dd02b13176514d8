"""A case file: sealed, decided again without a network, refused when altered, and gone when its time is over."""

import asyncio
import base64
import copy
import json
from collections.abc import AsyncIterator
from copy import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from acapy_agent.core.profile import Profile
from tests.unit.trust.case_files.world import KEEPING, CaseWorld
from tests.unit.trust.ecosystem import WELDER

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.role import ROLE
from wanderbuch.governance.facts.question import Reason, Subject, Verdict
from wanderbuch.plugins.http.replaying import ReplayingEdge
from wanderbuch.plugins.trust.case_files.case_file import CaseFile, CaseFileError, new_key, open_case, seal
from wanderbuch.plugins.trust.case_files.keeping_cases import NOT_KEPT, CaseFiles, CaseKey, CaseMaker, KeptCase
from wanderbuch.plugins.trust.case_files.replaying_cases import replay
from wanderbuch.plugins.trust.verifying.anoncreds.lesser import lesser_request
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.keeping import Keeping, KeepingError
from wanderbuch.plugins.trust.verifying.kept_words import KEPT
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> CaseWorld:
    return await CaseWorld.open(tmp_path_factory.mktemp("tails"))


@pytest.fixture
def world(opened: CaseWorld) -> CaseWorld:
    """What nobody has changed yet."""
    changed = copy.copy(opened)
    changed.files = dict(opened.files)
    changed.authority = copy.copy(opened.authority)
    changed.centre = copy.copy(opened.centre)
    changed.authority.files = changed.centre.files = changed.files
    return changed


@pytest_asyncio.fixture(loop_scope="module")
async def profile() -> AsyncIterator[Profile]:
    from tests.memory_wallet import memory_wallet

    made = await memory_wallet()
    yield made
    await made.close()


def maker(world: CaseWorld) -> CaseMaker:
    return CaseMaker(world.edge(), world.authority.url, world.authority.did)


async def never_again() -> Judgement:
    raise AssertionError("expected that nothing is judged again")


async def kept(world: CaseWorld, profile: Profile) -> tuple[Verification, Judgement]:
    """Return a question whose answer was judged and kept."""
    asked = await world.asked()
    answer = world.present(asked)
    judgement = await maker(world).keep(profile, asked, answer, await world.judged(asked, answer), never_again)
    decided = {"state": VerificationState.DECIDED, "decision": judgement.decision, "grounds": judgement.grounds}
    return asked.model_copy(update=decided), judgement


async def case_of(world: CaseWorld, profile: Profile) -> tuple[str, bytes]:
    presentation, _ = await kept(world, profile)
    case_file, key = (
        await CaseFiles(profile).get(presentation, at=world.now),
        await CaseFiles(profile).key(presentation, at=world.now),
    )
    assert case_file is not None
    assert key is not None
    return case_file.sealed, key


async def test_the_same_decision_comes_out_of_a_case_without_a_network(world: CaseWorld, profile: Profile) -> None:
    sealed, key = await case_of(world, profile)
    world.files.clear()
    again = await replay(open_case(sealed, key), author=world.authority.did)
    assert (again.then.decision.verdict, again.altered) == (Verdict.TRUSTED, ())
    assert again.then.decision == again.case.decision


async def test_an_answer_with_something_left_out_is_replayed_against_the_request_that_it_answers(
    world: CaseWorld, profile: Profile
) -> None:
    nameable = replace(WELDER, subject=Subject.NAME_AND_BIRTH_DATE, least_subject=Subject.NAME)
    asked = await world.asked(requirement=nameable)
    answer = world.present(asked, lesser_request(asked))
    judgement = await maker(world).keep(profile, asked, answer, await world.judged(asked, answer), never_again)
    decided = {"state": VerificationState.DECIDED, "decision": judgement.decision, "grounds": judgement.grounds}
    ended = asked.model_copy(update=decided)
    case, key = await CaseFiles(profile).get(ended, at=world.now), await CaseFiles(profile).key(ended, at=world.now)
    assert case is not None
    assert key is not None
    world.files.clear()
    opened = open_case(case.sealed, key)
    again = await replay(opened, author=world.authority.did)
    assert (again.then.decision.verdict, again.altered) == (Verdict.TRUSTED, ())
    assert [reason.code for reason in again.then.decision.reasons][1:] == [
        "subject.shown",
        "subject.birth_date_left_out",
    ]
    for least in (None, Subject.NONE):  # whoever has the key says that other things might have been left out
        rewritten = opened.asked.model_copy(
            update={"requirement": replace(opened.asked.requirement, least_subject=least)}
        )
        with pytest.raises(CaseFileError, match="the answer is bound to"):
            await replay(opened.model_copy(update={"asked": rewritten}))


async def test_says_what_would_differ_today(world: CaseWorld, profile: Profile) -> None:
    sealed, key = await case_of(world, profile)
    again = await replay(open_case(sealed, key), today=world.now + timedelta(days=400))
    assert again.altered == ()
    assert again.today is not None
    assert again.today.decision.verdict is Verdict.STALE
    assert {difference.what for difference in again.since} >= {"verdict", "governance_current"}


async def test_says_that_the_accreditation_is_gone_with_a_newer_bundle(world: CaseWorld, profile: Profile) -> None:
    sealed, key = await case_of(world, profile)
    today = world.now + timedelta(minutes=30)
    await world.publish(version=2, accredits=False, at=today)
    from wanderbuch.governance.signed.bundle import Bundle

    newer = Bundle(world.authority.did, world.authority.url, today, (), dict(world.files))
    again = await replay(open_case(sealed, key), today=today, newer=newer)
    assert again.altered == ()
    differs = {difference.what: (difference.was, difference.now) for difference in again.since}
    assert differs["verdict"] == ("TRUSTED", "NOT_TRUSTED")
    assert differs["issuer_counts"] == ("holds", "fails")


async def test_refuses_a_case_of_another_authority_than_the_pinned_one(world: CaseWorld, profile: Profile) -> None:
    sealed, key = await case_of(world, profile)
    with pytest.raises(CaseFileError, match="expected a case decided by the governance of"):
        await replay(open_case(sealed, key), author=world.centre.did)


@pytest.mark.parametrize("part", range(5))
async def test_refuses_a_case_file_of_which_one_character_was_altered(
    world: CaseWorld, profile: Profile, part: int
) -> None:
    sealed, key = await case_of(world, profile)
    parts = sealed.split(".")
    middle = len(parts[part]) // 2
    other = "A" if parts[part][middle : middle + 1] != "A" else "B"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
    with pytest.raises(CaseFileError):
        open_case(".".join(parts), key)


async def test_refuses_another_cases_key(world: CaseWorld, profile: Profile) -> None:
    sealed, _ = await case_of(world, profile)
    with pytest.raises(CaseFileError, match="does not open"):
        open_case(sealed, new_key())


async def test_a_purpose_written_over_the_real_one_opens_nothing(world: CaseWorld, profile: Profile) -> None:
    sealed, key = await case_of(world, profile)
    header, rest = sealed.split(".", 1)
    protected = json.loads(base64.urlsafe_b64decode(header + "=="))
    changed = json.dumps({**protected, "purpose": "anything"}, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(CaseFileError, match="does not open"):
        open_case(f"{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}.{rest}", key)


async def resealed(sealed: str, key: bytes, **changed: Any) -> CaseFile:
    """Return a case that somebody with the key has changed and sealed again."""
    case = open_case(sealed, key).model_copy(update=changed)
    return open_case(seal(case, key), key)


async def test_a_decision_written_over_by_who_has_the_key_does_not_come_out_again(
    world: CaseWorld, profile: Profile
) -> None:
    sealed, key = await case_of(world, profile)
    decision = open_case(sealed, key).decision
    lie = replace(decision, verdict=Verdict.NOT_TRUSTED, reasons=(Reason("proof.invalid", "…"),))
    again = await replay(await resealed(sealed, key, decision=lie))
    assert {alteration.what for alteration in again.altered} >= {"verdict", "reasons"}


async def test_evidence_written_over_by_who_has_the_key_does_not_come_out_again(
    world: CaseWorld, profile: Profile
) -> None:
    """The decision stays, and is said to rest on somebody else."""
    sealed, key = await case_of(world, profile)
    grounds = open_case(sealed, key).grounds
    lie = replace(
        grounds,
        facts=tuple(
            replace(fact, evidence={**fact.evidence, "issuer": "did:web:other.example"})
            if fact.kind is FactKind.ISSUER_COUNTS
            else fact
            for fact in grounds.facts
        ),
    )
    again = await replay(await resealed(sealed, key, grounds=lie))
    assert [alteration.what for alteration in again.altered] == ["issuer_counts evidence"]
    assert (await replay(await resealed(sealed, key, grounds=grounds))).altered == ()


async def test_an_answer_written_over_by_who_has_the_key_does_not_verify_again(
    world: CaseWorld, profile: Profile
) -> None:
    sealed, key = await case_of(world, profile)
    presentation = copy.deepcopy(open_case(sealed, key).presentation)
    data = presentation["presentations~attach"][0]["data"]
    proof = json.loads(base64.b64decode(data["base64"]))
    proof["requested_proof"]["revealed_attr_groups"]["qualification"]["values"]["award_year"]["encoded"] = "2019"
    data["base64"] = base64.b64encode(json.dumps(proof).encode()).decode()
    again = await replay(await resealed(sealed, key, presentation=presentation))
    assert again.then.decision.verdict is Verdict.NOT_TRUSTED
    assert again.altered


async def test_a_governance_file_written_over_by_who_has_the_key_is_not_believed(
    world: CaseWorld, profile: Profile
) -> None:
    from wanderbuch.governance.signed.bundle import Bundle, read_bundle_file, write_bundle_file

    sealed, key = await case_of(world, profile)
    case = open_case(sealed, key)
    bundle = read_bundle_file(case.bundle_bytes())
    name = f"{world.authority.url}/current.jws"
    files = {**bundle.files, name: bundle.files[name][:-8] + b"AAAAAAAA"}
    changed = write_bundle_file(Bundle(bundle.author, bundle.url, bundle.made_at, (), files))
    again = await replay(await resealed(sealed, key, bundle=base64.b64encode(changed).decode()))
    assert again.then.decision.verdict is not Verdict.TRUSTED
    assert again.altered


async def test_the_key_is_destroyed_after_the_last_day_and_the_file_goes(world: CaseWorld, profile: Profile) -> None:
    presentation, _ = await kept(world, profile)
    cases = CaseFiles(profile)
    last = datetime(2099, 12, 31, 23, 59, tzinfo=UTC)
    await cases.sweep(last)
    assert await cases.key(presentation, at=last) is not None
    over = last + timedelta(minutes=1)
    assert await cases.key(presentation, at=over) is None  # also before it is swept
    await cases.sweep(over)
    assert await cases.key(presentation, at=world.now) is None
    assert await cases.get(presentation, at=world.now) is None


async def test_the_key_of_a_suspended_tenant_goes_too(world: CaseWorld, profile: Profile) -> None:
    """Whose office is not open."""
    presentation, _ = await kept(world, profile)
    await ROLE.forget(profile, datetime(2099, 12, 31, 23, 59, tzinfo=UTC))
    assert await CaseFiles(profile).key(presentation, at=world.now) is not None
    await ROLE.forget(profile, datetime(2100, 1, 1, tzinfo=UTC))
    assert await RecordStore(profile, KeptCase).get_or_none(presentation.id) is None
    assert await RecordStore(profile, CaseKey).get_or_none(presentation.id) is None


async def test_a_case_can_be_destroyed_before(world: CaseWorld, profile: Profile) -> None:
    presentation, _ = await kept(world, profile)
    await CaseFiles(profile).destroy(presentation.id)
    assert await CaseFiles(profile).get(presentation, at=world.now) is None


async def test_a_case_belongs_to_its_decision_alone(world: CaseWorld, profile: Profile) -> None:
    presentation, judgement = await kept(world, profile)
    other = replace(judgement.decision, decided_at=world.now + timedelta(seconds=1))
    assert await CaseFiles(profile).get(presentation.model_copy(update={"decision": other}), at=world.now) is None
    undecided = presentation.model_copy(update={"decision": None})
    assert await CaseFiles(profile).key(undecided, at=world.now) is None


async def test_what_cannot_be_read_anew_is_not_kept_and_the_decision_says_so(
    world: CaseWorld, profile: Profile
) -> None:
    asked = await world.asked()
    answer = world.present(asked)
    judgement = await world.judged(asked, answer)
    away = CaseMaker(ReplayingEdge({}), world.authority.url, world.authority.did)
    told = await away.keep(profile, asked, answer, judgement, never_again)
    assert told.decision.verdict is Verdict.TRUSTED
    assert [reason.code for reason in told.decision.reasons][-1] == NOT_KEPT
    assert await CaseFiles(profile).get(asked.model_copy(update={"decision": told.decision}), at=world.now) is None


async def test_what_was_published_meanwhile_decides_and_is_kept(world: CaseWorld, profile: Profile) -> None:
    asked = await world.asked()
    answer = world.present(asked)
    judgement = await world.judged(asked, answer)
    await world.publish(version=2, accredits=False)
    told = await maker(world).keep(profile, asked, answer, judgement, lambda: world.judged(asked, answer))
    assert judgement.decision.verdict is Verdict.TRUSTED
    assert told.decision.verdict is Verdict.NOT_TRUSTED
    assert NOT_KEPT not in {reason.code for reason in told.decision.reasons}
    decided = asked.model_copy(update={"decision": told.decision, "grounds": told.grounds})
    case_file, key = (
        await CaseFiles(profile).get(decided, at=world.now),
        await CaseFiles(profile).key(decided, at=world.now),
    )
    assert case_file is not None
    assert key is not None
    assert (await replay(open_case(case_file.sealed, key), author=world.authority.did)).altered == ()


async def test_what_is_overtaken_is_not_saved_although_no_case_can_be_made_of_what_came(
    world: CaseWorld, profile: Profile
) -> None:
    asked = await world.asked()
    answer = world.present(asked)
    before = await world.judged(asked, answer)
    await world.publish(version=2, accredits=False)

    async def unknown() -> Judgement:  # as the judge says where a host answers too slowly
        slow = Reason("judgement.too_slow", "Ask again.")
        return replace(before, decision=replace(before.decision, verdict=Verdict.UNKNOWN, reasons=(slow,)))

    told = await maker(world).keep(profile, asked, answer, before, unknown)
    assert before.decision.verdict is Verdict.TRUSTED
    assert (told.decision.verdict, told.decision.reasons[-1].code) == (Verdict.UNKNOWN, NOT_KEPT)


async def test_what_goes_on_changing_is_not_kept_and_the_decision_says_so(world: CaseWorld, profile: Profile) -> None:
    asked = await world.asked()
    answer = world.present(asked)
    before = await world.judged(asked, answer)
    await world.publish(version=2, accredits=False)
    judged_again = 0

    async def as_before() -> Judgement:
        nonlocal judged_again
        judged_again += 1
        return before

    told = await maker(world).keep(profile, asked, answer, before, as_before)
    assert judged_again == 1
    assert [reason.code for reason in told.decision.reasons][-1] == NOT_KEPT


async def test_what_a_crash_left_goes_where_no_case_is_kept(world: CaseWorld, profile: Profile) -> None:
    """The answer was kept, the process died, and when the answer came again nothing could be read anew."""
    asked = await world.asked()
    answer = world.present(asked)
    judgement = await maker(world).keep(profile, asked, answer, await world.judged(asked, answer), never_again)
    before = asked.model_copy(update={"decision": judgement.decision})
    assert await CaseFiles(profile).key(before, at=world.now) is not None
    away = CaseMaker(ReplayingEdge({}), world.authority.url, world.authority.did)
    await away.keep(profile, asked, answer, judgement, never_again)
    assert await CaseFiles(profile).key(before, at=world.now) is None
    assert await RecordStore(profile, KeptCase).get_or_none(asked.id) is None
    assert await RecordStore(profile, CaseKey).get_or_none(asked.id) is None


class HangingEdge(ReplayingEdge):
    """The way to a host that never answers."""

    async def get(self, url: str, **how: Any) -> Any:
        await asyncio.Event().wait()


class BrokenEdge(ReplayingEdge):
    """A fault of ours on the way."""

    async def get(self, url: str, **how: Any) -> Any:
        raise KeyError(url)


@pytest.mark.parametrize("edge", [HangingEdge({}), BrokenEdge({})], ids=["hangs", "breaks"])
async def test_whatever_happens_the_decision_is_not_held_up(
    world: CaseWorld, profile: Profile, edge: ReplayingEdge
) -> None:
    asked = await world.asked()
    answer = world.present(asked)
    slow = CaseMaker(edge, world.authority.url, world.authority.did, limit=timedelta(seconds=0.2))
    told = await slow.keep(profile, asked, answer, await world.judged(asked, answer), never_again)
    assert (told.decision.verdict, told.decision.reasons[-1].code) == (Verdict.TRUSTED, NOT_KEPT)


async def test_a_refusal_is_kept_and_replayed_too(world: CaseWorld, profile: Profile) -> None:
    asked = await world.asked()
    answer = world.present(asked)
    await world.centre.revoke(1, at=world.now + timedelta(seconds=1))
    at = world.now + timedelta(seconds=5)
    judgement = await world.judged(asked, answer, at=at)
    assert [reason.code for reason in judgement.decision.reasons] == ["revocation.old_list"]
    judgement = await maker(world).keep(profile, asked, answer, judgement, never_again)
    decided = asked.model_copy(update={"decision": judgement.decision, "grounds": judgement.grounds})
    cases = CaseFiles(profile)
    case_file, key = await cases.get(decided, at=at), await cases.key(decided, at=at)
    assert case_file is not None
    assert key is not None
    assert (await replay(open_case(case_file.sealed, key))).altered == ()


async def test_nothing_is_sealed_that_the_question_did_not_announce(world: CaseWorld, profile: Profile) -> None:
    asked = await world.asked(keeping=None)
    answer = world.present(asked)
    judgement = await maker(world).keep(profile, asked, answer, await world.judged(asked, answer), never_again)
    assert judgement.decision.reasons[-1].code == NOT_KEPT


@pytest.mark.parametrize(
    "keeping",
    [
        Keeping("", "purpose", date(2027, 1, 1)),
        Keeping("law", " ", date(2027, 1, 1)),
        Keeping("law", "x" * 121, date(2027, 1, 1)),
        Keeping("law\n", "purpose", date(2027, 1, 1)),
        Keeping("law", "purpose", date(2026, 1, 1)),
        Keeping("law", "purpose", date(2099, 1, 1)),
    ],
    ids=["no law", "no purpose", "too long", "a line end", "over already", "for ever"],
)
async def test_refuses_to_keep_without_a_reason_or_an_end(keeping: Keeping) -> None:
    with pytest.raises(KeepingError):
        keeping.check(date(2026, 1, 1))


async def test_the_worker_is_told_law_purpose_end_and_what_that_means() -> None:
    Keeping(KEEPING.law, KEEPING.purpose, date(2027, 1, 1)).check(date(2026, 1, 1))
    told = KEEPING.told()
    assert all(text in told for text in (KEEPING.law, KEEPING.purpose, "2099-12-31", "can prove to others"))


@pytest.mark.parametrize("language", sorted(KEPT))
async def test_the_worker_is_told_in_the_language_of_whoever_asks(language: str) -> None:
    keeping = Keeping("§ 12 A", "inspection B", date(2027, 1, 1), language)
    keeping.check(date(2026, 1, 1))
    assert all(text in keeping.told() for text in ("§ 12 A", "inspection B", "2027-01-01"))
    assert len({replace(keeping, language=kept_language).told() for kept_language in KEPT}) == len(KEPT)


async def test_the_pages_have_no_language_in_which_a_worker_could_not_be_told() -> None:
    assert set(KEPT) == set(LANGUAGES)
    with pytest.raises(KeepingError, match="one of the languages"):
        Keeping("law", "purpose", date(2027, 1, 1), "de").check(date(2026, 1, 1))
