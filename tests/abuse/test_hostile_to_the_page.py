"""Who wants to cheat a worker whose wallet is a page: strangers by their links, and the mediator on the way.

Here is what needs a world of its own. A faked label, an unlisted employer, a request for everything, a private address,
message bombs and a shortened log are also tried by real agents, in `test_cheated_wallet.py`. The rest of that list
stands where its part is tested; `test_agent.py` and the like are in `tests/unit/wallet`:

- an unlisted employer: `test_governance_file.py::test_who_may_ask`
- a request for everything: `test_page_requests.py::test_what_is_asked_beyond_what_the_authority_lets_is_named`, and
  `test_agent.py::test_what_a_request_tells_without_showing_it_is_listed_and_judged`
- a private address in an invitation: `test_agent.py::test_no_invitation_makes_a_wallet_knock_at_private_doors`
- a message bomb: `test_agent.py::test_offers_of_the_connection_alone_and_no_more_than_fit`, and
  `test_agent.py::test_nobody_fills_the_book_with_what_is_not_answered`
- a mediator that reorders, drops, replays, alters, swaps and keeps back, as a real agent among real ones:
  `test_lying_mediator.py`
- a mediator that lies of itself: `test_agent.py::test_a_mediator_that_is_another_or_takes_no_key`
- an authority's file that goes back: `test_governance_file.py::test_it_never_goes_back`
- HTML in every field: `tests/browser/test_wallet_screens.py::test_html_in_every_field_is_text`
- an operator who reads the databases: `tests/interop/test_page.py` (all files of host and mediator, logs with them)
"""

import base64
from collections.abc import Iterator

import pytest
from tests.unit.wallet.wallet_process import WalletProcess, wallet_process
from tests.unit.webvh.foreign_log import ForeignLog

pytestmark = pytest.mark.needs("node")


@pytest.fixture(scope="module")
def wallet() -> Iterator[WalletProcess]:
    """The wallet, in a process of its own."""
    with wallet_process() as process:
        yield process


def test_nobody_is_called_what_they_call_themselves(wallet: WalletProcess) -> None:
    issuer, asker, is_told = wallet.call("faked_labels")
    assert (issuer, asker, is_told) == (None, None, False)


def test_a_mediator_that_reorders_drops_and_replays(wallet: WalletProcess) -> None:
    early, twice, ended, verdicts, acknowledged = wallet.call("replays")
    assert early == [True, "requested", []]
    assert twice == ["complete", ["offered", "asked"]]
    assert ended == ["complete", ["declined", "declined"]]
    assert verdicts == ["declined", "accepted"]
    assert acknowledged == [*["answered"] * 4, *["refused"] * 3]


def test_a_mediator_that_swaps_the_question_behind_a_short_link(wallet: WalletProcess) -> None:
    """What it shows is what is answered, to whom the page names: the mediator can ask in its own name alone."""
    true, more, own = wallet.call("swapped_link")
    assert true == ["Shipyard", "TRUSTED", "verifier.may_ask", True, [], True, False]
    assert more == ["Shipyard", "NOT_TRUSTED", "verification.attributes", True, ["birth_date"], True, False]
    assert own[:4] == [None, "UNKNOWN", "verifier.not_listed", True]


def test_a_mediator_that_shortens_a_log_or_keeps_back_a_list(wallet: WalletProcess) -> None:
    log = ForeignLog()
    first = log.received
    log.add()
    whole = log.received
    fork = ForeignLog()
    logs = [first, whole, first, whole]
    outcomes = wallet.call(
        "kept_back", did=log.did, logs=[base64.b64encode(signed_log).decode() for signed_log in logs]
    )
    assert fork.did != log.did
    assert outcomes[:4] == [1, 2, "check_failed", 2]
    assert outcomes[4:8] == ["taken", "check_failed", "check_failed", "taken"]
    assert outcomes[8] == [[1, 2], [2, 2], [2, 3], [2, 3]]  # what rests on a kept log, and what was asked for
    assert outcomes[9:] == ["taken", "check_failed", 50]


def test_a_mediator_that_forgot_a_wallet_is_met_anew_and_no_other(wallet: WalletProcess) -> None:
    forgot, two, one, closed = wallet.call("forgets")
    # Three silent hours, then another connection under which the keys are listed again.
    assert forgot == ["forgets", ["unreachable"] * 3 + ["live"], False, True, ["granted"]]
    assert two == ["silent for two hours", ["unreachable", "unreachable", "live", "live"], True, False, ["granted"]]
    assert one == ["silent for one hour", ["unreachable"] * 4, True, False, ["granted", "silence"]]
    assert closed == ["closes", ["unreachable"] * 4, True, False, ["granted"]]
