"""The page of a question without an account, in every language and state; the household of the demo reads it, too."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.trust.receipts.test_receipts import DECIDED, verification
from tests.unit.verifier.test_walk_in import ended

from wanderbuch.agents.demo.household import _ADDRESS, _VERDICT
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.opening import Opening, WalletSite
from wanderbuch.agents.site.rendering import Pages
from wanderbuch.agents.verifier.getting_in.kit import KIT
from wanderbuch.agents.verifier.getting_in.verdict import verdict_of
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind
from wanderbuch.plugins.trust.verifying.exchange import VerificationState

SHORT = "https://authority.wanderbuch.test/i/x-Y_1234567890ab"


def page(language: str, shown: Any) -> str:
    return Pages("/prove", KIT).text(
        "walk_in_question.html",
        LANGUAGES[language],
        site_name="Authority",
        verification=shown,
        explained=None,
        verdict=verdict_of(shown, KIT.words(LANGUAGES[language])),
        ends_at=DECIDED + timedelta(minutes=15),
        code="/i/x/code.svg",
        short=SHORT,
        opening=Opening(
            [WalletSite("wallet.test", f"https://wallet.test/#{SHORT}")], "didcomm://invite?oob=e30", None, None
        ),
        receipt=None,
        again="/prove/en/?occupation=C7212",
        events="/prove/en/question/x/events",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_while_it_waits_it_shows_the_code_its_address_and_no_verdict(language: str) -> None:
    text = page(language, verification(decision=None, grounds=None, state=VerificationState.OPEN))
    address = _ADDRESS.search(text)
    assert address is not None
    assert address[1] == SHORT
    assert _VERDICT.search(text) is None
    assert '<noscript><meta http-equiv="refresh"' in text
    assert f'href="https://wallet.test/#{SHORT}"' in text
    assert 'href="didcomm://invite?oob=e30"' in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("shown", "look"),
    [
        (ended(Verdict.TRUSTED), "trusted"),
        (ended(Verdict.NOT_TRUSTED, FactKind.LEVEL), "not_trusted"),
        (ended(Verdict.UNKNOWN), "unknown"),
        (ended(Verdict.STALE), "stale"),
    ],
    ids=["trusted", "not trusted", "unknown", "stale"],
)
def test_when_it_is_over_the_verdict_comes_first_and_nothing_reloads(language: str, shown: Any, look: str) -> None:
    text = page(language, shown)
    verdict = _VERDICT.search(text)
    assert verdict is not None
    assert verdict[1] == look
    assert text.index("<h1>") == verdict.start(2) - len("<h1>")
    assert "refresh" not in text
