"""Several credentials of one worker in one answer, with real proofs: each is judged, none is mixed.

For each accepted answer a neighbour that differs in one point and is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anoncreds
import pytest
from tests.unit.trust.ecosystem import (
    WELDER,
    Authority,
    Held,
    Issuer,
    Worker,
    message,
    payload,
    values,
)
from tests.unit.trust.employer import Employer, codes, verdict
from tests.unit.trust.verifying.several.certificates import (
    MALTESE,
    SCHEMAS,
    WORK,
    Wallet,
    answered,
    ask,
    claim,
    outcomes,
    verdicts,
)
from tests.welders import accreditation

from wanderbuch.governance.facts.question import Subject, Verdict
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import read_presentation
from wanderbuch.plugins.trust.verifying.anoncreds.rules import Findings, Terms, prove
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.proof import Proven, Unproven
from wanderbuch.plugins.trust.verifying.several import two_people


async def test_three_credentials_of_one_worker_are_trusted_each_by_itself(employer: Employer, wallet: Wallet) -> None:
    asked = await ask(employer)
    ended = await answered(employer, asked, wallet.worker.present(asked.proof_request, wallet.answer))
    assert verdict(ended) is Verdict.TRUSTED, codes(ended)
    assert verdicts(ended) == [Verdict.TRUSTED] * 3
    assert [group.group for group in ended.groups] == ["trade", "work", "maltese"]
    told = outcomes(ended)
    assert {part for part, _ in told} == {"trade", "work", "maltese", ""}
    assert told["", FactKind.ONE_WALLET] is FactOutcome.HOLDS
    assert told["", FactKind.ONE_PERSON] is FactOutcome.NOT_ASKED  # one wallet may hold those of two
    assert set(told.values()) == {FactOutcome.HOLDS, FactOutcome.NOT_ASKED}
    seen = await employer.seen(ended)
    assert seen is not None
    assert {name for name in seen if name.startswith("work.")} == {
        "work.occupation_isco08", "work.award_year", "work.expires_on",
    }  # fmt: skip
    assert (seen["maltese.language"], seen["maltese.cefr_min_b1"]) == ("mlt", "1")
    assert not any("months" in name or "cefr_level" in name or "family_name" in name for name in seen)


async def test_the_least_is_asked_and_each_predicate_is_bound_to_its_credential(employer: Employer) -> None:
    request = (await ask(employer)).proof_request
    assert set(request["requested_predicates"]) == {"work.months", "work.since"}
    assert request["requested_predicates"]["work.since"]["name"] == "employed_to"
    assert request["requested_predicates"]["work.since"]["p_value"] == 20230101
    for name, predicate in request["requested_predicates"].items():
        group = name.split(".")[0]
        assert predicate["restrictions"] == request["requested_attributes"][group]["restrictions"]
    assert request["requested_attributes"]["maltese"]["names"] == [
        "language",
        "award_year",
        "expires_on",
        "cefr_min_b1",
    ]


async def test_one_issuer_that_does_not_count_makes_the_whole_not_count(
    employer: Employer, wallet: Wallet, authority: Authority, shipyard: Issuer, training_centre: Issuer,
    institute: Issuer,
) -> None:  # fmt: skip
    asked = await ask(employer)
    proof = wallet.worker.present(asked.proof_request, wallet.answer)
    entries = {
        training_centre.did: [accreditation([training_centre.cred_def_id])],
        shipyard.did: [accreditation([shipyard.cred_def_id], id="acc-3", credential_types=["experience/1.0"])],
        institute.did: [
            accreditation(
                [institute.cred_def_id],
                id="acc-4",
                credential_types=["language/1.0"],
                occupations=["mlt"],
                level_range={"framework": "CEFR", "min": "A1", "max": "A2"},
            )
        ],
    }
    signed = await authority.file(payload(entries, version=3, schemas=SCHEMAS))
    employer.host.files = {
        "current.jws": signed.jws,
        "freshness.jws": await authority.statement(signed, at=employer.now),
    }
    await employer.source.refresh()
    ended = await answered(employer, asked, proof)
    assert verdicts(ended) == [Verdict.TRUSTED, Verdict.TRUSTED, Verdict.NOT_TRUSTED]
    assert (verdict(ended), codes(ended)[0]) == (Verdict.NOT_TRUSTED, "level.not_covered")
    assert ended.decision is not None
    assert ended.decision.reasons[0].text.startswith("Language certificate, mlt (Maltese): ")


async def test_one_revoked_credential_makes_the_whole_fail(employer: Employer, wallet: Wallet, worker: Worker) -> None:
    asked = await ask(employer)
    revoked = wallet.worked.issuer.issue(worker.link_secret, claim("experience/1.0"))
    proof = worker.present(asked.proof_request, wallet.answer | dict.fromkeys(WORK, revoked))
    wallet.worked.issuer.publish_list(revoke=[revoked])
    ended = await answered(employer, asked, proof)
    assert verdicts(ended) == [Verdict.TRUSTED, Verdict.NOT_TRUSTED, Verdict.TRUSTED]
    assert (verdict(ended), codes(ended)) == (Verdict.NOT_TRUSTED, ["revocation.old_list"])
    assert await employer.seen(ended) is None
    told = outcomes(ended)
    assert [part for (part, _), outcome in told.items() if outcome is FactOutcome.FAILS] == ["work"]
    assert told["work", FactKind.NOT_REVOKED] is FactOutcome.FAILS
    assert told["trade", FactKind.ISSUER_COUNTS] is FactOutcome.HOLDS


async def test_a_list_that_cannot_be_had_leaves_the_whole_unknown(employer: Employer, wallet: Wallet) -> None:
    asked = await ask(employer)
    proof = wallet.worker.present(asked.proof_request, wallet.answer)
    employer.registry.lists_down = True
    ended = await answered(employer, asked, proof)
    assert verdict(ended) is Verdict.UNKNOWN


class TestMixed:
    async def test_refuses_months_from_one_certificate_and_recency_from_another(
        self, employer: Employer, wallet: Wallet, worker: Worker, shipyard: Issuer
    ) -> None:
        """Same definition, same occupation: restrictions alone do not tell them apart."""
        old = shipyard.issue(
            worker.link_secret,
            claim(
                "experience/1.0", employed_from="20100101", employed_to="20191231", months="120", awarded_on="20200101"
            ),
        )
        short = shipyard.issue(
            worker.link_secret,
            claim(
                "experience/1.0", employed_from="20240101", employed_to="20240331", months="3", awarded_on="20240401"
            ),
        )
        asked = await ask(employer)
        for mixed in (
            {"work": short, "work.months": old, "work.since": short},
            {"work": old, "work.months": old, "work.since": short},
        ):
            question = await employer.ask_otherwise(asked)
            proof = worker.present(question.proof_request, wallet.answer | mixed)
            ended = await answered(employer, question, proof)
            assert verdict(ended) is Verdict.NOT_TRUSTED
            assert "presentation.mixed" in codes(ended), mixed
            assert verdicts(ended) == [Verdict.NOT_TRUSTED] * 3

    async def test_refuses_one_certificate_for_two(self, employer: Employer, wallet: Wallet, worker: Worker) -> None:
        asked = await employer.ask_several(first=WELDER, second=replace(WELDER, min_eqf_level=2))
        ended = await answered(employer, asked, worker.present(asked.proof_request, wallet.welder))
        assert (verdict(ended), codes(ended)[0]) == (Verdict.NOT_TRUSTED, "presentation.one_for_two")

    async def test_trusts_two_certificates_of_one_definition(
        self, employer: Employer, wallet: Wallet, worker: Worker, training_centre: Issuer
    ) -> None:
        other = training_centre.issue(worker.link_secret, values(eqf_level="3", framework_level="3"))
        asked = await employer.ask_several(first=WELDER, second=replace(WELDER, min_eqf_level=2))
        proof = worker.present(asked.proof_request, {"first": wallet.welder, "second": other})
        assert verdict(await answered(employer, asked, proof)) is Verdict.TRUSTED

    async def test_who_asks_for_two_of_one_kind_is_told_that_one_may_be_shown_twice(
        self, employer: Employer, wallet: Wallet, worker: Worker, training_centre: Issuer
    ) -> None:
        """Two proofs of one certificate cannot be told from proofs of two: so nobody may count them."""
        told = "Two of one kind may be one and the same certificate, shown for both."
        asked = await employer.ask_several(first=WELDER, second=replace(WELDER, min_eqf_level=2))
        again = replace(wallet.welder, credential=anoncreds.Credential.load(wallet.welder.credential.to_json()))
        proof = worker.present(asked.proof_request, {"first": wallet.welder, "second": again})
        assert len(proof["identifiers"]) == 2
        assert verdict(await answered(employer, asked, proof)) is Verdict.TRUSTED
        assert told in asked.words
        assert told not in (await ask(employer)).words

    async def test_refuses_answers_that_changed_places(
        self, employer: Employer, wallet: Wallet, worker: Worker, nurse: Held
    ) -> None:
        """Same definition: the nurse's credential where the welder's was asked, and the other way round."""
        asked = await employer.ask_several(trade=WELDER, care=replace(WELDER, occupation="C2221"))
        right = worker.present(asked.proof_request, {"trade": wallet.welder, "care": nurse})
        swapped = worker.present_unrestricted(asked.proof_request, {"trade": nurse, "care": wallet.welder})
        again = await employer.ask_otherwise(asked)
        assert verdict(await answered(employer, asked, right)) is Verdict.TRUSTED
        assert verdict(await answered(employer, again, swapped)) is Verdict.NOT_TRUSTED

    async def test_refuses_a_group_that_is_left_out(self, employer: Employer, wallet: Wallet) -> None:
        asked = await ask(employer)
        fewer = json.loads(json.dumps(asked.proof_request))
        del fewer["requested_attributes"]["maltese"]
        proof = wallet.worker.present(
            fewer, {name: credential for name, credential in wallet.answer.items() if name != "maltese"}
        )
        ended = await answered(employer, asked, proof)
        assert codes(ended)[0] == "presentation.not_as_asked"


class TestTwoHolders:
    @pytest.fixture
    def friend(self) -> Worker:
        return Worker()

    async def test_a_friends_certificate_cannot_be_proven_with_the_workers_secret(
        self, employer: Employer, wallet: Wallet, friend: Worker, institute: Issuer
    ) -> None:
        theirs = institute.issue(friend.link_secret, claim("language/1.0"))
        asked = await ask(employer)
        try:
            proof = wallet.worker.present(asked.proof_request, wallet.answer | {"maltese": theirs})
        except anoncreds.AnoncredsError:
            return  # the library of the wallet itself refuses
        ended = await answered(employer, asked, proof)
        assert verdict(ended) is Verdict.NOT_TRUSTED

    async def test_refuses_two_presentations_joined_into_one(
        self, employer: Employer, wallet: Wallet, friend: Worker, institute: Issuer
    ) -> None:
        """Two people collude: each proves a part of the very question, with a link secret of their own."""
        theirs = institute.issue(friend.link_secret, claim("language/1.0"))
        asked = await ask(employer)
        mine, other = (_only(asked.proof_request, groups) for groups in (("trade", "work"), ("maltese",)))
        joined = wallet.worker.present(
            mine, {name: credential for name, credential in wallet.answer.items() if name != "maltese"}
        )
        added = friend.present(other, {"maltese": theirs})
        group = added["requested_proof"]["revealed_attr_groups"]["maltese"]
        group["sub_proof_index"] = len(joined["identifiers"])
        joined["requested_proof"]["revealed_attr_groups"]["maltese"] = group
        joined["identifiers"] += added["identifiers"]
        joined["proof"]["proofs"] += added["proof"]["proofs"]
        joined["proof"]["aggregated_proof"]["c_list"] += added["proof"]["aggregated_proof"]["c_list"]
        ended = await answered(employer, asked, joined)
        assert (verdict(ended), codes(ended)[0]) == (Verdict.NOT_TRUSTED, "proof.invalid")
        assert verdicts(ended) == [Verdict.NOT_TRUSTED] * 3

    @pytest.mark.parametrize("answer", ["1", None], ids=["another number", "no number"])
    async def test_refuses_another_secret_even_if_the_library_should_hold_the_proof_for_good(
        self, employer: Employer, wallet: Wallet, answer: str | None
    ) -> None:
        asked = await ask(employer)
        honest = wallet.worker.present(asked.proof_request, wallet.answer)
        other = json.loads(json.dumps(honest))
        answers = other["proof"]["proofs"][-1]["primary_proof"]["eq_proof"]["m"]
        answers["master_secret"] = answer
        if answer is None:
            del answers["master_secret"]
        terms, findings = Terms.of(asked), Findings(True, True, True, lists_in_force=_lists(honest))
        for proof, is_one in ((honest, True), (other, False)):
            received = read_presentation(message(proof))
            proven = prove(received, terms, findings, at=employer.now)
            assert [isinstance(outcome, Proven) for outcome in proven] == [is_one] * 3
            if not is_one:
                refused = {
                    reason.code for outcome in proven if isinstance(outcome, Unproven) for reason in outcome.reasons
                }
                assert refused == {"presentation.several_holders"}

    async def test_refuses_certificates_of_two_people_in_one_wallet_where_names_are_asked(
        self, employer: Employer, wallet: Wallet, worker: Worker, institute: Issuer
    ) -> None:
        """One link secret, two people: the cryptography has nothing to say about that."""
        theirs = institute.issue(worker.link_secret, claim("language/1.0", family_name="Silva"))
        spelt = institute.issue(worker.link_secret, claim("language/1.0", family_name="PERERA"))
        named = {
            group: replace(question, subject=Subject.NAME)
            for group, question in (("trade", WELDER), ("maltese", MALTESE))
        }
        for credential, expected in (
            (wallet.spoken, Verdict.TRUSTED),
            (spelt, Verdict.TRUSTED),
            (theirs, Verdict.NOT_TRUSTED),
        ):
            asked = await employer.ask_several(**named)
            proof = worker.present(asked.proof_request, {"trade": wallet.welder, "maltese": credential})
            ended = await answered(employer, asked, proof)
            assert verdict(ended) is expected
            assert ("subject.differs" in codes(ended)) is (expected is Verdict.NOT_TRUSTED)
            told = outcomes(ended)
            named_one = FactOutcome.HOLDS if expected is Verdict.TRUSTED else FactOutcome.FAILS
            assert (told["", FactKind.ONE_WALLET], told["", FactKind.ONE_PERSON]) == (FactOutcome.HOLDS, named_one)
        nameless = await employer.ask_several(trade=WELDER, maltese=MALTESE)
        proof = worker.present(nameless.proof_request, {"trade": wallet.welder, "maltese": theirs})
        told = outcomes(await answered(employer, nameless, proof))
        assert told["", FactKind.ONE_PERSON] is FactOutcome.NOT_ASKED  # that they are one person's is said by nobody

    async def test_signs_in_place_of_names_are_nobodys(
        self, employer: Employer, worker: Worker, training_centre: Issuer, institute: Issuer
    ) -> None:
        """Compared without signs they would be equal, whosever the certificates are."""
        named = {
            group: replace(question, subject=Subject.NAME)
            for group, question in (("trade", WELDER), ("maltese", MALTESE))
        }
        trade = training_centre.issue(worker.link_secret, values(family_name="?", given_names="?"))
        spoken = claim("language/1.0") | {"family_name": "*", "given_names": "?"}
        asked = await employer.ask_several(**named)
        chosen = {"trade": trade, "maltese": institute.issue(worker.link_secret, spoken)}
        ended = await answered(employer, asked, worker.present(asked.proof_request, chosen))
        assert (verdict(ended), codes(ended)[0]) == (Verdict.NOT_TRUSTED, "value.not_canonical")
        assert outcomes(ended)["", FactKind.ONE_PERSON] is not FactOutcome.FAILS

    @pytest.mark.parametrize(
        ("subject", "names", "expected"),
        [
            (Subject.NAME, ("?", "*"), "subject.nameless"),  # no rule for texts lets these through; nor do we
            (Subject.NAME, ("", ""), "subject.nameless"),
            (Subject.NAME, ("?", "Perera"), "subject.differs"),
            (Subject.NAME, ("PERERA", "Perera"), None),
            (Subject.NONE, ("", ""), None),
        ],
    )
    async def test_names_that_name_nobody_are_not_one_persons(
        self, employer: Employer, subject: Subject, names: tuple[str, str], expected: str | None
    ) -> None:
        asked = await employer.ask_several(
            trade=replace(WELDER, subject=subject), maltese=replace(MALTESE, subject=subject)
        )
        reason = two_people(asked.groups, [{"family_name": name} for name in names])
        assert (None if reason is None else reason.code) == expected


def _lists(proof: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(identifier["timestamp"] for identifier in proof["identifiers"])


def _only(request: Mapping[str, Any], groups: tuple[str, ...]) -> dict[str, Any]:
    """Return the part of a request that is about some of its groups: same nonce."""
    made = json.loads(json.dumps(request))
    for part in ("requested_attributes", "requested_predicates"):
        made[part] = {name: member for name, member in made[part].items() if name.split(".")[0] in groups}
    return made
