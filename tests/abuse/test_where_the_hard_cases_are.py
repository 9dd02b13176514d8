"""Each hard case of an employer's answer has its tests, and where: most are here, some where what they need stands.

A receipt and a case file are altered where they are made (`tests/flow`, with the agents and the command line); clocks
of wallets and issuers are wrong where libfaketime may take its minutes (`tests/soak`); the same without agents is in
`tests/unit/trust`.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
CASES: Final[dict[str, tuple[str, ...]]] = {
    "mixed, of one definition": (
        "abuse/test_lying_wallet.py::test_refuses_a_mix_of_two_credentials",
        "abuse/test_several_credentials.py::test_refuses_two_certificates_of_one_definition_mixed",
    ),
    "mixed, of different definitions": (
        "abuse/test_several_credentials.py::test_refuses_certificates_of_two_definitions_that_changed_places",
    ),
    "three mixed": ("abuse/test_several_credentials.py::test_refuses_three_certificates_mixed",),
    "holders who collude": ("abuse/test_hard_cases.py::test_three_people_who_collude_are_not_one_worker",),
    "replayed": ("abuse/test_lying_wallet.py::test_refuses_a_replayed_presentation",),
    "of another request": ("abuse/test_several_credentials.py::test_refuses_a_presentation_of_another_question",),
    "two answers": ("abuse/test_lying_wallet.py::test_a_second_answer_changes_nothing",),
    "a definition of one's own": (
        "abuse/test_changed_standing.py::test_refuses_a_definition_of_ones_own_with_the_right_schema",
    ),
    "a DID that has ended": (
        "abuse/test_hard_cases.py::test_an_issuer_that_has_ended_its_did_is_trusted_by_nobody_who_looks",
    ),
    "a key rotated before and after": (
        "abuse/test_hard_cases.py::test_an_issuer_that_rotates_its_key_counts_for_what_it_awarded_before_and_after",
    ),
    "an accreditation that is gone, or withdrawn": (
        "abuse/test_changed_standing.py::test_an_accreditation_withdrawn_since_the_award_counts_for_what_was_awarded_before",
        "abuse/test_changed_standing.py::test_an_award_dated_back_beyond_a_withdrawal_does_not_count",
        "abuse/test_changed_standing.py::test_an_accreditation_that_is_gone_since_the_question_does_not_count",
    ),
    "governance updated meanwhile": (
        "abuse/test_changed_standing.py::test_an_answer_rests_on_the_version_of_its_instant_not_of_the_question",
    ),
    "a status list held back": (
        "abuse/test_hard_cases.py::test_a_status_list_that_its_host_holds_back_is_no_refusal_and_trusts_nobody",
    ),
    "an old status list": (
        "abuse/test_lying_wallet.py::test_refuses_a_status_list_from_before_the_revocation",
        "unit/trust/verifying/test_judgement.py::test_5_refuses_a_status_list_one_second_older_than_the_one_in_force",
    ),
    "non-revocation left out, both ways": (
        "abuse/test_lying_wallet.py::test_refuses_a_proof_that_says_nothing_about_revocation",
        "abuse/test_lying_wallet.py::test_refuses_a_time_stated_where_nothing_is_proven_of_it",
        "unit/trust/verifying/test_known_holes.py::test_a_time_that_is_only_written_over_proves_nothing",
    ),
    "a wrong clock": (
        "abuse/test_wrong_clock.py::test_by_a_wrong_clock_nobody_is_trusted_and_a_good_answer_is_not_refused",
        "soak/test_wrong_clocks.py::test_nobody_is_trusted_by_a_wrong_clock",
        "soak/test_wrong_clocks.py::test_a_list_of_the_issuers_future_is_no_refusal_and_no_trust",
        "unit/trust/verifying/test_clocks.py::test_our_clock_is_wrong",
        "unit/trust/verifying/test_clocks.py::test_a_revocation_that_the_issuer_dates_in_the_future_is_not_overlooked",
    ),
    "the edges of 32 bits": (
        "abuse/test_lying_wallet.py::test_a_level_at_the_edge_of_what_predicates_take_proves_nothing",
    ),
    "ten megabytes": ("abuse/test_lying_wallet.py::test_ten_megabytes_are_not_taken_and_the_question_stays_open",),
    "a thousand half-open": (
        "abuse/test_lying_wallet.py::test_a_thousand_sessions_that_phones_open_and_leave_hold_nobody_up",
        "abuse/test_lying_wallet.py::test_more_who_begin_by_one_link_than_it_can_take_are_told_to_come_again",
    ),
    "a forged receipt": (
        "flow/test_receipts.py::test_a_receipt_is_good_and_an_altered_one_is_not",
        "unit/trust/receipts/test_receipts.py::test_refuses_a_receipt_forged_with_a_key_of_nobodys",
        "unit/trust/receipts/test_receipts.py::test_refuses_a_receipt_forged_under_the_verifiers_kid",
    ),
    "an altered case file": (
        "flow/test_case_files.py::test_a_kept_answer_is_decided_again_and_an_altered_one_is_refused",
        "unit/trust/case_files/test_case_files.py::test_a_decision_written_over_by_who_has_the_key_does_not_come_out_again",
        "unit/trust/case_files/test_rewritten_questions.py::test_refuses_a_question_that_was_rewritten",
    ),
    "a link that is flooded": (
        "abuse/test_hard_cases.py::test_one_wallet_that_comes_thirty_times_has_one_place",
        "abuse/test_hard_cases.py::test_a_link_that_others_have_filled_is_told_of_and_can_be_widened",
    ),
    "a question relayed": (
        "abuse/test_hard_cases.py::test_a_question_relayed_to_somebody_else_names_who_asks_and_the_desks_reference",
    ),
    "another tenant's desk": ("abuse/test_tenant_desks.py::test_one_tenants_desk_is_closed_to_all_that_is_anothers",),
    "a zero that was shown": (
        "abuse/test_lying_wallet.py::test_refuses_a_level_bit_that_is_zero",
        "abuse/test_lying_wallet.py::test_refuses_a_zero_written_over_with_a_one",
    ),
    "a predicate of another proof": (
        "unit/trust/verifying/test_judgement.py::test_4_refuses_a_predicate_from_another_sub_proof",
    ),
    "answers that could be linked": (
        "unit/trust/verifying/test_known_holes.py::test_two_answers_of_one_worker_share_nothing_that_links_them",
    ),
}


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, kinds))


def test_each_hard_case_has_its_tests() -> None:
    named = [(case, *test.split("::")) for case, tests in CASES.items() for test in tests]
    assert [(case, test) for case, path, test in named if test not in names_in(path)] == []
