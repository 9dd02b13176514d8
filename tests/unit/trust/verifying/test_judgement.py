"""The judgement of a presentation, rule by rule: for each accepted case a neighbour that differs in one point."""

import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.unit.trust.ecosystem import SCHEMA_ID, WELDER, WELDER_VALUES, Issuer, digest, webvh

from wanderbuch.governance.deciding.decision import decide
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, RevRegDefId, SchemaId
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import DateSpan, Evidence, LevelProof, Subject, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import AnonCredsSource, Binding
from wanderbuch.governance.facts.statuses import AnonCredsStatus
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import (
    ReceivedPresentation,
    UnverifiedGroup,
    UnverifiedIdentifier,
)
from wanderbuch.plugins.trust.verifying.anoncreds.rules import Findings, Terms, check_identifiers, prove
from wanderbuch.plugins.trust.verifying.asked import AwardPrecision, subject_names
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.trust.verifying.judgement import Judgement, VerifiedPresentation, check_exchange, judge

LIST_TIME = 1_700_000_000
NAMES = ("occupation_isco08", "award_year", "expires_on", "framework", "crosswalk_version", "eqf_min_3")


@pytest.fixture
def terms(training_centre: Issuer) -> Terms:
    return Terms(WELDER, AwardPrecision.YEAR, NAMES, frozenset({training_centre.cred_def_id}), frozenset({SCHEMA_ID}))


@pytest.fixture
def received(training_centre: Issuer) -> ReceivedPresentation:
    return presentation(training_centre)


@pytest.fixture
def findings() -> Findings:
    return Findings(resolved=True, consistent=True, holds=True, lists_in_force=(LIST_TIME,))


def presentation(issuer: Issuer, *, names: tuple[str, ...] = NAMES, **changed: str) -> ReceivedPresentation:
    identifier = UnverifiedIdentifier(SCHEMA_ID, issuer.cred_def_id, issuer.registry_id, LIST_TIME)
    shown = {name: {**WELDER_VALUES, **changed}[name] for name in names}
    return ReceivedPresentation((identifier,), {"qualification": UnverifiedGroup(0, shown)}, {}, frozenset(), {})


def codes(judgement: Judgement) -> list[str]:
    return [reason.code for reason in judgement.decision.reasons]


def verification(**changed: Any) -> Verification:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    fields: dict[str, Any] = {
        "invitation_url": "https://employer.wanderbuch.test/i",
        "requirement": WELDER,
        "award_precision": AwardPrecision.YEAR,
        "proof_request": {},
        "words": (),
        "names": NAMES,
        "hidden": (),
        "eligible": (),
        "schemas": (),
        "created_at": now,
        "answer_by": now + timedelta(minutes=10),
    }
    return Verification(**{**fields, **changed})


class TestRule1TheExchange:
    at = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)

    def test_accepts_the_first_answer_in_time(self) -> None:
        assert check_exchange(verification(), at=self.at) is None

    def test_accepts_an_answer_at_the_last_moment(self) -> None:
        assert check_exchange(verification(), at=datetime(2026, 1, 1, 0, 10, tzinfo=UTC)) is None

    def test_refuses_an_answer_one_second_later(self) -> None:
        reason = check_exchange(verification(), at=datetime(2026, 1, 1, 0, 10, 1, tzinfo=UTC))
        assert reason is not None
        assert reason.code == "exchange.late"

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            (VerificationState.JUDGING, "exchange.answered"),
            (VerificationState.DECIDED, "exchange.answered"),
            (VerificationState.DECLINED, "exchange.declined"),
            (VerificationState.NO_ANSWER, "exchange.late"),
        ],
    )
    def test_refuses_an_answer_to_what_is_not_open(self, state: VerificationState, code: str) -> None:
        reason = check_exchange(verification(state=state), at=self.at)
        assert reason is not None
        assert reason.code == code

    def test_refuses_an_answer_to_no_question(self) -> None:
        reason = check_exchange(None, at=self.at)
        assert reason is not None
        assert reason.code == "exchange.unknown"


