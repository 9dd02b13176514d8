"""Nothing of a book outlives its lock; what leads nowhere is said at once; what a link carries."""

from typing import Any

import pytest
from tests.unit.wallet.centre import Centre
from tests.unit.wallet.conftest import SMALL
from tests.unit.wallet.wallet_process import WalletProcess

pytestmark = pytest.mark.needs("node")

KINDS = ["VaultKey", "SealedStore", "Backup", "KeyRing", "Agent", "Wallet", "Views"]


def test_nothing_of_a_book_is_at_hand_once_it_is_locked(wallet: WalletProcess) -> None:
    seen = wallet.call("left_after_lock")
    phase, kinds, remembers = seen.pop("open")
    assert (phase, set(KINDS) - set(kinds), remembers) == ("open", set(), True)  # the looks see what is there
    assert seen == {
        "awaited": "state",
        "locked": ["locked", [], False],
        "by passkey": ["locked", [], False],
        "taken": "elsewhere",
        "elsewhere": ["locked", [], False],
        "other tab": ["other-tab", [], False],
    }


def test_who_waits_for_an_offer_that_cannot_come_learns_it_at_once(wallet: WalletProcess) -> None:
    refused, state, left, told_no, again = wallet.call("hopeless")
    assert (refused, state, left) == ("check_failed", "failed", 0)
    assert told_no == "check_failed"
    assert again == [True, "complete"]  # who follows the same link later begins anew


def test_an_inviter_whom_no_wallet_can_reach_is_refused_with_a_word_of_its_own(wallet: WalletProcess) -> None:
    reachable = ["https://centre.example.test/didcomm"]
    others = [
        "http://centre.example.test/didcomm",
        "https://192.168.1.7/didcomm",
        "https://10.0.0.1:8443",
        "https://[fd00::1]/",
        "https://localhost/didcomm",
        "https://printer.local/didcomm",
        "https://intranet/didcomm",
        "didcomm:transport/queue",
    ]
    assert wallet.call("inline_addresses", addresses=reachable) == ["none"]
    assert wallet.call("inline_addresses", addresses=others) == ["not_public"] * len(others)


def test_a_link_is_as_long_as_the_invitation_in_it_may_be_and_no_longer(wallet: WalletProcess) -> None:
    assert wallet.call("link_lengths", lengths=[2_048]) == ["none", "none"]
    assert wallet.call("link_lengths", lengths=[2_049, 65_536]) == ["none", "malformed"] * 2
    assert wallet.call("link_lengths", lengths=[65_537]) == ["malformed", "malformed"]


def test_long_links_that_wait_do_not_fill_the_book(wallet: WalletProcess) -> None:
    outcomes, kept = wallet.call("long_links", length=50_000)
    assert (outcomes, kept) == (["none", "none", "unreachable", "unreachable"], 2)


def test_an_offer_that_an_invitation_carries_waits_for_the_connection_and_comes_once(wallet: WalletProcess) -> None:
    before, after, offers, again, is_kept = wallet.call("carried", kind="issue-credential/2.0/offer-credential")
    assert (before, after, again) == ([0, 0, 0], [1, 0, 0], [1, 0, 0])
    assert offers == [["offered", True, True]]
    assert not is_kept


def test_of_an_offer_whose_connection_ended_otherwise_nothing_stays(wallet: WalletProcess) -> None:
    assert wallet.call("carried_ends") == [
        ["requested", True],
        ["refused", False],
        ["failed", False],
        ["failed", False],
    ]


def test_offers_that_wait_for_their_connections_do_not_fill_the_book(wallet: WalletProcess) -> None:
    most = 120 * 1024
    outcomes, count, ended, next_one = wallet.call("carried_together", bytes=[most, most, most, most, 0])
    assert outcomes == ["none", "none", "carried", "carried", "none"]
    assert (count, ended, next_one) == (3, "failed", "none")


def test_who_does_not_answer_a_link_for_a_month_is_waited_for_no_more_and_can_be_put_away(
    wallet: WalletProcess,
) -> None:
    assert wallet.call("unanswered") == {
        "asked": [[["requested", True], ["requested", True]], ["requested", False], ["requested", True]],
        "older": [1, [["requested", True], ["requested", True]]],
        "before": ["requested", True],
        "after": [["unanswered", False], ["requested", "unanswered"]],
        "late": [["unanswered", False], 0],
        "dropped": [[], "none", "none"],
        "afterDrop": "none",
        "again": [["complete", False], []],
        "stands": ["complete", False],
        "waits": 1,
        "putAway": 0,
    }


def unsigned(wallet: WalletProcess, then: str) -> dict[str, Any]:
    """Say yes to an offer of a real centre, and let 30 days pass before something happens, or nothing."""
    centre = Centre.make("did:example:late", SMALL, None)
    offer, values = centre.offer().to_dict(), {"occupation": "C7212", "level": "4"}
    outcome, request = wallet.call("accepted", offer=offer, values=values, definition=centre.told()["definition"])
    assert outcome == "none"
    credential = centre.issue(offer, request, values).to_dict() if then in {"comes", "put away"} else None
    seen: dict[str, Any] = wallet.call("unsigned", then=then, credential=credential)
    waits = ["requested", [False]]
    assert [seen.pop("older"), seen.pop("before")] == [[*waits, True], waits]
    assert seen.pop("after") == ["unsigned", [True]]
    return seen


def test_what_was_accepted_and_is_not_signed_for_a_month_is_said_and_can_be_put_away(wallet: WalletProcess) -> None:
    assert unsigned(wallet, "nothing") == {"then": ["unsigned", 0], "told": [], "left": True}
    # The issuer learns that nobody waits; what comes then is not taken.
    assert unsigned(wallet, "put away") == {"then": ["none", 0], "told": [["problem-report", True]], "left": False}
    assert unsigned(wallet, "withdrawn") == {"then": ["withdrawn", 0], "told": [], "left": False}


def test_what_was_signed_in_time_and_comes_late_is_taken(wallet: WalletProcess) -> None:
    assert unsigned(wallet, "comes") == {"then": ["kept", 1], "told": [["ack", True]], "left": False}


def test_what_could_not_even_be_asked_for_in_a_month_has_failed(wallet: WalletProcess) -> None:
    definition = f"did:webvh:Qm{'1' * 44}:centre.example.test/resources/z{'1' * 46}"
    offer = {"cred_def_id": definition, "schema_id": "x", "nonce": "1", "key_correctness_proof": {}}
    assert wallet.call("accepted", offer=offer, values={"level": "4"}) == ["unreachable", None]
    seen = wallet.call("unsigned", then="nothing")
    assert seen == {
        "older": ["accepting", [False], True],
        "before": ["accepting", [False]],
        "after": ["failed", [True]],
        "then": ["failed", 0],
        "told": [],
        "left": False,
    }


def test_nothing_else_that_an_invitation_to_connect_carries_counts_as_said_over_the_connection(
    wallet: WalletProcess,
) -> None:
    for kind in ("present-proof/2.0/request-presentation", "issue-credential/2.0/issue-credential"):
        before, after, offers, again, _ = wallet.call("carried", kind=kind)
        assert (before, after, again, offers) == ([0, 0, 0], [0, 0, 0], [0, 0, 0], [])