class TestRule2WhatItSaysItWasMadeFrom:
    def test_accepts_what_was_asked(self, received: ReceivedPresentation, terms: Terms) -> None:
        assert check_identifiers(received, [terms]) == ()

    def one(self, received: ReceivedPresentation, terms: Terms) -> str:
        (reason,) = check_identifiers(received, [terms])
        return reason.code

    def test_refuses_a_definition_that_could_not_count(
        self, received: ReceivedPresentation, terms: Terms, training_centre: Issuer
    ) -> None:
        foreign = replace(received.identifiers[0], cred_def_id=CredDefId.of(training_centre.did, digest()))
        assert self.one(replace(received, identifiers=(foreign,)), terms) == "issuer.definition_not_accepted"

    def test_refuses_a_good_definition_beside_a_foreign_one(
        self, received: ReceivedPresentation, terms: Terms, training_centre: Issuer
    ) -> None:
        foreign = replace(received.identifiers[0], cred_def_id=CredDefId.of(training_centre.did, digest()))
        both = replace(received, identifiers=(received.identifiers[0], foreign))
        assert self.one(both, terms) == "issuer.definition_not_accepted"

    def test_refuses_another_schema(self, received: ReceivedPresentation, terms: Terms) -> None:
        foreign = replace(received.identifiers[0], schema_id=SchemaId.of(webvh("x"), digest()))
        assert self.one(replace(received, identifiers=(foreign,)), terms) == "presentation.foreign_schema"

    def test_refuses_the_registry_of_another_issuer(self, received: ReceivedPresentation, terms: Terms) -> None:
        foreign = replace(received.identifiers[0], registry=RevRegDefId.of(webvh("x"), digest()))
        assert self.one(replace(received, identifiers=(foreign,)), terms) == "revocation.foreign_registry"

    @pytest.mark.parametrize(
        "changed",
        [
            {"groups": {}},
            {"groups": {"other": UnverifiedGroup(0, {})}},
            {"predicates": {"level": 0}},
            {"others": frozenset({"qualification"})},
        ],
    )
    def test_refuses_what_was_not_asked(
        self, received: ReceivedPresentation, terms: Terms, changed: dict[str, Any]
    ) -> None:
        assert self.one(replace(received, **changed), terms) == "presentation.not_as_asked"

    @pytest.mark.parametrize("names", [NAMES[:-1], (*NAMES, "family_name")])
    def test_refuses_more_or_fewer_attributes(
        self, training_centre: Issuer, terms: Terms, names: tuple[str, ...]
    ) -> None:
        assert self.one(presentation(training_centre, names=names), terms) == "presentation.not_as_asked"


class TestRules3To8:
    @pytest.fixture
    def given(
        self,
        received: ReceivedPresentation,
        terms: Terms,
        findings: Findings,
        snapshot: GovernanceSnapshot,
        now: datetime,
    ) -> Any:
        def given(**changed: Any) -> Judgement:
            case = {"received": received, "terms": terms, "findings": findings, "snapshot": snapshot, **changed}
            asked = case["terms"]
            (proof,) = prove(case["received"], [asked], case["findings"], at=now)
            return judge(proof, asked.requirement, case["snapshot"], at=now)

        return given

    def test_trusts_a_welder_of_an_accredited_centre(self, given: Any, training_centre: Issuer) -> None:
        judgement = given()
        assert judgement.decision.verdict is Verdict.TRUSTED
        assert codes(judgement) == ["issuer.accredited", "subject.none"]
        assert judgement.presentation.evidence == Evidence(
            issuer=training_centre.did,
            source=AnonCredsSource.of(training_centre.cred_def_id),
            credential_type="qualification/1.0",
            occupation="C7212",
            proven_eqf_level=3,
            framework="LK-NVQ",
            crosswalk_version="lk-nvq-2023",
            awarded=DateSpan(date(2024, 1, 1), date(2024, 12, 31)),
            expires_on=None,
            status=AnonCredsStatus.of(training_centre.registry_id),
            binding=Binding.LINK_SECRET,
        )

    @pytest.mark.parametrize("jurisdiction", [WELDER.jurisdiction, "ZWE"])
    def test_7_keeps_all_that_the_decision_says(
        self,
        given: Any,
        received: ReceivedPresentation,
        terms: Terms,
        findings: Findings,
        snapshot: GovernanceSnapshot,
        now: datetime,
        jurisdiction: str | None,
    ) -> None:
        asked = replace(terms, requirement=replace(WELDER, jurisdiction=jurisdiction))
        (proof,) = prove(received, [asked], findings, at=now)
        decided = decide(asked.requirement, proof.evidence, snapshot, at=now)
        judged = given(terms=asked).decision
        assert decided.redress or decided.verdict is Verdict.TRUSTED
        assert judged == copy.replace(decided, reasons=judged.reasons)

    def test_2_is_asked_again_by_the_judgement_itself(self, given: Any, received: ReceivedPresentation) -> None:
        judgement = given(received=replace(received, others=frozenset({"x"})))
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert codes(judgement) == ["presentation.not_as_asked"]

    def test_3_what_cannot_be_resolved_is_unknown(self, given: Any) -> None:
        judgement = given(findings=Findings(resolved=False))
        assert judgement.decision.verdict is Verdict.UNKNOWN
        assert codes(judgement) == ["proof.unresolved"]
        assert judgement.presentation is None

    @pytest.mark.parametrize(
        ("changed", "code"), [({"consistent": False}, "proof.inconsistent"), ({"holds": False}, "proof.invalid")]
    )
    def test_3_refuses_a_proof_that_does_not_hold(
        self, given: Any, findings: Findings, changed: dict[str, Any], code: str
    ) -> None:
        judgement = given(findings=replace(findings, **changed))
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert codes(judgement) == [code]
        assert judgement.presentation is None

    def test_3_says_that_an_invalid_proof_was_mixed(
        self, given: Any, received: ReceivedPresentation, findings: Findings
    ) -> None:
        mixed = replace(received, identifiers=received.identifiers * 2)
        assert codes(given(received=mixed, findings=replace(findings, holds=False))) == [
            "proof.invalid",
            "presentation.mixed",
        ]

    def test_4_refuses_two_sub_proofs_although_they_hold(self, given: Any, received: ReceivedPresentation) -> None:
        judgement = given(received=replace(received, identifiers=received.identifiers * 2))
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert codes(judgement) == ["presentation.mixed"]

    def test_4_refuses_a_predicate_from_another_sub_proof(
        self, given: Any, training_centre: Issuer, terms: Terms
    ) -> None:
        by_predicate = replace(terms, requirement=replace(WELDER, level_proof=LevelProof.PREDICATE), names=NAMES[:-1])
        one = replace(presentation(training_centre, names=NAMES[:-1]), predicates={"level": 0})
        assert given(received=one, terms=by_predicate).decision.verdict is Verdict.TRUSTED
        two = replace(one, identifiers=one.identifiers * 2, predicates={"level": 1})
        assert codes(given(received=two, terms=by_predicate)) == ["presentation.mixed"]

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ("TS_OUT_NRI::qualification", "revocation.outside_interval"),
            ("UNRVL_ATTR::qualification", "presentation.unrevealed"),
            ("RMV_GLB_NRI", "revocation.not_revocable"),
            ("RMV_RFNT_NRI::qualification", "revocation.not_revocable"),
        ],
    )
    def test_5_a_warning_of_the_library_is_a_refusal(
        self, given: Any, findings: Findings, message: str, code: str
    ) -> None:
        judgement = given(findings=replace(findings, messages=(message,)))
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert codes(judgement) == [code]

    def test_5_a_removed_interval_is_none_of_our_business_where_revocation_was_not_asked(
        self, given: Any, received: ReceivedPresentation, terms: Terms, findings: Findings
    ) -> None:
        not_asked = replace(terms, requirement=replace(WELDER, not_revoked=False))
        bare = replace(received, identifiers=(replace(received.identifiers[0], timestamp=None),))
        judgement = given(
            received=bare,
            terms=not_asked,
            findings=replace(findings, messages=("RMV_GLB_NRI",), lists_in_force=(None,)),
        )
        assert judgement.decision.verdict is Verdict.TRUSTED

    def test_5_refuses_a_status_list_one_second_older_than_the_one_in_force(
        self, given: Any, findings: Findings
    ) -> None:
        judgement = given(findings=replace(findings, lists_in_force=(LIST_TIME + 1,)))
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert codes(judgement) == ["revocation.old_list"]

    def test_5_a_status_list_that_cannot_be_had_is_unknown(self, given: Any, findings: Findings) -> None:
        judgement = given(findings=replace(findings, lists_in_force=(None,)))
        assert judgement.decision.verdict is Verdict.UNKNOWN
        assert codes(judgement) == ["revocation.unchecked"]

    @pytest.mark.parametrize("changed", [{"registry": None}, {"timestamp": None}])
    def test_5_refuses_a_proof_without_non_revocation(
        self, given: Any, received: ReceivedPresentation, changed: dict[str, None]
    ) -> None:
        bare = replace(received, identifiers=(replace(received.identifiers[0], **changed),))
        assert codes(given(received=bare)) == ["revocation.not_proven"]

    def test_5_a_registry_without_a_proof_is_not_evidence(
        self, given: Any, received: ReceivedPresentation, terms: Terms
    ) -> None:
        not_asked = replace(terms, requirement=replace(WELDER, not_revoked=False))
        bare = replace(received, identifiers=(replace(received.identifiers[0], timestamp=None),))
        assert given(received=bare, terms=not_asked).presentation.evidence.status is None

    @pytest.mark.parametrize(
        "changed",
        [
            {"award_year": "02024"},
            {"award_year": "+2024"},
            {"expires_on": "2030-01-01"},
            {"framework": "lk-nvq"},
            {"occupation_isco08": "7213"},
            {"eqf_min_3": "01"},
        ],
    )
    def test_6_refuses_a_value_that_is_not_canonical(
        self, given: Any, training_centre: Issuer, changed: dict[str, str]
    ) -> None:
        judgement = given(received=presentation(training_centre, **changed))
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert codes(judgement) == ["value.not_canonical"]
        assert not any(value in judgement.decision.reasons[0].text for value in changed.values())

    def test_6_refuses_a_level_bit_that_is_not_set(self, given: Any, training_centre: Issuer) -> None:
        assert codes(given(received=presentation(training_centre, eqf_min_3="0"))) == ["value.level"]

    def test_6_refuses_another_occupation(self, given: Any, training_centre: Issuer) -> None:
        assert codes(given(received=presentation(training_centre, occupation_isco08="C7213"))) == ["value.occupation"]

    def test_6_accepts_on_the_last_day_and_refuses_on_the_day_after(
        self, given: Any, training_centre: Issuer, now: datetime
    ) -> None:
        last = days_anywhere(now).first  # the day in UTC-12: every later one is still somewhere too
        accepted = given(received=presentation(training_centre, expires_on=f"{last:%Y%m%d}"))
        assert accepted.presentation.evidence.expires_on == last
        over = last - timedelta(days=1)
        assert codes(given(received=presentation(training_centre, expires_on=f"{over:%Y%m%d}"))) == [
            "credential.expired"
        ]

    def test_7_refuses_an_issuer_who_does_not_count_there(self, given: Any, terms: Terms) -> None:
        elsewhere = replace(terms, requirement=replace(WELDER, jurisdiction="FRA"))
        judgement = given(terms=elsewhere)
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert codes(judgement)[0] == "jurisdiction.not_covered"

    def test_7_a_proof_that_holds_is_kept_apart_from_the_standing_of_its_issuer(
        self, given: Any, training_centre: Issuer
    ) -> None:
        judgement = given(received=presentation(training_centre, award_year="2019"))
        assert judgement.decision.verdict is Verdict.NOT_TRUSTED
        assert isinstance(judgement.presentation, VerifiedPresentation)

    def test_7_governance_that_is_not_fresh_is_stale(self, given: Any, snapshot: GovernanceSnapshot) -> None:
        assert given(snapshot=replace(snapshot, fresh_until=None)).decision.verdict is Verdict.STALE

    def test_7_no_governance_is_unknown(self, given: Any) -> None:
        assert given(snapshot=None).decision.verdict is Verdict.UNKNOWN

    def test_7_a_day_is_as_precise_as_it_was_shown(self, given: Any, training_centre: Issuer, terms: Terms) -> None:
        names = ("occupation_isco08", "awarded_on", *NAMES[2:])
        by_day = replace(terms, award_precision=AwardPrecision.DAY, names=names)
        judgement = given(received=presentation(training_centre, names=names), terms=by_day)
        assert judgement.presentation.evidence.awarded == DateSpan(date(2024, 6, 10), date(2024, 6, 10))

    @pytest.mark.parametrize("subject", list(Subject))
    def test_8_states_who_was_named(self, given: Any, training_centre: Issuer, terms: Terms, subject: Subject) -> None:
        names = (*NAMES, *subject_names(subject))
        named = replace(terms, requirement=replace(WELDER, subject=subject), names=names)
        judgement = given(received=presentation(training_centre, names=names), terms=named)
        assert codes(judgement)[-1] == ("subject.none" if subject is Subject.NONE else "subject.shown")
        assert set(judgement.presentation.subject) == set(subject_names(subject))


def test_nobody_else_makes_a_verified_presentation(training_centre: Issuer) -> None:
    evidence = Evidence(
        training_centre.did, AnonCredsSource.of(training_centre.cred_def_id), "qualification/1.0", "C7212", 3, "EQF",
        None, DateSpan.of_year(2024), None, binding=Binding.LINK_SECRET,
    )  # fmt: skip
    with pytest.raises(TypeError, match="only the judgement"):
        VerifiedPresentation(evidence, {}, {})
